"""Files that cannot hold what is asked for are not opened, and no others are left out."""

import pyarrow as pa
import pytest
from deltalake import DeltaTable
from hypothesis import given, settings
from hypothesis import strategies as st

from coin_platform.contracts import processed, raw
from coin_platform.contracts.render import arrow_schema
from coin_platform.partitions import Window
from coin_platform.resources.engine.sail import SAIL
from coin_platform.resources.lake import Lake
from coin_platform.resources.lake.footers import holding as raw_holding
from coin_platform.resources.lake.storage import open_filesystem
from coin_platform.resources.lake.tables import holding
from coin_platform_tests.integration.lake_files import (
    HOUR,
    H,
    change_name,
    coin,
    quote,
    rows_of,
    write_raw,
)

QUOTES = processed.COIN_QUOTES
SPANS = st.tuples(st.integers(0, 60), st.integers(1, 30)).map(
    lambda span: Window(H + span[0] * HOUR, H + sum(span) * HOUR)
)


@pytest.fixture
def lake(tmp_path):
    return Lake(str(tmp_path))


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """Ninety hours of a coin, in files of seven, written by the `deltalake` package."""
    lake = Lake(str(tmp_path_factory.mktemp("lake")))
    for part in Window(H, H + 90 * HOUR).chunks(7):
        rows = [
            {name: value for name, value in quote(1, hour).items() if name in QUOTES.column_names}
            for hour in part.hours
        ]
        lake.replace_rows(QUOTES, pa.Table.from_pylist(rows, arrow_schema(QUOTES)), part)
    return lake


@settings(max_examples=40, deadline=None)
@given(SPANS)
def test_the_hours_of_a_window_are_read_whole_and_from_few_files(table, window):
    rows = table.rows(QUOTES, ["snapshot_hour"], window)["snapshot_hour"].to_pylist()
    assert sorted(rows) == window.hours
    opened = holding(DeltaTable(table.uri(QUOTES)), "snapshot_hour", window.start, window.end)
    assert len(opened) <= (len(window.hours) - 1) // 7 + 2


def test_a_table_without_rows_has_none_of_a_window(lake):
    lake.ensure(QUOTES)
    assert lake.rows(QUOTES, ["coin_id"], Window.of_hour(H)).num_rows == 0


def names_held(lake, table, window):
    files = lake.raw_files(table)
    filesystem, _ = open_filesystem(lake.uri(table), {})
    return [file.name for file in raw_holding(filesystem, table, files, window)]


def test_raw_files_of_other_hours_are_left_out_and_the_rows_are_the_same(lake):
    for n in range(4):
        rows = [quote(1, H + n * HOUR, seq=2 * n), quote(2, H + n * HOUR, op="D", seq=2 * n + 1)]
        write_raw(lake, raw.COIN_QUOTES, change_name(H + (n + 5) * HOUR), rows)
    window = Window(H + HOUR, H + 3 * HOUR)
    names = [change_name(H + n * HOUR) for n in (6, 7)]
    assert names_held(lake, raw.COIN_QUOTES, window) == names
    files = lake.raw_files(raw.COIN_QUOTES)
    found = rows_of(lake.read_raw(SAIL.session, raw.COIN_QUOTES, files, window), "change_seq")
    assert [(row["snapshot_hour"], row["Op"]) for row in found] == [
        (H + HOUR, "I"), (H + HOUR, "D"), (H + 2 * HOUR, "I"), (H + 2 * HOUR, "D"),
    ]  # fmt: skip
    nothing = Window.of_hour(H + 9 * HOUR)
    assert rows_of(lake.read_raw(SAIL.session, raw.COIN_QUOTES, files, nothing)) == []


@pytest.mark.parametrize("extension", ["parquet", "csv"])
def test_a_raw_file_with_rows_that_have_no_time_may_hold_any_hour(lake, extension):
    name = change_name(H + HOUR, extension)
    write_raw(lake, raw.COINS, name, [coin(1, seq=1), coin(1, op="D", seq=2)])
    assert names_held(lake, raw.COINS, Window.of_hour(H + 50 * HOUR)) == [name]


def test_a_file_that_a_reload_replaced_is_looked_at_anew(lake):
    name = "LOAD00000001.parquet"
    for hour in (H, H + 9 * HOUR):
        write_raw(lake, raw.COIN_QUOTES, name, [quote(1, hour)])
        files = lake.raw_files(raw.COIN_QUOTES)
        for asked in (H, H + 9 * HOUR):
            window = Window.of_hour(asked)
            assert names_held(lake, raw.COIN_QUOTES, window) == [name] * (asked == hour)
            found = lake.raw_rows(raw.COIN_QUOTES, files, ["snapshot_hour"], window)
            assert found["snapshot_hour"].to_pylist() == [hour] * (asked == hour)
