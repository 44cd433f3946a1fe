"""The lake in buckets: the same module, listing that starts where it must, an S3 that fails."""

from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from coin_platform.contracts import processed, raw
from coin_platform.contracts.model import Type
from coin_platform.contracts.render import arrow_schema
from coin_platform.errors import PermanentError, TransientError
from coin_platform.partitions import Window
from coin_platform.resources.lake import open_lake
from coin_platform.resources.lake.storage import open_filesystem
from coin_platform_tests.aws.box import PROJECT

H = datetime(2026, 3, 1, 10, tzinfo=UTC)
LEDGER = processed.LEDGER


@pytest.fixture
def lake(aws_settings):
    return open_lake(aws_settings())


def put(box, *names, table="coin_quotes"):
    for name in names:
        box.client("s3").put_object(
            Bucket=f"raw-{PROJECT}", Key=f"market/{table}/{name}", Body=b"x"
        )


def entries(hour, rows):
    """An entry of the ledger, all of whose counts are `rows`."""
    kinds = {Type.TEXT: "x", Type.BOOLEAN: True, Type.TIMESTAMP: hour}
    row = {column.name: kinds.get(column.type, rows) for column in LEDGER.columns}
    return pa.Table.from_pylist([row], arrow_schema(LEDGER))


def test_each_layer_has_its_bucket(lake):
    assert lake.uri(raw.COINS) == f"s3://raw-{PROJECT}/market/coins"
    assert lake.uri(LEDGER) == f"s3://processed-{PROJECT}/{LEDGER.name}"


def test_raw_files_are_listed_in_the_order_of_changes(box, lake):
    put(box, "20260301-101500000.parquet", "LOAD00000001.parquet", "20260301-091500000.parquet")
    assert [file.name for file in lake.raw_files(raw.COIN_QUOTES)] == [
        "LOAD00000001.parquet",
        "20260301-091500000.parquet",
        "20260301-101500000.parquet",
    ]
    since = [file.name for file in lake.raw_files(raw.COIN_QUOTES, since=H)]
    assert since == ["LOAD00000001.parquet", "20260301-101500000.parquet"]
    after = lake.raw_files(raw.COIN_QUOTES, after="20260301-091500000.parquet")
    assert [file.name for file in after] == ["20260301-101500000.parquet"]


def test_no_call_lists_what_is_older(box, lake):
    long_ago = datetime(2026, 1, 1, tzinfo=UTC)
    hours = (long_ago + timedelta(minutes=n) for n in range(1_100))
    put(box, *(f"{at:%Y%m%d-%H%M%S}000.parquet" for at in hours), "20260301-101500000.parquet")
    box.mend()
    assert len(lake.raw_files(raw.COIN_QUOTES, since=H)) == 1
    assert box.calls() == [("s3", "GET")]


def test_a_bucket_without_files_lists_none(lake):
    assert lake.raw_files(raw.COIN_QUOTES) == []


def test_a_slice_is_replaced_and_read_back(lake):
    for rows in (1, 2):
        lake.replace_rows(LEDGER, entries(H, rows), Window.of_hour(H))
    later = H + timedelta(hours=1)
    lake.replace_rows(LEDGER, entries(later, 9), Window.of_hour(later))
    assert lake.rows(LEDGER, ["snapshot_hour"], Window.of_hour(H)).num_rows == 1
    assert lake.rows(LEDGER, ["snapshot_hour"]).num_rows == 2
    assert lake.detail(LEDGER).rows == 2


def test_raw_rows_come_from_a_bucket(box, lake):
    schema = arrow_schema(raw.COINS)
    row = {field.name: None for field in schema} | {
        "Op": "I",
        "commit_timestamp": "2026-03-01 10:00:00.000000",
        "coin_id": 1,
    }
    filesystem, path = open_filesystem(lake.uri(raw.COINS), lake.storage_options)
    table = pa.Table.from_pylist([row], schema)
    pq.write_table(table, f"{path}/20260301-101500000.parquet", filesystem=filesystem)
    found = lake.raw_rows(raw.COINS, lake.raw_files(raw.COINS), ["coin_id"])
    assert found.to_pylist() == [{"Op": "I", "coin_id": 1, "file": "20260301-101500000.parquet"}]


@pytest.mark.parametrize(("status", "code"), [(503, "SlowDown"), (500, "InternalError")])
def test_an_s3_that_fails_for_a_while_changes_nothing(box, lake, status, code):
    lake.replace_rows(LEDGER, entries(H, 1), Window.of_hour(H))
    box.fail("s3", 3, status=status, code=code)
    lake.replace_rows(LEDGER, entries(H, 2), Window.of_hour(H))
    box.fail("s3", 2, status=status, code=code)
    assert lake.rows(LEDGER, ["snapshot_hour"], Window.of_hour(H)).num_rows == 1
    put(box, "20260301-101500000.parquet")
    box.fail("s3", 2, status=status, code=code)
    assert len(lake.raw_files(raw.COIN_QUOTES)) == 1


def test_an_s3_that_does_not_recover_is_said_to_fail_for_the_moment(box, lake):
    box.fail("s3", 100, status=503, code="SlowDown", message="Please reduce your request rate.")
    with pytest.raises(TransientError, match=r"listing s3://raw-.*SlowDown.*reduce your request"):
        lake.raw_files(raw.COIN_QUOTES)


def test_a_bucket_that_we_may_not_list_names_what_the_role_lacks(box, lake):
    box.fail("s3", 1, status=403, code="AccessDenied", message="Access Denied")
    with pytest.raises(PermanentError, match=r"AccessDenied.*may not do ListObjectsV2"):
        lake.raw_files(raw.COIN_QUOTES)
