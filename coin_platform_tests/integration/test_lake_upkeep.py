"""What keeps tables from falling into ever more files: compaction, and removal of old ones."""

from contextlib import nullcontext
from datetime import timedelta

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable, write_deltalake

from coin_platform.contracts import curated, processed
from coin_platform.contracts.render import arrow_schema
from coin_platform.errors import TransientError
from coin_platform.partitions import Window
from coin_platform.resources.lake import Lake, tables
from coin_platform.resources.lake.tables import holding
from coin_platform_tests.integration.lake_files import HOUR, H, quote

QUOTES = processed.COIN_QUOTES
DAY = timedelta(days=1)


@pytest.fixture
def lake(tmp_path):
    return Lake(str(tmp_path))


def rows_of_hours(hours, coins=3):
    rows = [
        {name: value for name, value in quote(coin, hour, price=coin / 7).items()
         if name in QUOTES.column_names}
        for hour in hours for coin in range(coins, 0, -1)
    ]  # fmt: skip
    return pa.Table.from_pylist(rows, arrow_schema(QUOTES))


def write(lake, start, hours, coins=3):
    window = Window(start, start + hours * HOUR)
    lake.replace_rows(QUOTES, rows_of_hours(window.hours, coins), window)


def held(lake):
    rows = lake.rows(QUOTES, QUOTES.column_names).to_pylist()
    return sorted(rows, key=lambda row: (row["snapshot_hour"], row["coin_id"]))


def test_a_day_in_many_files_becomes_one_with_the_same_rows_and_others_stay(lake):
    for hour in range(30):
        write(lake, H + hour * HOUR, 1)
    before = held(lake)
    assert lake.compact(QUOTES, H + DAY + 6 * HOUR) == [Window(H, H + DAY)]
    assert lake.detail(QUOTES).files == 1 + 6  # the day in progress is left to its writers
    assert held(lake) == before
    assert lake.compact(QUOTES, H + DAY + 6 * HOUR) == []


def test_a_day_that_is_written_while_its_files_are_merged_is_not_overwritten(lake, monkeypatch):
    """A lake in S3 is not locked: a writer may come between the reading and the commit."""
    for hour in range(24):
        write(lake, H + hour * HOUR, 1)
    read = tables.rows_of

    def read_then_written(*arguments):
        rows = read(*arguments)
        write(Lake(lake.url), H + 5 * HOUR, 1, coins=4)
        return rows

    monkeypatch.setattr(tables, "rows_of", read_then_written)
    monkeypatch.setattr(Lake, "writing", lambda *_: nullcontext())
    with pytest.raises(TransientError, match="was written while its files were merged"):
        lake.compact(QUOTES, H + DAY)
    monkeypatch.undo()
    assert len(held(lake)) == 24 * 3 + 1


def test_a_file_that_reaches_over_midnight_stays_and_the_hours_after_it_become_one(lake):
    write(lake, H + 20 * HOUR, 8)
    for hour in range(28, 48):
        write(lake, H + hour * HOUR, 1)
    before = held(lake)
    assert lake.compact(QUOTES) == [Window(H + 28 * HOUR, H + 48 * HOUR)]
    assert lake.detail(QUOTES).files == 2
    assert held(lake) == before
    assert lake.compact(QUOTES) == []


def test_hours_among_those_of_a_file_that_reaches_over_midnight_are_left_alone(lake):
    rows = rows_of_hours([H + 22 * HOUR, H + 25 * HOUR])
    lake.replace_rows(QUOTES, rows, Window(H, H + 2 * DAY))
    append(lake, [H + 23 * HOUR])
    append(lake, [H + 22 * HOUR])
    assert lake.compact(QUOTES) == []


def append(lake, hours):
    write_deltalake(lake.uri(QUOTES), rows_of_hours(hours), mode="append")


def test_an_hour_of_a_compacted_day_is_in_one_file_and_few_of_its_row_groups(lake):
    for day in range(2):
        for hour in range(24):
            write(lake, H + day * DAY + hour * HOUR, 1, coins=5_000)
    lake.compact(QUOTES)
    hour = H + DAY + 5 * HOUR
    found = DeltaTable(lake.uri(QUOTES))
    [file] = holding(found, "snapshot_hour", hour, hour + HOUR)
    [fragment] = ds.dataset(f"{lake.uri(QUOTES)}/{file}").get_fragments()
    wanted = ds.field("snapshot_hour") == pa.scalar(hour, pa.timestamp("us", "UTC"))
    assert len(fragment.split_by_row_group(wanted)) <= 2
    assert pq.ParquetFile(f"{lake.uri(QUOTES)}/{file}").num_row_groups >= 6
    assert lake.rows(QUOTES, ["coin_id"], Window.of_hour(hour)).num_rows == 5_000


def test_columns_beyond_the_contract_keep_their_values(lake):
    write(lake, H, 1)
    write(lake, H + HOUR, 1)
    table = DeltaTable(lake.uri(QUOTES))
    table.alter.add_columns([arrow_schema_field("mood")])
    DeltaTable(lake.uri(QUOTES)).update({"mood": "'calm'"}, predicate="coin_id = 2")
    lake.compact(QUOTES)
    moods = DeltaTable(lake.uri(QUOTES)).to_pyarrow_table(columns=["coin_id", "mood"]).to_pylist()
    assert {(row["coin_id"], row["mood"]) for row in moods} == {(1, None), (2, "calm"), (3, None)}
    assert lake.detail(QUOTES).files == 1


def arrow_schema_field(name):
    from deltalake import Field
    from deltalake.schema import PrimitiveType

    return Field(name, PrimitiveType("string"))


def test_tables_by_day_and_tables_without_a_time_are_compacted_too(lake):
    top = curated.TOP_PRICES
    row = {"day": H.date(), "currency": "USD", "rank": 1, "coin_id": 1, "price": 2.0}
    window = Window.of_days(H.date(), H.date())
    only = pa.Table.from_pylist([row | {"source": "simulated"}], arrow_schema(top))
    lake.replace_rows(top, only, window)
    assert lake.compact(top) == []
    lake.ensure(processed.COINS)
    assert lake.compact(processed.COINS) == []


def test_removing_old_files_leaves_what_is_read_and_takes_expired_entries_of_the_log(lake):
    for _ in range(3):
        write(lake, H, 1)
    before = held(lake)
    assert len(lake.vacuum(QUOTES, timedelta())) == 2
    assert held(lake) == before
    settings = DeltaTable(lake.uri(QUOTES)).metadata().configuration
    assert settings["delta.logRetentionDuration"] == "interval 7 days"
