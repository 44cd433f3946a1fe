"""Raw files of several shapes, and Delta tables with columns beyond their contract."""

from dataclasses import replace
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable, Field

from coin_platform.contracts import processed, raw
from coin_platform.contracts.model import Drift
from coin_platform.errors import PermanentError
from coin_platform.partitions import Window
from coin_platform.resources.conversion import exactly
from coin_platform.resources.engine.sail import SAIL
from coin_platform.resources.lake import Lake
from coin_platform_tests.integration.lake_files import (
    HOUR,
    H,
    change_name,
    frame,
    quote,
    rows_of,
    write_raw,
)

LOG = raw.COIN_QUOTES
FOLLOWING = replace(LOG, new_columns=Drift.EVOLVE)
QUOTES = replace(processed.COIN_QUOTES, new_columns=Drift.EVOLVE)


@pytest.fixture
def lake(tmp_path):
    return Lake(str(tmp_path))


def altered(lake, hour, number, /, drop=(), **columns):
    """A change file of one quote, written when the table had these columns instead."""
    at = hour + HOUR
    path = write_raw(lake, LOG, change_name(at), [quote(number, hour, seq=number)])
    rows = pq.read_table(path).drop_columns([*drop, *(set(columns) & set(LOG.column_names))])
    for name, values in columns.items():
        rows = rows.append_column(name, values)
    pq.write_table(rows, path, version="1.0", store_schema=False, compression="gzip")
    return path


def read(lake, table=LOG):
    return rows_of(lake.read_raw(SAIL.session, table, lake.raw_files(table)), "coin_id")


def test_files_of_many_shapes_read_as_the_contract_with_and_without_an_engine(lake):
    write_raw(lake, LOG, change_name(H), [quote(1, H, seq=1, total_supply=5.0, num_market_pairs=7)])
    altered(lake, H, 2, total_supply=pa.array(["0.1"]), num_market_pairs=pa.array(["7"]))
    altered(lake, H + HOUR, 3, total_supply=pa.array(["soon"]))
    altered(lake, H + 2 * HOUR, 4, total_supply=pa.array([2**40]), drop=("num_market_pairs",))
    altered(lake, H + 3 * HOUR, 5, total_supply=pa.array([Decimal("1.5")], pa.decimal128(28, 6)))
    # Followed where the contract says so and no digit is lost; a type of no contract is not.
    expected = [5.0, 0.1, None, float(2**40), None]
    with_engine = read(lake)
    assert [row["total_supply"] for row in with_engine] == expected
    assert [row["num_market_pairs"] for row in with_engine] == [7, None, None, None, None]
    assert list(with_engine[0]) == list(LOG.column_names)
    without = lake.raw_rows(LOG, lake.raw_files(LOG), ("coin_id", "total_supply"))
    by_coin = sorted(without.to_pylist(), key=lambda row: row["coin_id"])
    assert [row["total_supply"] for row in by_coin] == expected
    assert [row["Op"] for row in by_coin] == ["I"] * 5


def test_whole_numbers_are_followed_only_while_a_double_holds_them(lake):
    altered(lake, H, 1, total_supply=pa.array([2**53 + 1]))
    assert read(lake)[0]["total_supply"] is None
    assert exactly(pa.chunked_array([[2**53 + 1, 3]]), pa.float64()).to_pylist() == [None, 3.0]


def test_each_file_that_differs_is_named_with_how(lake):
    write_raw(lake, LOG, "LOAD00000001.parquet", [quote(1)], without=("change_seq",))
    odd = altered(lake, H, 2, price=pa.array(["1.5"]), note=pa.array(["x"]))
    drift = lake.raw_drift(LOG, lake.raw_files(LOG))
    assert list(drift) == [odd.name]
    assert [str(d).partition(" (stop")[0].partition(" (ignore")[0] for d in drift[odd.name]] == [
        f"raw/coin_quotes: price is text, not double, e.g. {odd.name}",
        f"raw/coin_quotes: note is new (text), e.g. {odd.name}",
    ]


