"""Rows that break a rule: where they go, what is said of them, and how they come back."""

import math
from datetime import timedelta

import pyarrow as pa
import pytest

from coin_platform.contracts import curated, processed, raw
from coin_platform.contracts.render import arrow_schema
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
    write_raw,
)

QUOTES, KEPT_OUT = processed.COIN_QUOTES, processed.QUARANTINED_COIN_QUOTES
TWO_HOURS = Window(H, H + 2 * HOUR)
LABELS = ("2026-03-01T00:00:00Z", "2026-03-01T01:00:00Z")


@pytest.fixture
def engine(tmp_path):
    return LocalEngine(Lake(str(tmp_path)))


def deliver(engine, minute, rows, table=raw.COIN_QUOTES, extension="parquet"):
    name = change_name(H + 2 * HOUR + timedelta(minutes=minute), extension)
    write_raw(engine.lake, table, name, rows)
    return name


def rows(engine, table, *columns, window=TWO_HOURS):
    found = engine.lake.rows(table, columns, window).to_pylist()
    return sorted((tuple(row.values()) for row in found), key=repr)


@pytest.mark.parametrize("extension", ["parquet", "csv"])
def test_a_row_is_kept_out_as_it_was_in_raw_with_every_rule_it_broke_and_its_place(
    engine, extension
):
    first = deliver(engine, 0, [quote(1, seq=1), quote(2, seq=2)], extension=extension)
    bad = quote(2, seq=3, op="U", price=-1.5, market_cap=-3.0, circulating_supply=2.0)
    second = deliver(engine, 1, [quote(3, seq=4), bad], extension=extension)
    outcome = engine.run(QUOTES.id, TWO_HOURS, run_id="run-1")
    assert outcome.rows == dict(zip(LABELS, (2, 0), strict=True))
    assert outcome.quarantined == dict(zip(LABELS, (1, 0), strict=True))
    assert rows(engine, QUOTES, "coin_id") == [(1,), (3,)]
    [row] = engine.lake.rows(KEPT_OUT, KEPT_OUT.column_names).to_pylist()
    assert {name: row[name] for name in bad} == bad
    assert row["rules"] == "price_negative,amount_negative"
    assert (row["source_file"], row["source_row"], row["run_id"]) == (second, 2, "run-1")
    assert first < second


def test_a_row_that_is_corrected_at_its_source_leaves_the_quarantine(engine):
    deliver(engine, 0, [quote(1, seq=1), quote(2, seq=2, price=None)])
    engine.run(QUOTES.id, TWO_HOURS)
    assert rows(engine, KEPT_OUT, "coin_id", "rules") == [(2, "price_missing")]
    deliver(engine, 1, [quote(2, seq=3, op="U", price=5.0)])
    for _ in range(2):
        assert engine.run(QUOTES.id, TWO_HOURS).quarantined[LABELS[0]] == 0
        assert rows(engine, KEPT_OUT, "coin_id") == []
        assert rows(engine, QUOTES, "coin_id", "price") == [(1, 1.0), (2, 5.0)]


def test_a_released_row_is_written_with_its_warning_until_it_changes(engine):
    deliver(engine, 0, [quote(1, seq=1), quote(2, seq=2, price=math.nan)])
    engine.run(QUOTES.id, TWO_HOURS)
    release = {
        "snapshot_hour": H, "coin_id": 2, "currency": "USD", "price": math.nan,
        "rules": "price_not_finite", "reason": "asked", "released_by": "me", "released_at": H,
    }  # fmt: skip
    table = processed.RELEASES
    engine.lake.replace_rows(table, pa.Table.from_pylist([release], arrow_schema(table)), TWO_HOURS)
    for _ in range(2):
        engine.run(QUOTES.id, TWO_HOURS)
        assert rows(engine, KEPT_OUT, "coin_id") == []
        assert rows(engine, QUOTES, "coin_id", "warnings") == [(1, None), (2, "price_not_finite")]
    deliver(engine, 1, [quote(2, seq=3, op="U", price=-2.0)])
    engine.run(QUOTES.id, TWO_HOURS)
    assert rows(engine, KEPT_OUT, "coin_id", "rules") == [(2, "price_negative")]


def test_a_failing_rule_stops_its_hour_and_leaves_what_was_there_and_the_other_hours(engine):
    deliver(engine, 0, [quote(1, seq=1), quote(1, H + HOUR, seq=2)])
    engine.run(QUOTES.id, TWO_HOURS)
    later = [quote(1, H, seq=3, op="U", price=7.0, source="rumour")]
    later += [quote(1, H + HOUR, seq=4, op="U", price=8.0)]
    deliver(engine, 1, later)
    outcome = engine.run(QUOTES.id, TWO_HOURS)
    assert list(outcome.stopped) == [LABELS[0]]
    assert "1 rows break unknown_source, e.g. of coins 1" in outcome.stopped[LABELS[0]]
    assert rows(engine, QUOTES, "snapshot_hour", "price") == [(H, 1.0), (H + HOUR, 8.0)]


