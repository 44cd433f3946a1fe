"""The event log that writes results together: Dagster reads the same as from its own."""

from collections.abc import Iterator

import dagster as dg
import pytest
from dagster_postgres.event_log import PostgresEventLogStorage
from sqlalchemy import text

from coin_platform.defs import previews
from coin_platform.event_log import EventLog

KEY = dg.AssetKey(["processed", "sample"])
AFTER = dg.AssetKey(["curated", "sample"])
DAYS = dg.DailyPartitionsDefinition("2026-01-01", end_date="2026-02-01")
RANGE = {
    "dagster/asset_partition_range_start": "2026-01-02",
    "dagster/asset_partition_range_end": "2026-01-06",
}


@dg.asset(key=KEY, partitions_def=DAYS, backfill_policy=dg.BackfillPolicy.single_run())
def sample(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
    for key in context.partition_keys:
        context.add_asset_metadata({"rows": len(key)}, partition_key=key)
    return dg.MaterializeResult()


@dg.asset(
    key=AFTER, deps=[KEY], partitions_def=DAYS, backfill_policy=dg.BackfillPolicy.single_run()
)
def after() -> None: ...


def checks(fails_on: str | None) -> dg.AssetChecksDefinition:
    with previews.accepted():
        specs = [
            dg.AssetCheckSpec(name, asset=KEY, partitions_def=DAYS, blocking=name == "first")
            for name in ("first", "second")
        ]

    @dg.multi_asset_check(specs=specs)
    def look(context: dg.AssetCheckExecutionContext):
        for spec in specs:
            for key in context.op_execution_context.partition_keys:
                yield dg.AssetCheckEvaluation(
                    asset_key=KEY,
                    check_name=spec.name,
                    passed=key != fails_on or spec.name != "first",
                    metadata={"of": key},
                    blocking=spec.blocking,
                    partition=key,
                )
        for spec in specs:
            yield dg.Output(None, output_name=spec.get_python_identifier())

    return look


@pytest.fixture(autouse=True)
def _clean(instance: dg.DagsterInstance) -> Iterator[None]:
    yield
    for run in instance.get_runs():
        instance.delete_run(run.run_id)
    with instance.event_log_storage.index_connection() as connection:
        connection.execute(text("DELETE FROM asset_check_executions"))


def execute(instance: dg.DagsterInstance, fails_on: str | None = None) -> dg.ExecuteInProcessResult:
    definitions = dg.Definitions(
        assets=[sample, after],
        asset_checks=[checks(fails_on)],
        jobs=[dg.define_asset_job("days", dg.AssetSelection.assets(KEY, AFTER))],
        executor=dg.in_process_executor,
    )
    job = definitions.resolve_job_def("days")
    return job.execute_in_process(instance=instance, tags=RANGE, raise_on_error=False)


def told(instance: dg.DagsterInstance, result: dg.ExecuteInProcessResult) -> object:
    """All that is recorded of a run, without what differs between any two runs."""
    storage = instance.event_log_storage
    events = sorted(
        (
            entry.dagster_event_type.value if entry.dagster_event_type else "",
            entry.step_key or "",
            str(entry.dagster_event.partition) if entry.dagster_event else "",
            entry.user_message if entry.dagster_event.asset_key else "",  # others tell seconds
        )
        for entry in instance.all_logs(result.run_id)
        if entry.dagster_event and entry.dagster_event.is_step_event
    )
    executions = []
    for name in ("first", "second"):
        check = dg.AssetCheckKey(KEY, name)
        for record in storage.get_asset_check_execution_history(check, limit=100):
            if record.run_id == result.run_id:
                found = record.event.dagster_event.event_specific_data if record.event else None
                executions.append(
                    (
                        name,
                        record.partition,
                        record.status.value,
                        found and (found.passed, found.metadata["of"].value),
                    )
                )
    partitions = {
        info.partition_key: info.latest_execution_status.value
        for info in storage.get_asset_check_partition_info([dg.AssetCheckKey(KEY, "first")])
    }
    materialized = {str(key): storage.get_materialized_partitions(key) for key in (KEY, AFTER)}
    return events, sorted(executions), partitions, materialized


@pytest.mark.parametrize("fails_on", [None, "2026-01-04"])
def test_a_run_over_a_range_is_recorded_as_dagsters_own_log_records_it(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch, fails_on: str | None
) -> None:
    assert isinstance(instance.event_log_storage, EventLog)
    ours = execute(instance, fails_on)
    found = told(instance, ours)
    for method in ("store_event", "store_event_batch", "has_table"):
        monkeypatch.setattr(EventLog, method, getattr(PostgresEventLogStorage, method))
    theirs = execute(instance, fails_on)
    assert ours.success == theirs.success == (fails_on is None)
    assert found == told(instance, theirs)


def test_nothing_is_held_once_a_run_has_ended(instance: dg.DagsterInstance) -> None:
    execute(instance, "2026-01-04")
    assert instance.event_log_storage._held == []


def test_a_result_that_nobody_planned_is_recorded(instance: dg.DagsterInstance) -> None:
    execute(instance)
    with instance.event_log_storage.index_connection() as connection:
        before = connection.execute(
            text("SELECT count(*) FROM asset_check_executions")
        ).scalar_one()
        connection.execute(text("DELETE FROM asset_check_executions"))
    [run] = instance.get_runs()
    for entry in instance.all_logs(run.run_id):
        if entry.dagster_event_type == dg.DagsterEventType.ASSET_CHECK_EVALUATION:
            instance.store_event(entry)
    with instance.event_log_storage.index_connection() as connection:
        after_all = connection.execute(
            text("SELECT count(*) FROM asset_check_executions")
        ).scalar_one()
    assert after_all == before == 10


def test_a_result_outside_of_a_run_is_recorded_at_once(instance: dg.DagsterInstance) -> None:
    check = dg.AssetCheckKey(KEY, "first")
    instance.report_runless_asset_event(
        dg.AssetCheckEvaluation(asset_key=KEY, check_name="first", passed=True, metadata={})
    )
    assert len(instance.event_log_storage.get_asset_check_execution_history(check, limit=9)) == 1
