"""Jobs from raw files to tables, run by the local engine."""

from datetime import timedelta

import pytest

from coin_platform.contracts import curated, processed, raw
from coin_platform.errors import PermanentError
from coin_platform.partitions import Window
from coin_platform.resources.engine.local import LocalEngine
from coin_platform.resources.lake import Lake
from coin_platform_tests.integration.lake_files import (
    HOUR,
    H,
    change_name,
    close_hours,
    coin,
    quote,
    rows_of,
    write_raw,
)

MINUTE = timedelta(minutes=1)
QUOTES = processed.COIN_QUOTES


@pytest.fixture
def engine(tmp_path):
    return LocalEngine(Lake(str(tmp_path)))


def hour(number):
    return Window.of_hour(H + number * HOUR)


def deliver(engine, number, rows, table=raw.COIN_QUOTES, extension="parquet"):
    """Write rows as the change file that the replication makes a minute after an hour closed."""
    made = H + (number + 1) * HOUR + MINUTE
    write_raw(engine.lake, table, change_name(made, extension), rows)


def table(engine, contract, *order):
    return rows_of(engine.lake.read(engine.session(), contract), *order)


def prices(engine):
    rows = table(engine, QUOTES, "snapshot_hour", "coin_id")
    return [((row["snapshot_hour"] - H) // HOUR, row["coin_id"], row["price"]) for row in rows]


def test_an_hour_is_what_raw_says_of_it_and_again_the_same(engine):
    deliver(engine, 0, [quote(1, seq=1), quote(2, seq=2)])
    deliver(
        engine, 1, [quote(1, H + HOUR, seq=3), quote(2, op="D", seq=4), quote(1, seq=5, price=2.0)]
    )
    for _ in range(2):
        outcome = engine.run(QUOTES.id, hour(0))
        assert outcome.rows == {"2026-03-01T00:00:00Z": 1}
        assert prices(engine) == [(0, 1, 2.0)]
    assert outcome.facts["files_read"] == 2
    assert outcome.facts["sources"] == "simulated"


def test_a_late_hour_leaves_the_hours_around_it(engine):
    for number in (0, 2, 1):
        deliver(engine, number, [quote(1, H + number * HOUR, seq=number)])
        engine.run(QUOTES.id, hour(number))
    assert prices(engine) == [(0, 1, 1.0), (1, 1, 1.0), (2, 1, 1.0)]


def test_a_backfill_reports_every_hour_also_empty_ones(engine):
    write_raw(engine.lake, raw.COIN_QUOTES, "LOAD00000001.csv", [quote(1), quote(1, H + 2 * HOUR)])
    outcome = engine.run(QUOTES.id, Window(H, H + 3 * HOUR))
    assert list(outcome.rows.items()) == [
        ("2026-03-01T00:00:00Z", 1),
        ("2026-03-01T01:00:00Z", 0),
        ("2026-03-01T02:00:00Z", 1),
    ]


def test_a_reload_supersedes_the_changes_before_it(engine):
    deliver(engine, 0, [quote(1, seq=1), quote(2, seq=2)])
    engine.run(QUOTES.id, hour(0))
    write_raw(engine.lake, raw.COIN_QUOTES, "LOAD00000001.parquet", [quote(2, at=H + 5 * HOUR)])
    engine.run(QUOTES.id, hour(0))
    assert prices(engine) == [(0, 2, 1.0)]


@pytest.mark.parametrize("job", [QUOTES.id, processed.COINS.id])
def test_without_raw_files_a_job_says_what_to_materialize_and_changes_nothing(engine, job):
    with pytest.raises(PermanentError, match="materialize raw/"):
        engine.run(job, hour(0))


def test_history_follows_the_changes_of_coins(engine):
    write_raw(
        engine.lake, raw.COINS, "LOAD00000001.parquet", [coin(1, at=H + HOUR), coin(2, at=H + HOUR)]
    )
    assert engine.run(processed.COINS.id, hour(0)).rows == {"2026-03-01T00:00:00Z": 2}
    renamed = coin(1, H + HOUR, op="U", at=H + 2 * HOUR + MINUTE, seq=1, name="renamed")
    deliver(engine, 1, [renamed, coin(2, op="D", at=H + 2 * HOUR + MINUTE, seq=2)], raw.COINS)
    for window in (hour(1), hour(1), hour(0), hour(3)):
        engine.run(processed.COINS.id, window)
        rows = table(engine, processed.COINS, "coin_id", "valid_from")
        assert [(row["name"], row["valid_from"], row["valid_to"]) for row in rows] == [
            ("Coin 1", H, H + HOUR),
            ("renamed", H + HOUR, None),
            ("Coin 2", H, H + 2 * HOUR + MINUTE),
        ]


def test_nothing_new_of_coins_makes_no_new_version_of_the_table(engine):
    deliver(engine, 0, [coin(1, seq=1)], raw.COINS)
    first = engine.run(processed.COINS.id, hour(0))
    again = engine.run(processed.COINS.id, hour(0))
    later = engine.run(processed.COINS.id, hour(5))
    assert first.facts["table_version"] == again.facts["table_version"]
    assert later.facts["table_version"] == first.facts["table_version"]
    assert later.rows == {"2026-03-01T05:00:00Z": 0}


def test_curated_tables_are_made_of_the_days_hours_and_refreshed_as_more_arrive(engine):
    day = Window(H, H + 24 * HOUR)
    write_raw(engine.lake, raw.COINS, "LOAD00000001.parquet", [coin(n) for n in (1, 2)])
    engine.run(processed.COINS.id, hour(0))
    for number in range(3):
        rows = [
            quote(
                n, H + number * HOUR, seq=10 * number + n, price=float(n + number),
                market_cap=n * 100.0, volume_24h=1e6, circulating_supply=n * 1e9,
            )
            for n in (1, 2)
        ]  # fmt: skip
        deliver(engine, number, rows)
        engine.run(QUOTES.id, hour(number))
        close_hours(engine.lake, hour(number))
        outcomes = {contract.name: engine.run(contract.id, day) for contract in curated.TABLES}
        candles = table(engine, curated.DAILY_COIN_PRICES, "coin_id")
        assert [(row["open"], row["close"], row["hours"]) for row in candles] == [
            (1.0, 1.0 + number, number + 1),
            (2.0, 2.0 + number, number + 1),
        ]
    assert [row["name"] for row in candles] == ["Coin 1", "Coin 2"]
    assert [row["dominance"] for row in candles] == [pytest.approx(100 / 3), pytest.approx(200 / 3)]
    counts = {name: outcome.rows for name, outcome in outcomes.items()}
    assert counts == {
        "daily_coin_prices": {"2026-03-01": 2},
        "market_overview": {"2026-03-01": 3},
        "daily_top_movers": {"2026-03-01": 2},
        "top_circulating_supply": {"2026-03-01": 2},
        "top_prices": {"2026-03-01": 2},
    }


def test_measuring_counts_what_breaks_the_contract_by_partition(engine):
    rows = [
        quote(1, seq=1, market_cap=-1.0),
        quote(2, seq=2, volume_24h=float("nan")),
        quote(3, seq=3, cmc_rank=0),
        quote(1, H + HOUR, seq=4),
    ]
    deliver(engine, 0, rows)
    engine.run(QUOTES.id, Window(H, H + 2 * HOUR))
    measured = engine.measure(QUOTES.id, Window(H, H + 3 * HOUR))
    first, second, third = measured.values()
    assert next(iter(measured)) == "2026-03-01T00:00:00Z"
    assert (first.rows, first.keys) == (3, 3)
    assert first.broken == {
        "range.market_cap": 1, "finite.volume_24h": 1, "range.cmc_rank": 1,
    }  # fmt: skip
    assert first.facts["newest"] == H + HOUR
    assert (second.rows, second.broken) == (1, {})
    assert (third.rows, third.keys) == (0, 0)


def test_the_history_of_coins_is_measured_whole(engine):
    deliver(engine, 0, [coin(1, seq=1), coin(2, seq=2)], raw.COINS)
    engine.run(processed.COINS.id, hour(0))
    (whole,) = engine.measure(processed.COINS.id, hour(7)).values()
    assert engine.measure(processed.COINS.id, hour(7)) == {"": whole}
    assert (whole.rows, whole.keys, whole.broken) == (2, 2, {})


def test_measuring_curated_finds_days_of_coins_that_are_missing(engine):
    deliver(engine, 0, [quote(1, seq=1), quote(2, seq=2, price=None)])
    write_raw(engine.lake, raw.COINS, "LOAD00000001.parquet", [coin(1)])
    for job in (QUOTES.id, processed.COINS.id):
        engine.run(job, hour(0))
    day = Window(H, H + 24 * HOUR)
    close_hours(engine.lake, hour(0))
    engine.run(curated.DAILY_COIN_PRICES.id, day)
    deliver(engine, 1, [quote(7, seq=3)])
    engine.run(QUOTES.id, hour(0))
    close_hours(engine.lake, hour(0))
    facts = engine.measure(curated.DAILY_COIN_PRICES.id, day)["2026-03-01"].facts
    assert (facts["missing_keys"], facts["unexpected_keys"]) == (1, 0)
    assert engine.measure(raw.COIN_QUOTES.id, hour(0))["2026-03-01T00:00:00Z"].rows == 3


def test_days_that_reach_beyond_the_hours_of_a_file_are_curated(engine):
    for number in range(2, 28):
        deliver(engine, number, [quote(1, H + number * HOUR, seq=number, circulating_supply=5.0)])
    deliver(engine, 2, [coin(1, seq=1)], raw.COINS)
    engine.run(QUOTES.id, Window(H + 2 * HOUR, H + 28 * HOUR))
    engine.run(processed.COINS.id, Window(H, H + 28 * HOUR))
    close_hours(engine.lake, Window(H, H + 28 * HOUR))
    day = Window(H, H + 24 * HOUR)
    for name in (
        curated.TOP_CIRCULATING_SUPPLY,
        curated.DAILY_COIN_PRICES,
        curated.MARKET_OVERVIEW,
    ):
        assert engine.run(name.id, day).rows == {"2026-03-01": 22 if "market" in name.id else 1}
