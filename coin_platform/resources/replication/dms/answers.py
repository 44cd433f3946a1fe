"""What DMS's answers mean: its task as the platform's, and what differs from what was asked for.

Pure functions over the JSON that boto3 gives.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast, get_args

from coin_platform.errors import PermanentError
from coin_platform.resources.replication.assessment import LOST
from coin_platform.resources.replication.interface import (
    MigrationType,
    StartType,
    Status,
    TableState,
    TableStatistics,
    Task,
)

# What DMS Serverless calls what a task calls otherwise.
SERVERLESS: dict[str, Status] = {
    "created": "ready",
    "initializing": "starting",
    "preparing_metadata_resources": "starting",
    "testing_connection": "starting",
    "fetching_metadata": "starting",
    "calculating_capacity": "starting",
    "provisioning_capacity": "starting",
    "replication_starting": "starting",
}
FULL_LOAD_FINISHED = "FULL_LOAD_ONLY_FINISHED"
# A state that DMS gets one day is taken for one that passes.
PASSING: Status = "modifying"


@dataclass(frozen=True)
class Found:
    """A task that DMS has, and whether the full load of its latest fresh start came to its end."""

    arn: str
    task: Task
    loaded: bool


def task(answer: Mapping[str, Any]) -> Found:
    """From DescribeReplicationTasks."""
    stats = answer.get("ReplicationTaskStats") or {}
    return found(
        arn=answer["ReplicationTaskArn"],
        identifier=answer["ReplicationTaskIdentifier"],
        status=status(answer["Status"]),
        migration_type=answer["MigrationType"],
        answer=answer,
        message=answer.get("LastFailureMessage"),
        stats={"StartDate": answer.get("ReplicationTaskStartDate"), **stats},
    )


def serverless(answer: Mapping[str, Any]) -> Found:
    """From DescribeReplications."""
    stats = answer.get("ReplicationStats") or {}
    stopped = answer.get("ReplicationLastStopTime")
    state = status(answer["Status"])
    if state == "ready" and (stats.get("StartDate") or stopped):
        state = "stopped"  # it ran, and has given its capacity back
    return found(
        arn=answer["ReplicationConfigArn"],
        identifier=answer["ReplicationConfigIdentifier"],
        status=state,
        migration_type=answer["ReplicationType"],
        answer=answer,
        message="; ".join(answer.get("FailureMessages") or ()),
        stats={"StopDate": stopped, **stats},
    )


def found(  # noqa: PLR0913  the parts of an answer that two APIs name differently
    arn: str,
    identifier: str,
    status: Status,
    migration_type: MigrationType,
    answer: Mapping[str, Any],
    message: str | None,
    stats: Mapping[str, Any],
) -> Found:
    """What both kinds of task say of themselves."""
    loaded = migration_type == "cdc" or stats.get("FullLoadFinishDate") is not None
    if status == "failed" and not loaded:
        # Resuming would leave out what was not loaded; by these words `next_start_type` knows.
        message = f"{message or 'no message'} (before the load's end: reload-target loads anew)"
    return Found(
        arn,
        Task(
            identifier=identifier,
            status=status,
            migration_type=migration_type,
            stop_reason=answer.get("StopReason") or None,
            last_failure_message=message or None,
            full_load_progress_percent=stats.get("FullLoadProgressPercent") or 0,
            tables_loaded=stats.get("TablesLoaded") or 0,
            tables_errored=stats.get("TablesErrored") or 0,
            started_at=stats.get("StartDate"),
            stopped_at=stats.get("StopDate"),
        ),
        loaded,
    )


def status(name: str) -> Status:
    if name in get_args(Status):
        return cast("Status", name)
    return SERVERLESS.get(name, PASSING)


def table(answer: Mapping[str, Any], logs: str) -> TableStatistics:
    """From DescribeTableStatistics. DMS tells why a table is lost in its `logs` only."""
    # A state that DMS gets one day is one that no rule knows: not completed.
    state = cast("TableState", answer["TableState"])
    return TableStatistics(
        schema_name=answer["SchemaName"],
        table_name=answer["TableName"],
        table_state=state,
        inserts=answer.get("Inserts") or 0,
        updates=answer.get("Updates") or 0,
        deletes=answer.get("Deletes") or 0,
        ddls=answer.get("Ddls") or 0,
        full_load_rows=answer.get("FullLoadRows") or 0,
        full_load_error_rows=answer.get("FullLoadErrorRows") or 0,
        last_error=f"DMS says why in the log group {logs}" if state in LOST else None,
    )


def start_needed(there: Found, wanted: MigrationType, asked: StartType) -> StartType:
    """The start that brings what was asked for, given what the task did so far.

    Resuming goes on after the last change. It brings no rows that were not loaded: those of a load
    that was cut off, or of a task that did not carry them before. Raises `PermanentError` for a
    change of the migration type that DMS cannot make.
    """
    if there.task.status == "ready" or asked != "resume-processing":
        return asked
    former = there.task.migration_type
    if (there.task.stop_reason or "").endswith(FULL_LOAD_FINISHED):
        former = "full-load"  # and a start was cut off after it had changed the type
    if wanted == "cdc" and former == "full-load":
        raise PermanentError(
            f"task {there.task.identifier} ran as full-load, so it knows no change from which a "
            "task of type cdc could go on: set COIN_PLATFORM_DMS_TASK to a new name for it, or "
            "delete the task in DMS"
        )
    goes_on = wanted == "cdc" or (wanted == former == "full-load-and-cdc" and there.loaded)
    return asked if goes_on else "reload-target"


def differences(wanted: Mapping[str, Any], there: Mapping[str, Any]) -> list[str]:
    """How something is not as wanted, as `DataFormat is csv, not parquet`.

    Only what is wanted is compared: DMS adds its own defaults. Texts that hold JSON are compared
    by what they say.
    """
    return list(_differences(wanted, there))


def _differences(wanted: Mapping[str, Any], there: Mapping[str, Any]) -> Iterator[str]:
    for key, value in wanted.items():
        have = there.get(key)
        if isinstance(value, str) and value.startswith("{"):
            value, have = json.loads(value), json.loads(have or "{}")  # noqa: PLW2901
        if isinstance(value, Mapping):
            yield from _differences(value, have if isinstance(have, Mapping) else {})
        elif _plain(value) != _plain(have) and not _is_secret_of(value, have):
            yield f"{key} is {have}, not {value}"


def _plain(value: Any) -> Any:
    """A value as DMS means it: its answers write `SSE_S3` for `sse-s3`."""
    return value.lower().replace("_", "-") if isinstance(value, str) else value


def _is_secret_of(wanted: Any, arn: Any) -> bool:
    """Whether a secret's name was wanted and DMS gives its ARN."""
    return isinstance(arn, str) and f":secret:{wanted}-" in arn
