"""Raw files and their rows, read without an engine."""

import logging
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from coin_platform.contracts import raw
from coin_platform.errors import TransientError
from coin_platform.partitions import Window
from coin_platform.resources.lake import Lake
from coin_platform.resources.lake.listing import first_name
from coin_platform_tests.integration.lake_files import HOUR, H, change_name, coin, quote, write_raw

COLUMNS = ("snapshot_hour", "coin_id", "loaded_at", "commit_timestamp", "change_seq")


@pytest.fixture
def lake(tmp_path):
    return Lake(str(tmp_path))


def names(files):
    return [file.name for file in files]


def test_a_table_without_a_folder_has_no_files(lake):
    assert lake.raw_files(raw.COIN_QUOTES) == []
    assert lake.raw_rows(raw.COIN_QUOTES, [], COLUMNS).num_rows == 0


def test_loads_come_before_changes_and_both_are_in_the_order_of_their_names(lake):
    expected = ["LOAD00000009.parquet", "LOAD0000000A.csv", "20260301-010000000.csv"]
    for name in (*expected, "20260301-0200000000.parquet"):
        write_raw(lake, raw.COIN_QUOTES, name, [])
    files = lake.raw_files(raw.COIN_QUOTES)
    assert names(files) == [*expected, "20260301-0200000000.parquet"]
    assert [file.is_load for file in files] == [True, True, False, False]
    assert files[2].written_at == datetime(2026, 3, 1, 1, tzinfo=UTC)
    assert files[3].written_at == datetime(2026, 3, 1, 2, tzinfo=UTC)
    assert names(lake.load_files(raw.COIN_QUOTES)) == expected[:2]


def test_change_files_made_before_the_window_are_skipped_by_name(lake):
    made = [H + n * HOUR + timedelta(milliseconds=7) for n in range(3)]
    for name in ("LOAD00000001.parquet", *map(change_name, made)):
        write_raw(lake, raw.COIN_QUOTES, name, [])
    found = lake.raw_files(raw.COIN_QUOTES, since=H + HOUR)
    assert names(found) == ["LOAD00000001.parquet", *map(change_name, made[1:])]


def test_a_file_made_at_the_very_start_of_the_window_is_listed_whatever_its_ending(lake):
    expected = ["20260301-010000000.csv", "20260301-0100000000.parquet", "20260301-010000001.csv"]
    for name in (change_name(H + HOUR - timedelta(milliseconds=1)), *expected):
        write_raw(lake, raw.COIN_QUOTES, name, [])
    assert names(lake.raw_files(raw.COIN_QUOTES, since=H + HOUR)) == sorted(expected)


@given(st.sets(st.integers(0, 5_000)), st.integers(0, 5_000))
def test_a_bound_by_time_leaves_out_exactly_the_changes_made_before(minutes, bound):
    made = {change_name(at): at for at in (H + timedelta(minutes=n) for n in minutes)}
    since = H + timedelta(minutes=bound)
    kept = {name for name in [*made, "LOAD00000001.csv"] if name >= first_name(since)}
    assert kept == {"LOAD00000001.csv", *(name for name, at in made.items() if at >= since)}


def test_an_hour_ahead_of_this_clock_is_looked_for_in_every_file(lake):
    write_raw(lake, raw.COIN_QUOTES, change_name(H), [])
    future = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(days=9)
    assert names(lake.raw_files(raw.COIN_QUOTES, since=future)) == [change_name(H)]


def test_only_changes_after_a_name_are_listed_for_who_has_seen_that_name(lake):
    for name in ("LOAD00000001.parquet", change_name(H), change_name(H + HOUR)):
        write_raw(lake, raw.COIN_QUOTES, name, [])
    assert names(lake.raw_files(raw.COIN_QUOTES, after="")) == [
        change_name(H),
        change_name(H + HOUR),
    ]
    assert names(lake.raw_files(raw.COIN_QUOTES, after=change_name(H))) == [change_name(H + HOUR)]


def test_files_partitioned_by_date_are_found_in_their_folders(lake):
    write_raw(lake, raw.COIN_QUOTES, f"2026/03/01/{change_name(H)}", [])
    assert names(lake.raw_files(raw.COIN_QUOTES)) == [change_name(H)]
    # Folders are by commit date, names by time of making: the name alone decides.
    assert names(lake.raw_files(raw.COIN_QUOTES, since=H)) == [change_name(H)]
    assert lake.raw_files(raw.COIN_QUOTES, since=H + HOUR) == []


def test_a_stray_file_is_said_and_an_unfinished_one_is_not(lake, caplog):
    folder = write_raw(lake, raw.COIN_QUOTES, change_name(H), []).parent
    (folder / ".20260301-000000000.parquet").touch()
    (folder / "20260301-000000000.parquet.tmp").touch()
    (folder / "load00000001.parquet").touch()
    with caplog.at_level(logging.WARNING):
        assert names(lake.raw_files(raw.COIN_QUOTES)) == [change_name(H)]
    assert [record.getMessage().split(" is named")[0] for record in caplog.records] == [
        str(folder / "load00000001.parquet")
    ]


