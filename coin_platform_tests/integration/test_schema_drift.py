"""A table is altered under the running platform: what each layer makes of it, and says."""

import pytest
from deltalake import DeltaTable, Field

from coin_platform import home
from coin_platform.contracts import curated, database, processed, raw
from coin_platform.defs.checks import judged
from coin_platform.defs.database import checks as database_checks
from coin_platform.partitions import HOUR, Window
from coin_platform.settings import load
from coin_platform.simulator.faults import MISSING, BadValue
from coin_platform_tests.integration.drift_platform import FIRST, Platform, answers_with

COINS = 12
MATCHES, DRIFTED, RECENT = "schema_matches_contract", "schema_has_not_drifted", "data_is_recent"


@pytest.fixture
def platform(tmp_path):
    settings = load(home=tmp_path / "home", coins=COINS, source="simulated")
    with home.in_use(settings):
        platform = Platform(settings)
        yield platform
        platform.source.close()


def test_columns_that_the_contract_goes_on_without_are_carried_or_left_out_and_named(platform):
    assert platform.run("hour"), platform.failures
    assert platform.run("day", partition="2026-03-10"), platform.failures
    assert platform.failed() == []
    for table in curated.TABLES:
        assert platform.said(table, MATCHES) == (True, "as the contract")

    platform.sql(
        "ALTER TABLE market.coin_quotes ADD COLUMN note text DEFAULT 'x', "
        "DROP COLUMN num_market_pairs, ALTER COLUMN total_supply TYPE text"
    )
    platform.sql("ALTER TABLE market.coins ADD COLUMN mood int, DROP COLUMN tags")
    second = FIRST + HOUR
    assert platform.run("hour", second), platform.failures

    found = (
        "num_market_pairs is gone",
        "total_supply is text, not double",
        "note is new (text)",
    )
    for table, where in (
        (database.COIN_QUOTES, "market.coin_quotes"),
        (raw.COIN_QUOTES, "raw/coin_quotes"),
    ):
        passed, text = platform.said(table, MATCHES)
        assert (passed, text) == (
            True,
            "goes on, as the contract allows, with num_market_pairs, total_supply, note",
        )
        passed, text = platform.said(table, DRIFTED)
        assert not passed
        for difference in found:
            assert f"{where}: {difference}" in text
        recorded = platform.checks[table.id, DRIFTED].metadata["differences"].value
        assert {one["column"] for one in recorded} == {"num_market_pairs", "total_supply", "note"}
    assert "mood is new (integer)" in platform.said(database.COINS, DRIFTED)[1]
    assert "tags is gone" in platform.said(database.COINS, DRIFTED)[1]
    # Raw of the coins says so as well, if the hour changed any coin at all.
    assert platform.said(processed.COIN_QUOTES, DRIFTED) == (True, "as the contract")
    assert {name.split()[1] for name in platform.failed()} == {DRIFTED}

    # What could be carried was: texts are numbers again, and the rest is as in the database.
    supplies = {
        coin_id: (float(supply), None)
        for coin_id, supply in platform.sql(
            f"SELECT coin_id, total_supply FROM market.coin_quotes WHERE snapshot_hour = '{second}'"
        )
    }
    assert len(supplies) == COINS
    assert platform.quotes(second, "total_supply", "num_market_pairs") == supplies
    # The hour before keeps what it had.
    before = platform.quotes(FIRST, "total_supply", "num_market_pairs")
    assert all(pairs is not None for _, pairs in before.values())


def test_a_column_that_must_not_change_stops_the_loader_before_anything_is_written(platform):
    assert platform.run("load_hour"), platform.failures
    for alteration, said in (
        ("ALTER COLUMN price TYPE numeric", "market.coin_quotes: price is numeric, not double"),
        ("DROP COLUMN price", "market.coin_quotes: price is gone"),
    ):
        platform.sql(f"ALTER TABLE market.coin_quotes {alteration}")
        assert not platform.run("load_hour", FIRST + HOUR)
        [failure] = platform.failures
        assert said in failure
        assert "Restore the column (ALTER TABLE)" in failure
        assert platform.sql("SELECT DISTINCT snapshot_hour FROM market.coin_quotes") == [(FIRST,)]

    platform.sql("ALTER TABLE market.coin_quotes ADD COLUMN price double precision")
    assert platform.run("load_hour", FIRST + HOUR), platform.failures
    assert platform.failed() == []


def test_the_check_of_a_stopped_table_names_the_column_and_the_others_judge_nothing(platform):
    assert platform.run("load_hour"), platform.failures
    platform.sql("ALTER TABLE market.coin_quotes ALTER COLUMN market_cap TYPE text")
    window = Window.of_hour(FIRST)
    [measured] = database_checks.measure(
        database.COIN_QUOTES, platform.database, window, {"newest": "max(last_updated)"}, {}
    ).values()
    said = {check.name: judged(check, measured) for check in database_checks.QUOTE_CHECKS}
    assert said[MATCHES].description.startswith(
        "market.coin_quotes: market_cap is text, not double (stop"
    )
    assert said["has_rows"].description == (
        "not judged, since market_cap is not as the contract says"
    )
    assert not any(verdict.passed for verdict in said.values())


