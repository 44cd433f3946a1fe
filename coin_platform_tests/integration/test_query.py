"""Queries over the served tables: names, versions, what is read, and how a query ends."""

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from deltalake import DeltaTable

from coin_platform.contracts import processed
from coin_platform.contracts.model import Column, Type
from coin_platform.errors import PermanentError, SettingsError
from coin_platform.partitions import HOUR, Window
from coin_platform.query.session import answer
from coin_platform.resources.lake import Lake
from coin_platform.resources.lake.served import TABLES, ServedLake
from coin_platform_tests.integration.served_lake import (
    PRICES,
    H,
    quotes_of,
    small_lake,
    write,
)


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    return small_lake(tmp_path_factory.mktemp("queried"))


def rows(lake, query):
    with answer(lake, query) as found:
        return [row for batch in found for row in batch.to_pylist()]


def value(lake, query):
    [row] = rows(lake, query)
    [only] = row.values()
    return only


def test_names_of_tables_are_unique_so_that_a_plain_one_means_one_table():
    assert max(Counter(table.name for table in TABLES).values()) == 1


@pytest.mark.parametrize("name", ["coin_quotes", "processed.coin_quotes", "PROCESSED.Coin_Quotes"])
def test_a_table_goes_by_its_name_with_or_without_its_layer(lake, name):
    assert value(lake, f"SELECT count(*) FROM {name}") == 3 * len(PRICES)


def test_values_are_those_of_the_table_to_the_last_digit(lake):
    found = rows(lake, "SELECT coin_id, price FROM coin_quotes WHERE snapshot_hour = '2026-03-01'")
    assert {row["coin_id"]: row["price"] for row in found} == PRICES


def test_instants_are_utc_whatever_the_machine_thinks(lake, monkeypatch):
    monkeypatch.setenv("TZ", "America/New_York")
    hours = rows(lake, "SELECT DISTINCT snapshot_hour AS h FROM coin_quotes ORDER BY 1 LIMIT 1")
    assert hours == [{"h": H}]
    assert value(lake, "SELECT date_trunc('day', max(snapshot_hour))::text FROM coin_quotes") == (
        "2026-03-02 00:00:00+00"
    )


def test_tables_of_layers_join(lake):
    query = """
        SELECT count(*) FROM coin_quotes q JOIN daily_coin_prices d
        ON q.coin_id = d.coin_id AND q.snapshot_hour::date = d.day
    """
    assert value(lake, query) == 3 * len(PRICES)


@pytest.mark.parametrize(
    "query",
    [
        "PIVOT coin_quotes ON coin_id USING avg(price) GROUP BY snapshot_hour",
        "DESCRIBE curated.top_prices",
        "SUMMARIZE coin_quotes",
        "SHOW TABLES",
        "FROM coin_quotes LIMIT 1",
        "EXPLAIN SELECT 1",
        "EXPLAIN ANALYZE SELECT 1",
        "EXPLAIN (ANALYZE, FORMAT json) FROM top_prices",
        "VALUES (1);",
        "-- why\nSELECT 1 -- because\n;",
        "(SELECT 1) UNION (SELECT 2)",
    ],
)
def test_every_kind_of_query_is_answered(lake, query):
    assert rows(lake, query)


def test_hours_that_a_query_does_not_ask_for_are_not_read(tmp_path):
    """Their files are gone, and only a query that needs them notices."""
    lake = small_lake(tmp_path)
    uri = str(tmp_path / "lake" / "processed" / "coin_quotes")
    files = DeltaTable(uri).get_add_actions(flatten=True)
    by_hour = dict(
        zip(files["min.snapshot_hour"].to_pylist(), files["path"].to_pylist(), strict=True)
    )
    (Path(uri) / by_hour[H]).unlink()
    later = "SELECT count(*) FROM coin_quotes WHERE snapshot_hour > '2026-03-01 00:30'"
    assert value(lake, later) == 2 * len(PRICES)
    day = "SELECT count(*) FROM coin_quotes WHERE snapshot_hour >= DATE '2026-03-02'"
    assert value(lake, day) == len(PRICES)
    with pytest.raises(PermanentError):
        rows(lake, "SELECT count(price) FROM coin_quotes")


def test_nan_is_found_and_compared_as_duckdb_has_it(tmp_path):
    """Statistics leave it out; no file or group of rows may be passed over because of that."""
    lake = Lake(str(tmp_path / "lake"))
    of = processed.QUARANTINED_COIN_QUOTES
    prices = {1: 1.0, 2: 1.0, 3: float("nan")}
    write(
        lake,
        of,
        Window.of_hour(H),
        [
            {"snapshot_hour": H, "coin_id": c, "currency": "USD", "price": p}
            for c, p in prices.items()
        ],
    )
    served = ServedLake(lake)
    table = "quarantined_coin_quotes"
    assert value(served, f"SELECT coin_id FROM {table} WHERE isnan(price)") == 3
    assert value(served, f"SELECT coin_id FROM {table} WHERE price > 5") == 3
    assert value(served, f"SELECT count(*) FROM {table} WHERE price = 1") == 2


