"""An hour changes: schedule, sensor and conditions on real parts, with a moved clock."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest

from coin_platform import home
from coin_platform.contracts import curated, processed, serving
from coin_platform.definitions import build_definitions
from coin_platform.defs.raw.sensors import replication_sensor
from coin_platform.defs.tables import key_of
from coin_platform.partitions import Window
from coin_platform.resources.coinmarketcap.simulated import Simulated
from coin_platform.resources.lake import open_lake
from coin_platform.running.plan import DAILY_TABLES
from coin_platform.settings import load


class Platform:
    """The code location on a home of its own, driven tick by tick instead of by a daemon."""

    def __init__(self, path):
        self.now = datetime(2026, 3, 10, 22, 40, tzinfo=UTC)
        self.settings = load(home=path, coins=12, source="simulated")
        self.source = Simulated(self.settings.simulator_seed, clock=lambda: self.now)
        self.definitions = build_definitions(self.settings, {"source": self.source})
        self.instance = dg.DagsterInstance.ephemeral()
        self.lake = open_lake(self.settings)
        self.sensor_cursor = None
        self.automation_cursor = None
        self.run_keys = []

    def execute(self, job, partition, assets=None):
        result = self.definitions.resolve_job_def(job).execute_in_process(
            instance=self.instance,
            partition_key=partition,
            asset_selection=assets,
            raise_on_error=False,
        )
        assert result.success, [event.message for event in result.all_events if event.is_failure]

    def tick_schedule(self):
        schedule = self.definitions.get_repository_def().get_schedule_def("load_closed_hour")
        context = dg.build_schedule_context(
            instance=self.instance,
            scheduled_execution_time=self.now,
            repository_def=self.definitions.get_repository_def(),
        )
        requests = schedule.evaluate_tick(context).run_requests
        for request in requests:
            self.execute("load_hour", request.partition_key)
        return [request.partition_key for request in requests]

    def tick_sensor(self):
        resources = {name: self.definitions.resources[name] for name in ("replication", "lake")}
        context = dg.build_sensor_context(
            self.instance, cursor=self.sensor_cursor, resources=resources
        )
        result = replication_sensor(context)
        self.sensor_cursor = result.cursor
        requests = [r for r in result.run_requests or [] if r.run_key not in self.run_keys]
        self.run_keys += [request.run_key for request in requests]
        for request in requests:
            self.execute("process_hour", request.partition_key)
        return [request.partition_key for request in requests]

    def tick_automation(self):
        """Tick until nothing is asked for; how often each table's day was.

        Days without hours of their own may be asked for, since prices look back a week. They
        have no rows and are left out here.
        """
        asked = Counter()
        for _ in range(5):
            result = dg.evaluate_automation_conditions(
                self.definitions, self.instance, cursor=self.automation_cursor
            )
            self.automation_cursor = result.cursor
            requested = {
                table: result.get_requested_partitions(key_of(table)) for table in DAILY_TABLES
            }
            for table, days in requested.items():
                for day in days:
                    if day in self.days_processed():
                        asked[table.name, day] += 1
                    elif table in serving.TABLES:
                        continue  # nothing follows from the export of an empty day
                    self.execute("day", day, [key_of(table)])
            if not any(requested.values()):
                return asked
        raise AssertionError(asked)

    def close_ledger(self, partition):
        """Account for an hour alone; what the check of it says."""
        result = self.definitions.resolve_job_def("process_hour").execute_in_process(
            instance=self.instance,
            partition_key=partition,
            asset_selection=[key_of(processed.LEDGER)],
            raise_on_error=False,
        )
        return [
            evaluation
            for evaluation in result.get_asset_check_evaluations()
            if evaluation.check_name == "ledger_balances"
        ]

    def requested_ledgers(self):
        result = dg.evaluate_automation_conditions(
            self.definitions, self.instance, cursor=self.automation_cursor
        )
        self.automation_cursor = result.cursor
        return result.get_requested_partitions(key_of(processed.LEDGER))

    def days_processed(self):
        quotes = self.lake.rows(processed.COIN_QUOTES, ["snapshot_hour"]).to_pandas()
        return {f"{hour:%Y-%m-%d}" for hour in quotes["snapshot_hour"]}

    def hours(self):
        quotes = self.lake.rows(processed.COIN_QUOTES, ["snapshot_hour"]).to_pandas()
        return sorted({f"{hour:%d %H}" for hour in quotes["snapshot_hour"]})

    def days(self):
        prices = self.lake.rows(curated.DAILY_COIN_PRICES, ["day", "hours"]).to_pandas()
        return {f"{day:%d}": hours for day, hours in prices.groupby("day")["hours"].max().items()}


def every_table(day):
    return Counter({(table.name, day): 1 for table in DAILY_TABLES})


@pytest.fixture
def platform(tmp_path):
    settings = load(home=tmp_path / "home")
    with home.in_use(settings):
        platform = Platform(settings.home)
        yield platform
        platform.source.close()


def test_each_hour_that_closes_is_carried_to_curated_once_and_by_itself(platform):
    assert platform.tick_automation() == Counter()
    assert platform.tick_sensor() == []

    platform.now = datetime(2026, 3, 10, 23, 2, tzinfo=UTC)
    assert platform.tick_schedule() == ["2026-03-10-22:00"]
    # The task has never run: the sensor asks for the hour, and raw starts it.
    assert platform.tick_sensor() == ["2026-03-10-22:00"]
    assert platform.tick_automation() == every_table("2026-03-10")
    assert platform.days() == {"10": 1}

    platform.now += timedelta(hours=1)
    assert platform.tick_schedule() == ["2026-03-10-23:00"]
    # Now the task delivers the hour by itself, and the sensor sees it arrive.
    asked = []
    for _ in range(200):
        asked += platform.tick_sensor()
        if asked:
            break
    assert asked == ["2026-03-10-23:00"]
    assert platform.tick_automation() == every_table("2026-03-10")
    assert platform.days() == {"10": 2}
    assert platform.hours() == ["10 22", "10 23"]

    assert platform.tick_sensor() == []
    assert platform.tick_automation() == Counter()


def test_an_hour_that_does_not_balance_is_left_out_of_its_day_until_it_is_repaired(platform):
    assert platform.tick_automation() == Counter()
    for hour in (22, 23):
        platform.now = datetime(2026, 3, 10, 23, 2, tzinfo=UTC) + timedelta(hours=hour - 22)
        platform.tick_schedule()
    for hour in (22, 23):
        platform.execute("process_hour", f"2026-03-10-{hour}:00")
    platform.tick_automation()
    assert platform.days() == {"10": 2}

    broken = Window.of_hour(datetime(2026, 3, 10, 23, tzinfo=UTC))
    platform.lake.remove(processed.COIN_QUOTES, broken, "coin_id = 1")
    [verdict] = platform.close_ledger("2026-03-10-23:00")
    assert not verdict.passed
    assert "in raw only: coin_id, currency 1/USD" in verdict.description
    assert platform.tick_automation()["daily_coin_prices", "2026-03-10"] == 1
    assert platform.days() == {"10": 1}
    publications = platform.lake.rows(curated.PUBLICATIONS, ["table_name", "day", "hours_missing"])
    assert {
        row["table_name"]: row["hours_missing"].split(",")[-1]
        for row in publications.to_pylist()
        if str(row["day"]) == "2026-03-10"
    } == {table.name: "23" for table in curated.TABLES}

    platform.execute("process_hour", "2026-03-10-23:00")
    assert platform.tick_automation() == every_table("2026-03-10")
    assert platform.days() == {"10": 2}


def test_a_processed_table_that_was_materialized_alone_is_accounted_for_again(platform):
    platform.now = datetime(2026, 3, 10, 23, 2, tzinfo=UTC)
    assert platform.tick_automation() == Counter()
    platform.tick_schedule()
    platform.tick_sensor()
    platform.tick_automation()
    platform.execute(
        "process_hour",
        "2026-03-10-22:00",
        [key_of(processed.COIN_QUOTES), key_of(processed.QUARANTINED_COIN_QUOTES)],
    )
    assert platform.lake.rows(processed.LEDGER, ["table_name"]).to_pylist() == [
        {"table_name": "coins"}
    ]
    assert platform.requested_ledgers() == {"2026-03-10-22:00"}


def test_an_hour_that_arrives_while_its_day_is_refreshed_refreshes_it_again(platform):
    assert platform.tick_automation() == Counter()
    for hour in (23, 0):
        platform.now = platform.now.replace(hour=hour, minute=2) + timedelta(days=hour == 0)
        platform.tick_schedule()
    platform.execute("process_hour", "2026-03-10-22:00")
    result = dg.evaluate_automation_conditions(
        platform.definitions, platform.instance, cursor=platform.automation_cursor
    )
    platform.automation_cursor = result.cursor
    requested = result.get_requested_partitions(key_of(curated.DAILY_COIN_PRICES))
    assert "2026-03-10" in requested
    # The hour is processed after the request, and the refresh that did not see it ends later.
    platform.execute("process_hour", "2026-03-10-23:00")
    platform.execute("day", "2026-03-10", [key_of(curated.DAILY_COIN_PRICES)])
    assert platform.tick_automation()["daily_coin_prices", "2026-03-10"] == 1