def test_raw_that_must_not_be_read_keeps_processed_as_it_was(platform):
    assert platform.run("hour"), platform.failures
    before = platform.quotes(FIRST, "price")
    platform.sql("ALTER TABLE market.coin_quotes ALTER COLUMN price TYPE numeric(38, 12)")
    platform.sql("UPDATE market.coin_quotes SET price = price + 1")
    assert not platform.run("process_hour")
    passed, text = platform.said(raw.COIN_QUOTES, MATCHES)
    assert not passed
    assert text.startswith("raw/coin_quotes: price is decimal128(38, 12), not double, e.g. 2026")
    assert (processed.COIN_QUOTES.id, MATCHES) not in platform.checks
    assert platform.quotes(FIRST, "price") == before

    # The column is restored and everything loaded anew: the odd file no longer matters.
    platform.sql("ALTER TABLE market.coin_quotes ALTER COLUMN price TYPE double precision")
    platform.sql("UPDATE market.coin_quotes SET price = price - 1")
    assert platform.run("process_hour"), platform.failures
    assert platform.said(raw.COIN_QUOTES, MATCHES) == (True, "as the contract")


def test_the_api_s_surprises_are_recorded_with_the_hour_and_said_by_its_check(platform):
    faults = (BadValue(None, "moon_phase", "full"), BadValue(None, "total_supply", MISSING))
    with answers_with(platform, *faults):
        assert platform.run("load_hour"), platform.failures
    passed, text = platform.said(database.COIN_QUOTES, DRIFTED)
    assert not passed
    endpoint = "/v3/cryptocurrency/listings/latest"
    assert f"{endpoint}: moon_phase is new in {COINS} of them (ignore: it is left out)" in text
    assert f"{endpoint}: total_supply is gone (evolve: it is null from now on)" in text
    assert platform.said(database.COIN_QUOTES, MATCHES) == (
        True,
        "goes on, as the contract allows, with moon_phase, total_supply",
    )
    assert platform.sql("SELECT count(total_supply) FROM market.coin_quotes") == [(0,)]

    # The next answer is as ever, and so is what is said of its hour.
    assert platform.run("load_hour", FIRST + HOUR), platform.failures
    assert platform.failed() == []

    with answers_with(platform, BadValue(None, "price", MISSING)):
        assert not platform.run("load_hour", FIRST + 2 * HOUR)
    assert f"{endpoint}: price is gone (stop" in platform.failures[0]
    assert platform.sql("SELECT count(DISTINCT snapshot_hour) FROM market.coin_quotes") == [(2,)]


def test_a_column_more_in_a_delta_table_is_said_and_another_type_stops(platform):
    assert platform.run("hour"), platform.failures
    assert platform.run("day", partition="2026-03-10"), platform.failures
    for table in (processed.COIN_QUOTES, curated.MARKET_OVERVIEW):
        delta = DeltaTable(platform.lake.uri(table))
        delta.alter.add_columns([Field("note", "string")])
    assert platform.run("hour"), platform.failures
    assert platform.run("day", partition="2026-03-10"), platform.failures
    assert platform.said(curated.MARKET_OVERVIEW, MATCHES)[0]
    assert platform.said(curated.MARKET_OVERVIEW, DRIFTED) == (
        False,
        "curated/market_overview: note is new (text) (ignore: it is left out)",
    )
    assert platform.quotes(FIRST, "note") == dict.fromkeys(platform.quotes(FIRST), (None,))

    delta = DeltaTable(platform.lake.uri(curated.TOP_PRICES))
    delta.alter.add_columns([Field("odd", "binary")])
    assert not platform.run("day", partition="2026-03-10")
    assert "odd is new (binary) (stop" in platform.failures[0]
    assert "Migrate it, or move it away" in platform.failures[0]


def test_data_that_is_not_of_its_hour_is_said_by_every_layer(platform):
    assert platform.run("hour"), platform.failures
    for table in (database.COIN_QUOTES, processed.COIN_QUOTES):
        passed, text = platform.said(table, RECENT)
        assert passed
        assert text.endswith("the hour closed at 2026-03-10 21:00")
    platform.sql("UPDATE market.coin_quotes SET last_updated = last_updated - interval '3 hours'")
    assert platform.run("process_hour"), platform.failures
    passed, text = platform.said(processed.COIN_QUOTES, RECENT)
    assert not passed
    assert text.startswith("the newest row was computed at 2026-03-10 17:")

    assert platform.run("day", partition="2026-03-10"), platform.failures
    assert platform.said(curated.MARKET_OVERVIEW, RECENT) == (
        True,
        "curated ends with 20:00 and processed ends with 20:00",
    )