def test_a_price_of_another_type_reads_as_none_so_that_no_rule_believes_it(lake):
    altered(lake, H, 1, price=pa.array(["1.5"]))
    assert read(lake)[0]["price"] is None


def test_a_key_of_another_type_is_refused_and_says_what_to_do(lake):
    altered(lake, H, 1, coin_id=pa.array(["1"]))
    with pytest.raises(PermanentError, match=r"coin_id is text, not bigint.*replication reload"):
        read(lake)


def test_csv_files_differ_by_their_header(lake):
    write_raw(lake, LOG, change_name(H, "csv"), [quote(1, seq=1)], without=("cmc_rank",))
    [[difference]] = lake.raw_drift(LOG, lake.raw_files(LOG)).values()
    assert "cmc_rank is gone" in str(difference)
    assert read(lake)[0]["cmc_rank"] is None


def test_a_new_column_is_read_where_the_contract_follows_and_null_in_older_files(lake):
    altered(lake, H, 1)
    altered(lake, H + HOUR, 2, note=pa.array(["x"]), odd=pa.array([Decimal(1)]))
    assert "note" not in read(lake)[1]
    followed = read(lake, FOLLOWING)
    assert [row["note"] for row in followed] == [None, "x"]
    assert "odd" not in followed[1]
    altered(lake, H + 2 * HOUR, 3, note=pa.array([7]))
    assert [row["note"] for row in read(lake, FOLLOWING)] == [None, "x", "7"]


def hours_from(first):
    return Window(H + first * HOUR, H + (first + 1) * HOUR)


def quotes(coin_id, hour, table=processed.COIN_QUOTES):
    row = quote(coin_id, hour)
    return frame(table, [{name: row.get(name) for name in table.column_names}])


def held(lake, *columns):
    rows = lake.rows(QUOTES, ["coin_id", *columns]).sort_by("coin_id")
    return [tuple(row.values()) for row in rows.to_pylist()]


def test_a_table_follows_new_columns_and_rows_without_them_have_null(lake):
    from pyspark.sql import functions as fn

    lake.replace(QUOTES, quotes(1, H), hours_from(0))
    noted = quotes(2, H + HOUR).withColumn("note", fn.lit("x")).withColumn("n", fn.lit(7))
    lake.replace(QUOTES, noted, hours_from(1))
    lake.replace(QUOTES, quotes(3, H + 2 * HOUR), hours_from(2))
    assert held(lake, "note", "n") == [(1, None, None), (2, "x", 7), (3, None, None)]
    lake.merge(SAIL.session, QUOTES, quotes(2, H + HOUR))
    assert held(lake, "note", "n")[1] == (2, None, None)
    assert [str(d) for d in lake.drift(QUOTES)] == [
        "processed/coin_quotes: note is new (text) (evolve: it is carried on to processed)",
        "processed/coin_quotes: n is new (integer) (evolve: it is carried on to processed)",
    ]


def test_a_table_that_does_not_follow_takes_no_new_column_and_lives_with_one_it_has(lake):
    from pyspark.sql import functions as fn

    table = processed.COIN_QUOTES
    lake.replace(table, quotes(1, H).withColumn("note", fn.lit("x")), hours_from(0))
    assert lake.drift(table) == []
    DeltaTable(lake.uri(table)).alter.add_columns([Field("note", "string")])
    lake.replace(table, quotes(2, H + HOUR), hours_from(1))
    assert held(lake, "note") == [(1, None), (2, None)]


def test_a_table_that_must_have_no_new_column_refuses_to_be_written(lake):
    table = replace(processed.COIN_QUOTES, new_columns=Drift.STOP)
    lake.ensure(table)
    DeltaTable(lake.uri(table)).alter.add_columns([Field("note", "string")])
    with pytest.raises(PermanentError, match=r"note is new .* Migrate it, or move it away"):
        lake.replace(table, quotes(1, H), hours_from(0))
