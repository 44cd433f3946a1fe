"""Assets with outside systems that live in memory: what they ask, write and report."""

from datetime import UTC, datetime

import dagster as dg
import pytest

from coin_platform.contracts import curated, database, processed, raw
from coin_platform.defs.curated.assets import ASSETS as CURATED
from coin_platform.defs.database.assets import load_market
from coin_platform.defs.partitions import hour_keys
from coin_platform.defs.processed.assets import ASSETS as PROCESSED
from coin_platform.defs.raw.assets import VERSION, replicate_market
from coin_platform.defs.tables import ROWS, key_of
from coin_platform.partitions import HOUR, Window, instant_text
from coin_platform.settings import load
from coin_platform_tests.unit.fakes import (
    FakeDatabase,
    FakeEngine,
    FakeLake,
    FakeReplication,
    FakeSource,
)

H0 = datetime(2026, 5, 1, 10, tzinfo=UTC)
THREE_HOURS = Window(H0, H0 + 3 * HOUR)


@pytest.fixture
def resources(tmp_path):
    database, lake = FakeDatabase(), FakeLake()
    return {
        "settings": load(home=tmp_path, coins=2, chunk_hours=2, delivery_timeout_seconds=5),
        "source": FakeSource(),
        "database": database,
        "lake": lake,
        "replication": FakeReplication(database, lake),
        "engine": FakeEngine(),
    }


def materialize(assets, resources, partitions, **options):
    tags = {
        "dagster/asset_partition_range_start": partitions[0],
        "dagster/asset_partition_range_end": partitions[-1],
    }
    return dg.materialize(assets, resources=resources, tags=tags, **options)


def materializations(result, table):
    return {
        event.partition: {
            name: value.value for name, value in event.materialization.metadata.items()
        }
        for event in result.get_asset_materialization_events()
        if event.asset_key == key_of(table)
    }


def test_a_range_is_loaded_hour_by_hour_and_each_hour_reports_its_rows(resources):
    result = materialize([load_market], resources, hour_keys(THREE_HOURS))
    assert sorted(resources["database"].hours) == THREE_HOURS.hours
    reported = materializations(result, database.COIN_QUOTES)
    assert list(reported) == hour_keys(THREE_HOURS)
    assert {of[ROWS] for of in reported.values()} == {2}
    assert reported["2026-05-01-10:00"]["credits"] == 1
    assert reported["2026-05-01-10:00"]["source"] == "simulated"


def test_a_long_range_is_asked_for_in_chunks(resources):
    materialize([load_market], resources, hour_keys(THREE_HOURS))
    assert [len(window.hours) for window in resources["source"].asked] == [2, 1]


def test_hours_before_one_that_no_plan_serves_are_kept_but_not_recorded(resources):
    resources["source"].unserved = frozenset({H0 + 2 * HOUR})
    result = materialize([load_market], resources, hour_keys(THREE_HOURS), raise_on_error=False)
    assert not result.success
    assert sorted(resources["database"].hours) == THREE_HOURS.hours[:2]
    assert not result.get_asset_materialization_events()


def test_raw_starts_a_new_task_and_records_rows_and_versions(resources):
    result = materialize([load_market, replicate_market], resources, hour_keys(THREE_HOURS))
    assert resources["replication"].started == ["start-replication"]
    reported = materializations(result, raw.COIN_QUOTES)
    assert {of[ROWS] for of in reported.values()} == {2}
    # An hour's version is when the database last changed it; in memory, the hour itself.
    assert reported["2026-05-01-12:00"][VERSION] == "2026-05-01 12:00:00.000000"
    assert reported["2026-05-01-12:00"]["files"] == 1


def test_raw_that_is_already_delivered_starts_nothing(resources):
    materialize([load_market, replicate_market], resources, hour_keys(THREE_HOURS))
    resources["replication"].status = "stopped"
    materialize([replicate_market], resources, hour_keys(THREE_HOURS))
    assert resources["replication"].started == ["start-replication"]


def test_raw_of_an_hour_that_the_database_lacks_says_what_to_materialize(resources):
    with pytest.raises(dg.Failure, match="materialize database/coin_quotes"):
        materialize([replicate_market], resources, hour_keys(THREE_HOURS))


