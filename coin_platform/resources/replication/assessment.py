"""What a task's description proves: pure functions that serve both backends.

The rules are those of AWS DMS, where a status alone proves nothing: a failed task can report 100 %
and no errors, a task that lost a table can end like a finished one, and a running task can hide a
table it gave up. The raw asset and the replication sensor judge by this and by nothing else.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from coin_platform.resources.replication.interface import (
    StartType,
    TableState,
    TableStatistics,
    Task,
)

Verdict = Literal["done", "running", "failed"]

FINISHED = ("FULL_LOAD_ONLY_FINISHED", "STOPPED_AFTER_FULL_LOAD", "STOPPED_AFTER_CACHED_EVENTS")
BEFORE_ANY_RUN = datetime(1970, 1, 1, tzinfo=UTC)
RESOLUTION = timedelta(microseconds=1)
LOST: tuple[TableState, ...] = ("Table error", "Table cancelled", "Table does not exist")


@dataclass(frozen=True)
class Assessment:
    """`done`: the full load is complete; `running`: wait; `failed`: somebody has to act.

    A task that captures changes is never done while it runs: what it delivered is seen in raw.
    """

    verdict: Verdict
    reason: str


def assess(
    task: Task,
    statistics: Sequence[TableStatistics],
    mapped: Collection[str],
    our_start: datetime | None = None,
) -> Assessment:
    """Judge a task by all that it says of itself.

    `mapped` names the tables that must come through; others are not looked at. `our_start` is
    what `next_run` said before the run that is judged was asked for, None for an onlooker: a state
    that dates from an earlier run is then waited out.
    """
    # While it starts, its tables are as the former run left them.
    if task.status == "starting" or (our_start and _is_of_earlier_run(task, our_start)):
        return Assessment("running", f"the task is {task.status}, and its new run has not begun")
    if task.status in ("failed", "failed-move", "deleting"):
        why = task.last_failure_message or task.stop_reason or "without a message"
        return Assessment("failed", f"the task is {task.status}: {why}")
    tables = {table.table_name: table for table in statistics if table.table_name in mapped}
    problems = [problem for table in tables.values() if (problem := _problem(table))]
    if problems:
        return Assessment("failed", "; ".join(problems))
    missing = sorted(set(mapped) - set(tables))
    unloaded = sorted(
        name for name, table in tables.items() if table.table_state != "Table completed"
    )
    if task.status == "stopped":
        return _assess_stopped(task, missing, unloaded)
    if task.status == "running" and task.full_load_progress_percent == 100 and missing:  # noqa: PLR2004  percent
        return Assessment("failed", f"the task runs without {', '.join(missing)}")
    return Assessment(
        "running", f"the task is {task.status}, {task.full_load_progress_percent} % loaded"
    )


def next_start_type(task: Task) -> StartType | None:
    """The start that a task in this state takes; None while it runs or is in transition.

    Going on is not possible after a full load, nor after a failure whose message asks for
    `reload-target`.
    """
    if task.status == "ready":
        return "start-replication"
    if task.status not in ("stopped", "failed", "failed-move"):
        return None
    if task.migration_type == "full-load":
        return "reload-target"
    failure = task.last_failure_message or ""
    if task.status != "stopped" and "reload-target" in failure:
        return "reload-target"
    return "resume-processing"


def next_run(task: Task) -> datetime:
    """The earliest that a run can have started which is asked for in this state.

    By the task's own clock: DMS's differs from ours.
    """
    return (_latest(task) or BEFORE_ANY_RUN) + RESOLUTION


def _is_of_earlier_run(task: Task, our_start: datetime) -> bool:
    """Whether the state dates from before the run that `next_run` was asked about."""
    latest = _latest(task)
    if task.status == "failed" and latest is None:
        return False
    return latest is None or latest < our_start


def _latest(task: Task) -> datetime | None:
    return max((at for at in (task.started_at, task.stopped_at) if at), default=None)


def _problem(table: TableStatistics) -> str | None:
    name = f"{table.schema_name}.{table.table_name}"
    if table.table_state in LOST:
        return f"{name} is in state {table.table_state!r}: {table.last_error or 'no message'}"
    if table.full_load_error_rows:
        return f"{name} lost {table.full_load_error_rows} rows in its full load"
    return None


def _assess_stopped(task: Task, missing: list[str], unloaded: list[str]) -> Assessment:
    reason = (task.stop_reason or "").removeprefix("Stop Reason ")
    if reason not in FINISHED:
        return Assessment(
            "failed", f"the task was stopped: {task.stop_reason or 'no reason given'}"
        )
    if missing or unloaded:
        lost = ", ".join(missing + unloaded)
        return Assessment("failed", f"the task ended as finished, without having loaded {lost}")
    return Assessment("done", f"full load complete: {reason}")
