"""Pruning of Dagster's records on a real instance: what is asked of them gives the same answers."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest
from sqlalchemy import text

from coin_platform.defs import previews
from coin_platform.defs.maintenance.records import prune
from coin_platform.partitions import utc_now

KEY, WHOLE = dg.AssetKey(["processed", "sample"]), dg.AssetKey("whole")
CHECK = dg.AssetCheckKey(KEY, "looked_at")
DAYS = dg.DailyPartitionsDefinition("2026-01-01")


@dg.asset(key=KEY, partitions_def=DAYS)
def sample(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
    context.log.info("a line of the log")
    return dg.MaterializeResult(metadata={"rows": 1})


with previews.accepted():

    @dg.asset_check(asset=KEY, name=CHECK.name, partitions_def=DAYS, blocking=True)
    def looked_at() -> dg.AssetCheckResult:
        return dg.AssetCheckResult(passed=True)


@dg.asset(key=WHOLE)
def whole() -> None:
    raise RuntimeError("it never succeeds")


JOBS = dg.Definitions(
    assets=[sample, whole],
    asset_checks=[looked_at],
    jobs=[
        dg.define_asset_job("days", dg.AssetSelection.assets(KEY)),
        dg.define_asset_job("once", dg.AssetSelection.assets(WHOLE)),
    ],
    executor=dg.in_process_executor,
)
SOON = timedelta(hours=1)


@pytest.fixture
def instance(instance: dg.DagsterInstance) -> Iterator[dg.DagsterInstance]:
    yield instance
    for run in instance.get_runs():
        instance.delete_run(run.run_id)
    with instance.event_log_storage.index_connection() as connection:
        connection.execute(text("DELETE FROM asset_check_executions"))


def materialize(instance: dg.DagsterInstance, day: str) -> str:
    job = JOBS.resolve_job_def("days")
    return job.execute_in_process(instance=instance, partition_key=day).run_id


def known(instance: dg.DagsterInstance) -> object:
    """What the platform's plan, its checks and the UI ask of the records."""
    storage = instance.event_log_storage
    newest = storage.get_latest_storage_id_by_partition(
        KEY, dg.DagsterEventType.ASSET_MATERIALIZATION
    )
    checks = storage.get_asset_check_partition_info([CHECK])
    return (
        dict(newest),
        sorted(
            (info.partition_key, info.latest_execution_status.value, info.is_current)
            for info in checks
        ),
        instance.get_latest_materialization_event(KEY).run_id,
        storage.get_materialized_partitions(KEY),
    )


def counted(instance: dg.DagsterInstance, query: str) -> int:
    with instance.event_log_storage.index_connection() as connection:
        return connection.execute(text(query)).scalar_one()


def test_what_is_known_of_each_partition_is_the_same_and_superseded_runs_are_gone(instance):
    superseded = [materialize(instance, "2026-01-01") for _ in range(3)]
    kept = [materialize(instance, day) for day in ("2026-01-01", "2026-01-02")]
    before = known(instance)
    pruned = prune(instance, utc_now() + SOON)
    assert known(instance) == before
    assert {run.run_id for run in instance.get_runs()} == set(kept)
    assert pruned.runs == len(superseded)
    assert pruned.checks == len(superseded)
    assert counted(instance, "SELECT count(*) FROM asset_check_executions") == 2
    assert pruned.events_left == counted(instance, "SELECT count(*) FROM event_logs") < 15


def test_pruned_again_nothing_changes(instance):
    materialize(instance, "2026-01-03")
    first = prune(instance, utc_now() + SOON)
    again = prune(instance, utc_now() + SOON)
    assert (again.events, again.checks, again.runs) == (0, 0, 0)
    assert again.events_left == first.events_left


def test_what_is_recent_stays_whole(instance):
    runs = [materialize(instance, "2026-01-01") for _ in range(2)]
    events = counted(instance, "SELECT count(*) FROM event_logs")
    pruned = prune(instance, utc_now() - SOON)
    assert (pruned.events, pruned.checks, pruned.runs) == (0, 0, 0)
    assert pruned.events_left == events
    assert {run.run_id for run in instance.get_runs()} == set(runs)


def test_a_failure_that_nothing_has_superseded_stays_to_be_seen(instance):
    failed = JOBS.resolve_job_def("once").execute_in_process(
        instance=instance, raise_on_error=False
    )
    prune(instance, utc_now() + SOON)
    assert [run.run_id for run in instance.get_runs()] == [failed.run_id]
    assert instance.get_run_by_id(failed.run_id).status == dg.DagsterRunStatus.FAILURE


def test_an_unfinished_run_keeps_its_events(instance):
    materialize(instance, "2026-01-01")
    [run] = instance.get_runs()
    instance.run_storage.handle_run_event(
        run.run_id,
        dg.DagsterEvent(dg.DagsterEventType.RUN_START.value, "days"),
        datetime.now(UTC),
    )
    events = counted(instance, "SELECT count(*) FROM event_logs")
    assert prune(instance, utc_now() + SOON).events_left == events


def test_records_that_are_not_in_postgresql_are_left_alone(tmp_path):
    with dg.DagsterInstance.local_temp(str(tmp_path)) as instance:
        assert prune(instance, utc_now() + SOON) is None