def test_what_is_odd_but_may_be_true_is_kept_and_says_so(engine):
    odd = quote(1, seq=1, circulating_supply=10.0, total_supply=5.0, market_cap=10.0,
                last_updated=H - timedelta(days=3))  # fmt: skip
    usual = quote(2, seq=2, circulating_supply=0.0, total_supply=0.0, price=2e-20, market_cap=0.0)
    deliver(engine, 0, [odd, usual])
    engine.run(QUOTES.id, TWO_HOURS)
    assert rows(engine, QUOTES, "coin_id", "warnings") == [
        (1, "quote_is_stale,supply_out_of_order"),
        (2, None),
    ]


def test_a_coin_without_a_name_keeps_its_former_version(engine):
    deliver(engine, 0, [coin(1, seq=1), coin(2, seq=2)], raw.COINS)
    engine.run(processed.COINS.id, Window.of_hour(H))
    nameless = coin(1, H + HOUR, seq=3, op="U", name=" ")
    deliver(engine, 1, [nameless, coin(2, H + HOUR, seq=4, op="U", max_supply=-1.0)], raw.COINS)
    for _ in range(2):
        outcome = engine.run(processed.COINS.id, TWO_HOURS)
        assert outcome.quarantined == dict(zip(LABELS, (0, 1), strict=True))
        assert rows(engine, processed.QUARANTINED_COINS, "coin_id", "rules", "source_row") == [
            (1, "coin_without_identity", 1)
        ]
        versions = engine.lake.rows(
            processed.COINS, ["coin_id", "valid_from", "is_current", "warnings"]
        ).to_pylist()
        assert sorted(tuple(row.values()) for row in versions) == [
            (1, H, True, None),
            (2, H, False, None),
            (2, H + HOUR, True, "max_supply_negative"),
        ]


def test_a_load_that_shows_a_coin_without_a_name_does_not_end_the_coin(engine):
    deliver(engine, 0, [coin(1, seq=1)], raw.COINS)
    engine.run(processed.COINS.id, Window.of_hour(H))
    load = [coin(1, H + HOUR, at=H + 3 * HOUR, name=None), coin(2, H + HOUR, at=H + 3 * HOUR)]
    write_raw(engine.lake, raw.COINS, "LOAD00000001.parquet", load)
    engine.run(processed.COINS.id, TWO_HOURS)
    current = engine.lake.rows(processed.COINS, ["coin_id", "is_current"]).to_pylist()
    assert sorted(tuple(row.values()) for row in current) == [(1, True), (2, True)]


def test_a_change_after_a_day_was_published_is_marked_with_the_former_value(engine):
    def publish():
        engine.run(QUOTES.id, TWO_HOURS)
        close_hours(engine.lake, TWO_HOURS)
        for table in (curated.DAILY_COIN_PRICES, curated.MARKET_OVERVIEW):
            engine.run(table.id, Window.of_days(H.date(), H.date()), run_id="run")

    def revisions():
        found = engine.lake.rows(
            curated.REVISIONS, ["table_name", "coin_id", "column_name", "former", "revised"]
        ).to_pylist()
        return sorted((tuple(row.values()) for row in found), key=repr)

    deliver(engine, 0, [quote(n, H, seq=n, price=float(n), market_cap=10.0) for n in (1, 2)])
    deliver(engine, 0, [coin(1, seq=1), coin(2, seq=2)], raw.COINS)
    engine.run(processed.COINS.id, TWO_HOURS)
    publish()
    publish()
    assert not engine.lake.exists(curated.REVISIONS)
    deliver(engine, 1, [quote(2, H, seq=9, op="U", price=4.0, market_cap=10.0)])
    for _ in range(2):
        publish()
        assert revisions() == [
            ("daily_coin_prices", 2, column, 2.0, 4.0)
            for column in ("close", "high", "low", "open")
        ]
    [publication] = [
        row
        for row in engine.lake.rows(
            curated.PUBLICATIONS, curated.PUBLICATIONS.column_names
        ).to_pylist()
        if row["table_name"] == "daily_coin_prices"
    ]
    assert publication["hours"] == 2
    assert publication["hours_missing"].startswith("02,03")
    assert publication["published_at"] < publication["written_at"]
