"""What Spark does with the lake: each guard against what the engine gets silently wrong."""

import math
import threading
from datetime import timedelta
from pathlib import Path

import pytest
from deltalake import DeltaTable, Field, Schema
from deltalake.schema import PrimitiveType
from filelock import FileLock

from coin_platform.contracts import curated, processed, raw
from coin_platform.errors import PermanentError, TransientError
from coin_platform.partitions import Window
from coin_platform.resources.engine.sail import SAIL
from coin_platform.resources.lake import Lake, frames
from coin_platform.resources.lake import lake as lake_module
from coin_platform.resources.lake.delta_schema import DELTA_TYPES
from coin_platform_tests.integration.lake_files import (
    HOUR,
    H,
    change_name,
    coin,
    frame,
    quote,
    rows_of,
    write_raw,
)

QUOTES = processed.COIN_QUOTES
DAY = timedelta(days=1)


@pytest.fixture
def lake(tmp_path):
    return Lake(str(tmp_path))


def quotes(*keys, price=1.0):
    return frame(QUOTES, [quoted(coin_id, hour, price) for coin_id, hour in keys])


def quoted(coin_id, hour, price=1.0):
    row = quote(coin_id, hour, price=price)
    return {name: value for name, value in row.items() if name in QUOTES.column_names}


def hours_from(first, count=1):
    return Window(H + first * HOUR, H + (first + count) * HOUR)


