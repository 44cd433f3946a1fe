"""What a run owes, read from what Dagster has recorded on the home's own PostgreSQL."""

from datetime import UTC, date, datetime, timedelta
from itertools import count

import dagster as dg
import pytest
from dagster._core.definitions.asset_checks.asset_check_evaluation import (
    AssetCheckEvaluationPlanned,
    AssetCheckEvaluationTargetMaterializationData,
)
from dagster._core.definitions.partitions.subset import DefaultPartitionsSubset
from dagster._core.utils import make_new_run_id

from coin_platform.contracts import curated, database, processed, raw
from coin_platform.contracts.model import Table
from coin_platform.defs.partitions import day_keys, hour_keys
from coin_platform.defs.tables import key_of
from coin_platform.partitions import HOUR, Window
from coin_platform.running.plan import DAILY_TABLES, HOURLY_TABLES, plan_days, plan_hours
from coin_platform.running.session import last_day

CHECK = "has_rows"
BLOCKING = [dg.AssetCheckKey(key_of(table), CHECK) for table in (*HOURLY_TABLES, *DAILY_TABLES)]
MONTHS = count()


class History:
    """What runs have recorded, written as they write it, in a month that no other test uses."""

    def __init__(self, instance: dg.DagsterInstance) -> None:
        self.instance = instance
        month = next(MONTHS)
        self.day = date(2026 + month // 12, month % 12 + 1, 10)
        self.noon = datetime(self.day.year, self.day.month, 10, 12, tzinfo=UTC)

    def hour(self, hour: datetime, *, without: Table | None = None) -> None:
        """An hour was done, in every hourly table or in all but one."""
        for table in HOURLY_TABLES:
            if table is not without:
                self.materialize(table, hour_keys(Window.of_hour(hour))[0])

    def curate(self, day: date) -> None:
        for table in DAILY_TABLES:
            self.materialize(table, day_keys(Window.of_days(day, day))[0])

    def materialize(self, table: Table, partition: str) -> None:
        self.instance.report_runless_asset_event(
            dg.AssetMaterialization(key_of(table), partition=partition)
        )
        self.check(table, partition, passed=True)

    def check(self, table: Table, partition: str, *, passed: bool, name: str = CHECK) -> None:
        """A run announced the check, which then looked at the partition as it is now."""
        key, run_id = key_of(table), make_new_run_id()
        [newest] = self.instance.fetch_materializations(
            dg.AssetRecordsFilter(key, asset_partitions=[partition]), limit=1
        ).records
        planned = AssetCheckEvaluationPlanned(
            asset_key=key,
            check_name=name,
            partitions_subset=DefaultPartitionsSubset({partition}),
        )
        evaluation = dg.AssetCheckEvaluation(
            asset_key=key,
            check_name=name,
            passed=passed,
            blocking=True,
            partition=partition,
            metadata={},
            target_materialization_data=AssetCheckEvaluationTargetMaterializationData(
                run_id=newest.run_id, storage_id=newest.storage_id, timestamp=newest.timestamp
            ),
        )
        for type_, data in (
            (dg.DagsterEventType.ASSET_CHECK_EVALUATION_PLANNED, planned),
            (dg.DagsterEventType.ASSET_CHECK_EVALUATION, evaluation),
        ):
            event = dg.DagsterEvent(type_.value, "hour", event_specific_data=data)
            self.instance.report_dagster_event(event, run_id)

    def missing(self, *hours: datetime) -> list[datetime]:
        plan = plan_hours(self.instance, hours, BLOCKING)
        assert sorted([*plan.missing, *plan.present]) == list(hours)
        return plan.missing

    def days(self, *hours: datetime) -> list[date]:
        return plan_days(self.instance, hours, last_day(self.instance, hours), BLOCKING)


@pytest.fixture
def history(instance: dg.DagsterInstance) -> History:
    return History(instance)


def test_an_empty_home_owes_every_hour_and_no_day(history: History) -> None:
    hours = [history.noon, history.noon + HOUR]
    assert history.missing(*hours) == hours
    assert history.days(*hours) == []


def test_nothing_asked_for_owes_nothing(history: History) -> None:
    assert history.missing() == []
    assert plan_days(history.instance, [], history.day, BLOCKING) == []


def test_hours_and_days_that_are_done_are_not_owed(history: History) -> None:
    hours = [history.noon, history.noon + HOUR]
    for hour in hours:
        history.hour(hour)
    history.curate(history.day)
    assert history.missing(*hours) == []
    assert history.days(*hours) == []


def test_a_missing_hour_in_the_middle_is_owed_alone(history: History) -> None:
    hours = [history.noon + HOUR * n for n in range(5)]
    for hour in hours:
        if hour != hours[2]:
            history.hour(hour)
    assert history.missing(*hours) == [hours[2]]


@pytest.mark.parametrize("table", HOURLY_TABLES, ids=lambda table: table.id)
def test_an_hour_that_one_table_lacks_is_owed(history: History, table: Table) -> None:
    history.hour(history.noon, without=table)
    assert history.missing(history.noon) == [history.noon]


@pytest.mark.parametrize("table", [database.COIN_QUOTES, raw.COINS, processed.COINS])
def test_an_hour_whose_blocking_check_failed_is_owed_until_it_passes(
    history: History, table: Table
) -> None:
    [partition] = hour_keys(Window.of_hour(history.noon))
    history.hour(history.noon)
    history.check(table, partition, passed=False)
    assert history.missing(history.noon, history.noon + HOUR)[0] == history.noon
    history.check(table, partition, passed=True)
    assert history.missing(history.noon) == []


def test_an_hour_materialized_since_its_checks_looked_is_owed(history: History) -> None:
    """A run was killed between a table and its checks."""
    history.hour(history.noon)
    [partition] = hour_keys(Window.of_hour(history.noon))
    history.instance.report_runless_asset_event(
        dg.AssetMaterialization(key_of(processed.COIN_QUOTES), partition=partition)
    )
    assert history.missing(history.noon) == [history.noon]


def test_an_hour_whose_checks_never_ran_is_owed(history: History) -> None:
    [partition] = hour_keys(Window.of_hour(history.noon))
    for table in HOURLY_TABLES:
        history.instance.report_runless_asset_event(
            dg.AssetMaterialization(key_of(table), partition=partition)
        )
    assert history.missing(history.noon) == [history.noon]


def test_the_day_of_a_new_hour_is_owed(history: History) -> None:
    history.hour(history.noon)
    assert history.days(history.noon) == [history.day]


def test_a_late_hour_reopens_its_day_and_the_days_that_look_back_on_it(history: History) -> None:
    later = [history.day + timedelta(days=n) for n in range(10)]
    for day in later:
        history.hour(history.noon + (day - history.day))
        history.curate(day)
    assert history.days(history.noon) == []
    history.hour(history.noon - HOUR)
    assert history.days(history.noon - HOUR) == later[:8]


def test_days_without_hours_between_are_not_owed(history: History) -> None:
    history.hour(history.noon)
    history.hour(history.noon + timedelta(days=3))
    assert history.days(history.noon) == [history.day, history.day + timedelta(days=3)]


def test_a_day_whose_blocking_check_failed_is_owed(history: History) -> None:
    history.hour(history.noon)
    history.curate(history.day)
    [partition] = day_keys(Window.of_days(history.day, history.day))
    history.check(curated.TOP_PRICES, partition, passed=False)
    assert history.days(history.noon) == [history.day]


def test_a_day_of_which_one_table_is_older_than_its_hours_is_owed(history: History) -> None:
    history.hour(history.noon)
    history.curate(history.day)
    history.hour(history.noon + HOUR)
    for table in DAILY_TABLES[1:]:
        history.materialize(table, day_keys(Window.of_days(history.day, history.day))[0])
    assert history.days(history.noon + HOUR) == [history.day]


def test_a_day_that_was_curated_and_not_exported_is_owed(history: History) -> None:
    """A run was killed between curated and the exports."""
    history.hour(history.noon)
    for table in curated.TABLES:
        history.materialize(table, day_keys(Window.of_days(history.day, history.day))[0])
    assert history.days(history.noon) == [history.day]
