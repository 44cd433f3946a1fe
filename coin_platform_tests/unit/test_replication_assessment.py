"""What a task's description proves; the cases are those that AWS DMS is known for."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from coin_platform.resources.replication.assessment import assess, next_run, next_start_type
from coin_platform.resources.replication.interface import TableStatistics, Task

STARTED = datetime(2026, 11, 22, 13, tzinfo=UTC)
MAPPED = ("coins", "coin_quotes")
LOADED = [TableStatistics("market", name, "Table completed", full_load_rows=5) for name in MAPPED]
FINISHED = Task(
    "task",
    "stopped",
    "full-load",
    stop_reason="Stop Reason FULL_LOAD_ONLY_FINISHED",
    full_load_progress_percent=100,
    tables_loaded=2,
    started_at=STARTED,
)
RUNNING = replace(FINISHED, status="running", stop_reason=None, migration_type="full-load-and-cdc")


def with_coins(**changes):
    return [replace(LOADED[0], **changes), LOADED[1]]


def test_a_full_load_is_done_when_it_ended_well_and_every_table_is_complete():
    assert assess(FINISHED, LOADED, MAPPED, STARTED).verdict == "done"


@pytest.mark.parametrize(
    "reason", ["STOPPED_AFTER_FULL_LOAD", "STOPPED_AFTER_CACHED_EVENTS", "FULL_LOAD_ONLY_FINISHED"]
)
def test_all_ways_to_finish_count(reason):
    task = replace(FINISHED, stop_reason=f"Stop Reason {reason}")

    assert assess(task, LOADED, MAPPED).verdict == "done"


@pytest.mark.parametrize("reason", ["Stop Reason NORMAL", "Stop Reason FATAL_ERROR", None])
def test_any_other_stop_is_a_failure(reason):
    assert assess(replace(FINISHED, stop_reason=reason), LOADED, MAPPED).verdict == "failed"


@pytest.mark.parametrize("status", ["failed", "failed-move", "deleting"])
def test_a_failed_task_is_failed_even_at_100_percent_without_table_errors(status):
    task = replace(FINISHED, status=status, last_failure_message="no disk")

    assessment = assess(task, LOADED, MAPPED, STARTED)

    assert assessment.verdict == "failed"
    assert "no disk" in assessment.reason


@pytest.mark.parametrize("state", ["Table error", "Table cancelled", "Table does not exist"])
@pytest.mark.parametrize("task", [FINISHED, RUNNING])
def test_a_lost_table_is_a_failure_whatever_the_status_says(task, state):
    assessment = assess(task, with_coins(table_state=state, last_error="why"), MAPPED)

    assert assessment.verdict == "failed"
    assert "market.coins" in assessment.reason
    assert "why" in assessment.reason


def test_rows_lost_in_the_load_are_a_failure():
    assert assess(FINISHED, with_coins(full_load_error_rows=1), MAPPED).verdict == "failed"


@pytest.mark.parametrize("statistics", [LOADED[1:], with_coins(table_state="Full load")])
def test_an_end_that_looks_good_without_a_table_is_a_failure(statistics):
    assessment = assess(FINISHED, statistics, MAPPED)

    assert assessment.verdict == "failed"
    assert "coins" in assessment.reason


def test_a_task_that_runs_fully_loaded_without_a_mapped_table_has_failed():
    assert assess(RUNNING, LOADED[1:], MAPPED).verdict == "failed"
    loading = replace(RUNNING, full_load_progress_percent=50)
    assert assess(loading, LOADED[1:], MAPPED).verdict == "running"


def test_tables_nobody_asked_for_do_not_matter():
    stray = TableStatistics("market", "scratch", "Table error")

    assert assess(FINISHED, [*LOADED, stray], MAPPED).verdict == "done"


def test_change_capture_is_never_done_while_it_runs():
    assert assess(RUNNING, LOADED, MAPPED, STARTED).verdict == "running"


@pytest.mark.parametrize(
    "status", ["creating", "ready", "starting", "modifying", "moving", "testing", "stopping"]
)
def test_a_task_in_transition_is_waited_for(status):
    assert assess(replace(RUNNING, status=status), [], MAPPED).verdict == "running"


@pytest.mark.parametrize("status", ["stopped", "failed"])
def test_the_end_of_an_earlier_run_proves_nothing_of_ours(status):
    task = replace(FINISHED, status=status)

    assert assess(task, LOADED, MAPPED, STARTED + timedelta(seconds=1)).verdict == "running"
    assert assess(replace(task, started_at=None), LOADED, MAPPED).verdict != "running"


def test_a_start_that_failed_before_it_had_a_date_is_a_failure():
    task = Task("task", "failed", "cdc", last_failure_message="no route")

    assert assess(task, [], MAPPED, STARTED).verdict == "failed"


@pytest.mark.parametrize(
    ("status", "migration_type", "message", "start_type"),
    [
        ("ready", "full-load", None, "start-replication"),
        ("ready", "cdc", None, "start-replication"),
        ("stopped", "full-load", None, "reload-target"),
        ("failed", "full-load", "disk full", "reload-target"),
        ("stopped", "full-load-and-cdc", None, "resume-processing"),
        ("failed", "full-load-and-cdc", "the worker died", "resume-processing"),
        ("failed", "cdc", "slot lost; start the task with reload-target", "reload-target"),
        ("running", "cdc", None, None),
        ("starting", "full-load", None, None),
        ("stopping", "cdc", None, None),
    ],
)
def test_the_next_start_follows_from_the_state(status, migration_type, message, start_type):
    task = Task("task", status, migration_type, last_failure_message=message)

    assert next_start_type(task) == start_type


def test_a_table_that_the_former_run_lost_is_no_failure_of_one_that_starts():
    starting = replace(FINISHED, status="starting")
    lost = with_coins(table_state="Table error")
    assert assess(starting, lost, MAPPED).verdict == "running"


def test_a_run_is_told_from_the_one_before_by_the_task_s_own_clock():
    stopped = replace(FINISHED, stopped_at=STARTED + timedelta(minutes=5))
    ours = next_run(stopped)
    assert assess(stopped, LOADED, MAPPED, ours).verdict == "running"
    again = replace(stopped, started_at=stopped.stopped_at + timedelta(milliseconds=1))
    assert assess(again, LOADED, MAPPED, ours).verdict == "done"
    first = next_run(Task("task", "ready", "full-load"))
    assert assess(FINISHED, LOADED, MAPPED, first).verdict == "done"