def held(lake):
    rows = rows_of(lake.read(SAIL.session, QUOTES), "snapshot_hour", "coin_id")
    return [((row["snapshot_hour"] - H) // HOUR, row["coin_id"], row["price"]) for row in rows]


def test_replacing_one_hour_of_a_file_that_holds_many_keeps_the_others(lake):
    keys = [(n, H + hour * HOUR) for hour in range(6) for n in (1, 2)]
    lake.replace(QUOTES, quotes(*keys), hours_from(0, 6))
    lake.replace(QUOTES, quotes((1, H + 3 * HOUR), price=7.0), hours_from(3))
    expected = [(hour, n, 1.0) for hour in range(6) for n in (1, 2) if hour != 3]
    assert held(lake) == sorted([*expected, (3, 1, 7.0)])


def test_rows_outside_the_window_are_not_written(lake):
    lake.replace(QUOTES, quotes((1, H), (2, H + 5 * HOUR), (3, H - HOUR)), hours_from(0))
    assert held(lake) == [(0, 1, 1.0)]


def test_replacing_by_nothing_empties_the_window_only(lake):
    lake.replace(QUOTES, quotes((1, H), (1, H + HOUR)), hours_from(0, 2))
    lake.replace(QUOTES, quotes(), hours_from(0))
    assert held(lake) == [(1, 1, 1.0)]


def test_replacing_again_leaves_the_same_rows(lake):
    for _ in range(3):
        lake.replace(QUOTES, quotes((1, H), (2, H)), hours_from(0))
    assert held(lake) == [(0, 1, 1.0), (0, 2, 1.0)]


def test_a_daily_table_is_replaced_by_whole_days(lake):
    table = curated.TOP_PRICES
    day = {"currency": "USD", "rank": 1, "coin_id": 1, "source": "simulated"}
    rows = [day | {"day": (H + n * DAY).date(), "price": float(n)} for n in range(3)]
    lake.replace(table, frame(table, rows), Window(H, H + 3 * DAY))
    lake.replace(table, frame(table, [rows[1] | {"price": 9.0}]), Window(H + DAY, H + 2 * DAY))
    found = rows_of(lake.read(SAIL.session, table), "day")
    assert [row["price"] for row in found] == [0.0, 9.0, 2.0]
    with pytest.raises(ValueError, match="whole days"):
        lake.replace(table, frame(table, rows), hours_from(0))


def test_a_table_keeps_the_types_nullability_and_comments_of_its_contract(lake):
    lake.replace(QUOTES, quotes((1, H)), hours_from(0))
    table = DeltaTable(lake.uri(QUOTES))
    assert table.metadata().description == QUOTES.description
    for column, field in zip(QUOTES.columns, table.schema().fields, strict=True):
        assert (field.name, field.nullable) == (column.name, column.nullable)
        assert field.metadata["comment"] == column.description


def test_columns_of_literals_stay_nullable_so_that_compaction_works(lake):
    from pyspark.sql import functions as fn

    for hour in range(3):
        rows = quotes((1, H + hour * HOUR)).withColumn("price", fn.lit(5.0))
        lake.replace(QUOTES, rows, hours_from(hour))
    before = held(lake)
    assert lake.detail(QUOTES).files == 3
    lake.compact(QUOTES)
    assert lake.detail(QUOTES).files == 1
    assert held(lake) == before
    assert lake.vacuum(QUOTES, timedelta())
    assert held(lake) == before


def test_a_required_value_that_is_missing_stops_the_write_and_changes_nothing(lake):
    lake.replace(QUOTES, quotes((1, H)), hours_from(0))
    broken = frame(QUOTES, [quoted(2, H) | {"source": None}])
    with pytest.raises(Exception, match="NOT NULL"):
        lake.replace(QUOTES, broken, hours_from(0))
    assert held(lake) == [(0, 1, 1.0)]


def test_a_frame_without_a_column_of_the_contract_is_refused_by_name(lake):
    with pytest.raises(PermanentError, match="lack price"):
        lake.replace(QUOTES, quotes((1, H)).drop("price"), hours_from(0))


@pytest.mark.parametrize(
    "number",
    [2.0052e-20, 9.8e17, 0.1 + 0.2, 5e-324, 1.7976931348623157e308, 0.49999999999999994, 0.0],
)
def test_doubles_survive_to_the_last_digit(lake, number):
    for extension in ("parquet", "csv"):
        write_raw(lake, raw.COIN_QUOTES, f"LOAD00000001.{extension}", [quote(1, price=number)])
        files = [file for file in lake.raw_files(raw.COIN_QUOTES) if extension in file.name]
        rows = lake.read_raw(SAIL.session, raw.COIN_QUOTES, files)
        lake.replace(QUOTES, rows.selectExpr("*", "'' AS warnings"), hours_from(0))
        assert held(lake) == [(0, 1, number)]


@pytest.mark.parametrize("extension", ["parquet", "csv"])
def test_nan_beside_equal_numbers_stays_nan(lake, extension):
    rows = [quote(1, price=1.0), quote(2, price=math.nan)]
    write_raw(lake, raw.COIN_QUOTES, f"LOAD00000001.{extension}", rows)
    read = lake.read_raw(SAIL.session, raw.COIN_QUOTES, lake.raw_files(raw.COIN_QUOTES))
    lake.replace(QUOTES, read.selectExpr("*", "'' AS warnings"), hours_from(0))
    assert lake.read(SAIL.session, QUOTES).filter("isnan(price)").count() == 1


def test_merging_updates_rows_of_the_same_key_and_inserts_the_others(lake):
    table = processed.COINS
    rows = [coin(n) | {"valid_from": H, "is_current": True} for n in (1, 2)]
    lake.merge(SAIL.session, table, frame(table, known := [only(table, row) for row in rows]))
    change = known[1] | {"valid_to": H + HOUR, "is_current": False}
    following = known[1] | {"valid_from": H + HOUR}
    lake.merge(SAIL.session, table, frame(table, [change, following]))
    found = rows_of(lake.read(SAIL.session, table), "coin_id", "valid_from")
    assert [(row["coin_id"], row["valid_from"], row["is_current"]) for row in found] == [
        (1, H, True), (2, H, False), (2, H + HOUR, True),
    ]  # fmt: skip


def only(table, row):
    return {name: value for name, value in row.items() if name in table.column_names}


# Reading


def test_a_missing_table_is_an_error_and_not_an_empty_one(lake):
    with pytest.raises(PermanentError, match="materialize it first"):
        lake.read(SAIL.session, QUOTES)
    assert lake.detail(QUOTES) is None


def test_no_raw_files_and_a_file_that_has_gone_are_errors(lake):
    with pytest.raises(PermanentError, match="materialize raw/coin_quotes first"):
        lake.read_raw(SAIL.session, raw.COIN_QUOTES, [])
    path = write_raw(lake, raw.COIN_QUOTES, change_name(H), [quote(1, seq=1)])
    files = lake.raw_files(raw.COIN_QUOTES)
    path.unlink()
    with pytest.raises(TransientError, match="has gone"):
        lake.read_raw(SAIL.session, raw.COIN_QUOTES, files)


AWKWARD = [
    "x, “y”",
    'say "hi"',
    "line\nbreak",
    " padded ",
    "",
    "NULL",
    "42",
    "( ͡° ͜ʖ ͡°)",
    "a\\b",
    None,
]


def test_parquet_and_csv_read_as_equal_frames(lake, tmp_path):
    numbers = [1e-20, -3.5, None, float("inf"), 123456789.123456789, None, 0.0, 1.0, 2.0, 3.0]
    rows = [
        coin(
            n, name=name, max_supply=number, infinite_supply=[True, False, None][n % 3], at=H, seq=n
        )
        for n, (name, number) in enumerate(zip(AWKWARD, numbers, strict=True), 1)
    ]
    rows.append(coin(99, op="D", seq=99))
    found = []
    for extension in ("parquet", "csv"):
        one = Lake(str(tmp_path / extension))
        write_raw(one, raw.COINS, change_name(H, extension), rows)
        data = one.read_raw(SAIL.session, raw.COINS, one.raw_files(raw.COINS))
        found.append((dict(data.dtypes), rows_of(data, "coin_id")))
    assert found[0] == found[1]
    assert [row["name"] for row in found[0][1]] == [*AWKWARD, None]


@pytest.mark.parametrize("extension", ["parquet", "csv"])
def test_files_from_before_a_column_was_added_read_with_nulls(lake, extension):
    old, new = (change_name(H + n * HOUR, extension) for n in (0, 1))
    write_raw(lake, raw.COIN_QUOTES, old, [quote(1, seq=1)], without=("cmc_rank", "price"))
    write_raw(lake, raw.COIN_QUOTES, new, [quote(2, seq=2, cmc_rank=5)])
    data = lake.read_raw(SAIL.session, raw.COIN_QUOTES, lake.raw_files(raw.COIN_QUOTES))
    found = [(row["price"], row["cmc_rank"]) for row in rows_of(data, "coin_id")]
    assert found == [(None, None), (1.0, 5)]


def test_columns_of_a_table_are_read_without_an_engine(lake):
    with pytest.raises(PermanentError, match="materialize it first"):
        lake.rows(QUOTES, ["coin_id"])
    lake.replace(QUOTES, quotes((1, H), (2, H + HOUR), price=0.1), hours_from(0, 2))
    assert lake.rows(QUOTES, ["price", "coin_id"], hours_from(1)).to_pylist() == [
        {"price": 0.1, "coin_id": 2}
    ]
    assert lake.rows(QUOTES, ["coin_id"]).num_rows == 2


# The table's shape


def test_a_nullable_column_that_the_contract_gained_is_added(lake):
    fields = [frames_field(column) for column in QUOTES.columns if column.name != "cmc_rank"]
    DeltaTable.create(lake.uri(QUOTES), Schema(fields))
    lake.replace(QUOTES, quotes((1, H)), hours_from(0))
    assert {field.name for field in DeltaTable(lake.uri(QUOTES)).schema().fields} == set(
        QUOTES.column_names
    )
    assert held(lake) == [(0, 1, 1.0)]


def frames_field(column, **changes):
    kind = PrimitiveType(changes.get("type", DELTA_TYPES[column.type]))
    return Field(column.name, kind, nullable=changes.get("nullable", column.nullable))


def test_every_other_difference_from_the_contract_is_named(lake):
    changes = {"price": {"type": "string"}, "coin_id": {"nullable": True}}
    fields = [
        frames_field(c, **changes.get(c.name, {})) for c in QUOTES.columns if c.name != "source"
    ]
    DeltaTable.create(lake.uri(QUOTES), Schema([*fields, Field("extra", "long")]))
    with pytest.raises(PermanentError) as refused:
        lake.replace(QUOTES, quotes((1, H)), hours_from(0))
    for words in (
        "price is text, not double",
        "coin_id may be null, and must not",
        "source is gone",
    ):
        assert words in str(refused.value)


# One writer a table


def test_writers_of_one_table_take_turns_and_lose_nothing(lake):
    errors = []

    def write(hour):
        try:
            Lake(lake.url).replace(QUOTES, quotes((1, H + hour * HOUR)), hours_from(hour))
        except Exception as error:  # noqa: BLE001 - reported below
            errors.append(error)

    threads = [threading.Thread(target=write, args=(hour,)) for hour in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert held(lake) == [(hour, 1, 1.0) for hour in range(6)]


def test_a_commit_that_came_in_between_is_tried_again(lake, monkeypatch):
    """Six writers that do not know of each other's lock: all of their rows must be there."""
    lake.ensure(QUOTES)
    monkeypatch.setattr(frames, "ATTEMPTS", 12)
    windows = [hours_from(hour) for hour in range(6)]
    threads = [
        threading.Thread(
            target=frames.replace,
            args=(quotes((1, window.start)), QUOTES, lake.uri(QUOTES), window),
        )
        for window in windows
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert held(lake) == [(hour, 1, 1.0) for hour in range(6)]


def test_a_writer_that_never_gets_its_turn_says_who_to_look_for(lake, monkeypatch):
    monkeypatch.setattr(lake_module, "LOCK_TIMEOUT_SECONDS", 0.05)
    path = Path(lake.url) / ".locks" / "processed.coin_quotes.lock"
    path.parent.mkdir()
    with FileLock(path), pytest.raises(TransientError, match="another writer"):
        lake.ensure(QUOTES)
