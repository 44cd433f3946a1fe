"""EMR in a run of Dagster: the real asset and its checks, with the step's logs live in the run."""

import _thread
import threading

import dagster as dg
import pytest

from coin_platform.contracts import processed as tables
from coin_platform.defs.processed import assets, checks
from coin_platform.defs.tables import key_of
from coin_platform_tests.aws.emr_scripts import until
from coin_platform_tests.aws.emr_support import HOUR_WINDOW, QUOTES, emr, rows

__all__ = ["emr"]  # a fixture

PARTITION = "2026-03-01-00:00"


@pytest.fixture
def materialize(emr):
    """Materializes the hour's quotes, and runs their checks."""

    def run(instance):
        asset = next(a for a in assets.ASSETS if key_of(QUOTES) in a.keys)
        resources = {"engine": emr.engine, "settings": emr.settings, "lake": emr.lake}
        return dg.materialize(
            [asset, checks.coin_quotes],
            partition_key=PARTITION,
            instance=instance,
            resources=resources,
            raise_on_error=False,
        )

    return run


def test_an_hour_is_materialized_and_checked_with_one_step(emr, materialize):
    with dg.DagsterInstance.ephemeral() as instance:
        result = materialize(instance)
        assert result.success
        logged = [entry.user_message for entry in instance.all_logs(result.run_id)]
        assert any("processed/coin_quotes: 38 rows of" in line for line in logged)
        assert any("external process successfully opened" in line for line in logged)
        found = instance.get_latest_materialization_event(key_of(QUOTES)).asset_materialization
        assert found.partition == PARTITION
        kept_out = rows(emr.lake, tables.QUARANTINED_COIN_QUOTES)
        assert {row["run_id"] for row in kept_out} == {result.run_id}
    emr.local.run(QUOTES.id, HOUR_WINDOW)
    assert rows(emr.lake, QUOTES) == rows(emr.local.lake, QUOTES)
    judged = [e for e in result.get_asset_check_evaluations() if e.asset_key == key_of(QUOTES)]
    assert {evaluation.check_name for evaluation in judged} >= {"keys_are_unique"}
    assert all(evaluation.passed for evaluation in judged if evaluation.blocking)
    assert len(emr.double.steps) == 1


def test_a_step_that_never_reports_fails_the_run_and_records_nothing(emr, materialize):
    emr.double.reports = False
    with dg.DagsterInstance.ephemeral() as instance:
        result = materialize(instance)
        assert not result.success
        (failure,) = result.get_step_failure_events()
        assert "completed and never reported" in failure.step_failure_data.error.message
        assert instance.get_latest_materialization_event(key_of(QUOTES)) is None
    assert len(emr.double.steps) == 1  # and none of the policy's retries


def test_a_run_that_is_cancelled_leaves_no_step_behind(emr, materialize):
    def cancel():
        until(lambda: any(step.state == "RUNNING" for step in emr.double.steps))
        _thread.interrupt_main()

    watcher = threading.Thread(target=cancel)
    watcher.start()
    with dg.DagsterInstance.ephemeral() as instance:
        assert not materialize(instance).success
        watcher.join()
        assert instance.get_latest_materialization_event(key_of(QUOTES)) is None
        assert [step.state for step in emr.double.steps] == ["CANCELLED"]
        assert materialize(instance).success