def test_a_query_reads_the_versions_that_were_current_when_it_began(tmp_path):
    lake = small_lake(tmp_path)
    count = "SELECT count(*) FROM coin_quotes"
    with answer(lake, count) as before:
        new = H + 2 * HOUR
        write(Lake(lake.url), processed.COIN_QUOTES, Window.of_hour(new), quotes_of(new))
        assert [batch.to_pylist() for batch in before] == [[{"count_star()": 3 * len(PRICES)}]]
    assert value(lake, count) == 4 * len(PRICES)


def test_a_side_table_that_no_row_has_made_yet_is_empty_and_others_are_missing(lake):
    assert rows(lake, "FROM revisions") == []
    with pytest.raises(SettingsError, match="ledger has not been materialized yet"):
        rows(lake, "FROM processed.ledger")


def test_an_empty_home_says_how_to_fill_it(tmp_path):
    with pytest.raises(PermanentError, match="no tables yet: `coin-platform run`"):
        rows(ServedLake(Lake(str(tmp_path / "lake"))), "SELECT 1")


def test_a_mistake_is_shown_with_its_place(lake):
    for query, place in (
        ("SELECT prise FROM coin_quotes", "               ^"),
        ("FROM coin_quote", "             ^"),
        ("SELECT 1 FROM FROM", "                      ^^^^"),
    ):
        with pytest.raises(SettingsError) as mistake:
            rows(lake, query)
        assert f"LINE 1: {query}\n{place}" in str(mistake.value)


def test_a_query_that_fails_midway_is_no_mistake_of_usage(lake):
    text = "SELECT (coin_id || 'x')::integer FROM coin_quotes"
    with pytest.raises(PermanentError, match="Could not convert"):
        rows(lake, text)


ENDED = """
import signal, sys, threading
from coin_platform.query import session
from coin_platform.resources.lake import Lake
from coin_platform.resources.lake.served import ServedLake

class Ended(BaseException):
    pass

def ended(*_):
    raise Ended

def bound_and_told(*arguments):
    session.bound = bound
    timer.start()
    return bound(*arguments)

number, raised = getattr(signal, sys.argv[2]), {"SIGINT": KeyboardInterrupt, "SIGUSR1": Ended}
signal.signal(signal.SIGUSR1, ended)
# To the thread of the timer, as the kernel may do: the main thread's sleep does not end by it.
timer = threading.Timer(2.5, lambda: signal.pthread_kill(threading.get_ident(), number))
bound, session.bound = session.bound, bound_and_told
lake = ServedLake(Lake(sys.argv[1]))
try:
    with session.answer(lake, sys.argv[3]):
        pass
except raised[sys.argv[2]]:
    with session.answer(lake, "SELECT 42 AS it") as found:
        print([row["it"] for batch in found for row in batch.to_pylist()])
"""


@pytest.mark.parametrize("number", ["SIGINT", "SIGUSR1"])
def test_whatever_ends_the_asking_ends_a_query_that_computes(lake, number):
    """In a process of its own: Sail, which others share, takes a SIGINT for its own end."""
    many = "range(10_000_000)"
    endless = f"SELECT count(*) FROM {many} a, {many} b WHERE a.range * b.range % 7 = 3"
    done = subprocess.run(
        [sys.executable, "-c", ENDED, lake.url, number, endless],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert done.stdout == "[42]\n"  # and no progress bar, which DuckDB draws after two seconds


PEAK = """
import resource, sys
from coin_platform.query import session
from coin_platform.query.session import answer
from coin_platform.resources.lake import Lake
from coin_platform.resources.lake.served import ServedLake
with answer(ServedLake(Lake(sys.argv[1])), sys.argv[2]) as found:
    rows = sum(batch.num_rows for batch in found)
print(rows, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


def test_memory_does_not_grow_with_the_result(lake):
    def peak(rows):
        query = f"SELECT range AS n, md5(range::text) AS text FROM range({rows})"
        done = subprocess.run(
            [sys.executable, "-c", PEAK, lake.url, query],
            capture_output=True,
            text=True,
            check=True,
        )
        count, megabytes = map(int, done.stdout.split())
        assert count == rows
        return megabytes

    # Held in memory, the rows would take more than 200 MB.
    assert peak(4_000_000) < peak(1_000) + 100


def test_a_column_beyond_the_contract_can_be_asked_for(tmp_path):
    lake = Lake(str(tmp_path / "lake"))
    lake.ensure(processed.COIN_QUOTES, [Column("tvl", Type.DOUBLE, "")])
    assert rows(ServedLake(lake), "SELECT tvl FROM coin_quotes") == []