@pytest.mark.parametrize("extension", ["parquet", "csv"])
def test_rows_of_a_window_come_with_operation_and_file(lake, extension):
    change = change_name(H + HOUR, extension)
    write_raw(lake, raw.COIN_QUOTES, f"LOAD00000001.{extension}", [quote(1), quote(2, H - HOUR)])
    write_raw(lake, raw.COIN_QUOTES, change, [quote(1, op="D", seq=1), quote(3, H + HOUR, seq=2)])
    found = lake.raw_rows(
        raw.COIN_QUOTES, lake.raw_files(raw.COIN_QUOTES), COLUMNS, Window.of_hour(H)
    )
    assert found.column_names == ["Op", *COLUMNS, "file"]
    rows = sorted(found.to_pylist(), key=lambda row: row["file"], reverse=True)
    assert [(row["Op"], row["coin_id"], row["file"]) for row in rows] == [
        ("I", 1, f"LOAD00000001.{extension}"),
        ("D", 1, change),
    ]
    assert rows[0]["snapshot_hour"] == H
    assert rows[0]["loaded_at"] == H + HOUR
    assert rows[0]["change_seq"] is None


@pytest.mark.parametrize("extension", ["parquet", "csv"])
def test_without_a_window_all_rows_come(lake, extension):
    write_raw(lake, raw.COIN_QUOTES, f"LOAD00000001.{extension}", [quote(1), quote(2, H - HOUR)])
    files = lake.raw_files(raw.COIN_QUOTES)
    assert lake.raw_rows(raw.COIN_QUOTES, files, ("coin_id",), None).num_rows == 2


def test_a_delete_that_carries_only_its_key_is_in_every_window(lake):
    write_raw(lake, raw.COINS, change_name(H), [coin(5, op="D", seq=1), coin(6, H - HOUR, seq=2)])
    files = lake.raw_files(raw.COINS)
    found = lake.raw_rows(raw.COINS, files, ("coin_id",), Window.of_hour(H)).to_pylist()
    assert [(row["Op"], row["coin_id"]) for row in found] == [("D", 5)]


@pytest.mark.parametrize("extension", ["parquet", "csv"])
def test_a_column_that_older_files_lack_is_null_in_their_rows(lake, extension):
    old, new = change_name(H, extension), change_name(H + HOUR, extension)
    write_raw(lake, raw.COIN_QUOTES, old, [quote(1, seq=1)], without=("price",))
    write_raw(lake, raw.COIN_QUOTES, new, [quote(2, seq=2, price=0.1)])
    found = lake.raw_rows(raw.COIN_QUOTES, lake.raw_files(raw.COIN_QUOTES), ("coin_id", "price"))
    assert sorted((row["coin_id"], row["price"]) for row in found.to_pylist()) == [
        (1, None),
        (2, 0.1),
    ]


@pytest.mark.parametrize("extension", ["parquet", "csv"])
def test_the_start_of_a_full_load_is_read_from_its_first_file(lake, extension):
    write_raw(lake, raw.COIN_QUOTES, change_name(H, extension), [quote(1, seq=1)])
    files = lake.raw_files(raw.COIN_QUOTES)
    assert lake.load_started(raw.COIN_QUOTES, files) is None
    write_raw(lake, raw.COIN_QUOTES, f"LOAD00000001.{extension}", [quote(1, at=H + 5 * HOUR)])
    files = lake.raw_files(raw.COIN_QUOTES)
    assert lake.load_started(raw.COIN_QUOTES, files) == "2026-03-01 05:00:00.000000"


def test_the_start_of_a_full_load_is_read_without_the_rest_of_the_load(lake):
    load = write_raw(
        lake, raw.COIN_QUOTES, "LOAD00000001.parquet", [quote(n) for n in range(30_000)]
    )
    where = pq.ParquetFile(load).metadata.row_group(1).column(1).data_page_offset
    content = bytearray(load.read_bytes())
    content[where : where + 20] = b"x" * 20
    load.write_bytes(content)
    files = lake.raw_files(raw.COIN_QUOTES)
    with pytest.raises(OSError, match="page header"):
        lake.raw_rows(raw.COIN_QUOTES, files, ("commit_timestamp",))
    assert lake.load_started(raw.COIN_QUOTES, files) == "2026-03-01 01:00:00.000000"


@pytest.mark.parametrize("extension", ["parquet", "csv"])
def test_rows_in_parts_are_all_rows(lake, extension, monkeypatch):
    monkeypatch.setattr("coin_platform.resources.lake.raw.BATCH_ROWS", 4)
    for n, name in enumerate((f"LOAD00000001.{extension}", change_name(H, extension))):
        rows = [quote(coin, seq=n or None) for coin in range(10)]
        write_raw(lake, raw.COIN_QUOTES, name, rows)
    files = lake.raw_files(raw.COIN_QUOTES)
    parts = list(lake.raw_parts(raw.COIN_QUOTES, files, COLUMNS))
    assert pa.concat_tables(parts) == lake.raw_rows(raw.COIN_QUOTES, files, COLUMNS)
    assert len(parts) >= 2


def test_a_file_that_has_gone_since_it_was_listed_is_no_lasting_failure(lake):
    change = write_raw(lake, raw.COIN_QUOTES, change_name(H), [quote(1, seq=1)])
    files = lake.raw_files(raw.COIN_QUOTES)
    change.unlink()
    with pytest.raises(TransientError, match="has gone since it was listed"):
        lake.raw_rows(raw.COIN_QUOTES, files, COLUMNS)