def test_a_task_that_fails_fails_raw_with_its_own_message(resources):
    resources["replication"].failure = "ERROR: replication slot is lost"
    with pytest.raises(dg.Failure, match="replication slot is lost"):
        materialize([load_market, replicate_market], resources, hour_keys(THREE_HOURS))


def test_a_finished_task_that_lost_rows_fails_raw(resources):
    replication = resources["replication"]
    replication.brings = False

    def finish(_):
        replication.started.append("start-replication")
        replication.status = "stopped"
        replication.stop_reason = "Stop Reason FULL_LOAD_ONLY_FINISHED"

    replication.start = finish
    with pytest.raises(dg.Failure, match="rows not yet in raw"):
        materialize([load_market, replicate_market], resources, hour_keys(THREE_HOURS))


def test_transforms_run_by_chunk_and_report_rows_by_hour(resources):
    result = materialize([PROCESSED[0]], resources, hour_keys(THREE_HOURS))
    asked = resources["engine"].asked
    assert [job for job, _ in asked] == ["processed/coin_quotes"] * 2
    assert [window for _, window in asked] == list(THREE_HOURS.chunks(2))
    assert {of[ROWS] for of in materializations(result, processed.COIN_QUOTES).values()} == {2}


def test_an_engine_that_is_slow_to_start_gets_longer_chunks(resources):
    resources["engine"].least_hours = 24
    materialize([PROCESSED[0]], resources, hour_keys(THREE_HOURS))
    assert [window for _, window in resources["engine"].asked] == [THREE_HOURS]


def test_an_hour_in_which_no_coin_changed_is_still_materialized(resources):
    resources["engine"].rows = 0
    result = materialize([PROCESSED[1]], resources, hour_keys(THREE_HOURS))
    assert list(materializations(result, processed.COINS)) == hour_keys(THREE_HOURS)


def test_an_hour_that_a_rule_stops_is_not_recorded_and_the_others_are(resources):
    stopped = H0 + HOUR
    resources["engine"].stopped = {instant_text(stopped): "1 rows break unknown_source"}
    result = materialize([PROCESSED[0]], resources, hour_keys(THREE_HOURS), raise_on_error=False)
    assert not result.success
    others = [
        key for key in hour_keys(THREE_HOURS) if key not in hour_keys(Window.of_hour(stopped))
    ]
    for table in (processed.COIN_QUOTES, processed.QUARANTINED_COIN_QUOTES):
        assert list(materializations(result, table)) == others
    [failure] = [event for event in result.all_events if event.is_step_failure]
    assert "unknown_source" in failure.step_failure_data.user_failure_data.description


def test_a_range_that_fails_late_records_the_hours_written_before(resources):
    resources["engine"].fails_from = H0 + 2 * HOUR
    result = materialize([PROCESSED[0]], resources, hour_keys(THREE_HOURS), raise_on_error=False)
    assert not result.success
    assert list(materializations(result, processed.COIN_QUOTES)) == hour_keys(THREE_HOURS)[:2]


def test_quarantined_rows_are_reported_by_hour(resources):
    resources["engine"].quarantined = 3
    result = materialize([PROCESSED[0]], resources, hour_keys(THREE_HOURS))
    reported = materializations(result, processed.QUARANTINED_COIN_QUOTES)
    assert [of[ROWS] for of in reported.values()] == [3, 3, 3]


def test_a_day_without_any_hour_is_materialized_with_no_rows(resources):
    resources["engine"].rows = 0
    result = materialize(CURATED, resources, ["2026-05-01"])
    assert materializations(result, curated.TOP_PRICES)["2026-05-01"][ROWS] == 0


def test_curated_days_report_their_rows(resources):
    result = materialize(CURATED, resources, ["2026-05-01", "2026-05-02"])
    reported = materializations(result, curated.DAILY_COIN_PRICES)
    assert {day: of[ROWS] for day, of in reported.items()} == {"2026-05-01": 2, "2026-05-02": 2}


def test_the_overview_of_a_day_counts_the_rows_of_its_hours(resources):
    result = materialize(CURATED, resources, ["2026-05-01"])
    reported = materializations(result, curated.MARKET_OVERVIEW)
    assert reported["2026-05-01"][ROWS] == 2 * 24
