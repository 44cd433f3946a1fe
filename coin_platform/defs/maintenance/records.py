"""Dagster's own records in PostgreSQL, kept to a size that follows what exists, not what happened.

Dagster prunes ticks by itself and nothing else; its guide to database tuning advises to delete
events that belong to no asset. This goes further: of a partition's materializations and checks only
the newest says anything about what is there now, and a run of which nothing is left is deleted.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import dagster as dg

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

BATCH = 20_000  # rows a transaction, so that writers do not wait and little is held at once
RUNS_AT_ONCE = 1_000

MATERIALIZED = dg.DagsterEventType.ASSET_MATERIALIZATION.value
EVALUATED = dg.DagsterEventType.ASSET_CHECK_EVALUATION.value
# What says of a partition that it was asked for, or that it failed, until it is materialized.
OF_A_PARTITION = (
    MATERIALIZED,
    dg.DagsterEventType.ASSET_MATERIALIZATION_PLANNED.value,
    dg.DagsterEventType.ASSET_FAILED_TO_MATERIALIZE.value,
)
OF_A_RUN = tuple(
    kind.value
    for kind in (
        dg.DagsterEventType.RUN_START,
        dg.DagsterEventType.RUN_SUCCESS,
        dg.DagsterEventType.RUN_FAILURE,
        dg.DagsterEventType.RUN_CANCELED,
    )
)
KEPT = (*OF_A_PARTITION, *OF_A_RUN, EVALUATED, dg.DagsterEventType.ASSET_OBSERVATION.value)
FINISHED = ("SUCCESS", "FAILURE", "CANCELED")

OLD = """
SELECT e.id FROM event_logs e
WHERE e.id <= :newest AND NOT EXISTS (
    SELECT 1 FROM runs r WHERE r.run_id = e.run_id AND r.status <> ALL(:finished))
"""
OPERATIONAL = f"{OLD} AND (e.dagster_event_type IS NULL OR e.dagster_event_type <> ALL(:kept))"
SUPERSEDED = """
{old} AND e.dagster_event_type = ANY(:of_a_partition) AND {same_kind} AND EXISTS (
    SELECT 1 FROM event_logs later
    WHERE later.asset_key = e.asset_key AND later.dagster_event_type = :materialized
      AND {same_partition} AND later.id > e.id)
"""
SUPERSEDED_PARTITIONED = SUPERSEDED.format(
    old=OLD, same_kind="e.partition IS NOT NULL", same_partition="later.partition = e.partition"
)
SUPERSEDED_WHOLE = SUPERSEDED.format(
    old=OLD, same_kind="e.partition IS NULL", same_partition="later.partition IS NULL"
)
SUPERSEDED_CHECKS = """
SELECT c.id FROM asset_check_executions c
WHERE c.create_timestamp < :cutoff AND EXISTS (
    SELECT 1 FROM asset_check_executions later
    WHERE later.asset_key = c.asset_key AND later.check_name = c.check_name
      AND later.partition IS NOT DISTINCT FROM c.partition AND later.id > c.id
      AND later.execution_status IN ('SUCCEEDED', 'FAILED'))
"""
UNREFERENCED_EVALUATIONS = """
SELECT e.id FROM event_logs e
WHERE e.id <= :newest AND e.dagster_event_type = :evaluated AND NOT EXISTS (
    SELECT 1 FROM asset_check_executions c WHERE c.evaluation_event_storage_id = e.id)
"""
ORPHANED_TAGS = """
SELECT t.id FROM asset_event_tags t
WHERE NOT EXISTS (SELECT 1 FROM event_logs e WHERE e.id = t.event_id)
"""
EMPTY_RUNS = """
SELECT r.run_id FROM runs r
WHERE r.status = ANY(:finished) AND r.update_timestamp < :cutoff AND NOT EXISTS (
    SELECT 1 FROM event_logs e
    WHERE e.run_id = r.run_id AND e.dagster_event_type = ANY(:of_assets))
LIMIT :runs_at_once
"""


@dataclass(frozen=True)
class Pruned:
    """How many records were deleted, and how many events are left."""

    events: int
    checks: int
    runs: int
    events_left: int


def prune(instance: dg.DagsterInstance, before: datetime) -> Pruned | None:
    """Delete what was recorded before an instant and says nothing of the present.

    The newest materialization and check results of each partition stay, whatever their age, and so
    does every run that they belong to. May be stopped and started again anywhere. None where
    Dagster does not keep its records in PostgreSQL.
    """
    from dagster_postgres.event_log import PostgresEventLogStorage

    storage = instance.event_log_storage
    if not isinstance(storage, PostgresEventLogStorage):
        return None
    with storage.index_connection() as connection:
        known = parameters(connection, before)
        events = deleted(connection, "event_logs", OPERATIONAL, known)
        events += deleted(connection, "event_logs", SUPERSEDED_PARTITIONED, known)
        events += deleted(connection, "event_logs", SUPERSEDED_WHOLE, known)
        checks = deleted(connection, "asset_check_executions", SUPERSEDED_CHECKS, known)
        events += deleted(connection, "event_logs", UNREFERENCED_EVALUATIONS, known)
        deleted(connection, "asset_event_tags", ORPHANED_TAGS, known)
        runs = empty_runs(connection, known)
        for run in runs:
            instance.delete_run(run)
        [left] = selected(connection, "SELECT count(*) FROM event_logs", known)
    return Pruned(events, checks, len(runs), left)


def parameters(connection: "Connection", before: datetime) -> dict[str, object]:
    """What the statements ask for; ids grow with time, so the newest old one bounds them all."""
    known: dict[str, object] = {
        "cutoff": before.replace(tzinfo=None),  # Dagster's columns are UTC without a zone
        "kept": list(KEPT),
        "of_a_partition": list(OF_A_PARTITION),
        "materialized": MATERIALIZED,
        "evaluated": EVALUATED,
        "of_assets": [*OF_A_PARTITION, EVALUATED, dg.DagsterEventType.ASSET_OBSERVATION.value],
        "finished": list(FINISHED),
        "batch": BATCH,
        "runs_at_once": RUNS_AT_ONCE,
    }
    newest = "SELECT coalesce(max(id), 0) FROM event_logs WHERE timestamp < :cutoff"
    return known | {"newest": selected(connection, newest, known)[0]}


def deleted(connection: "Connection", table: str, which: str, known: dict[str, object]) -> int:
    """Delete rows of a table by id, a batch a transaction; how many."""
    from sqlalchemy import text

    statement = text(f"DELETE FROM {table} WHERE id IN ({which} LIMIT :batch)")  # noqa: S608  our own texts
    total = 0
    while True:
        count = connection.execute(statement, bound(statement.text, known)).rowcount
        total += count
        if count < BATCH:
            return total


def empty_runs(connection: "Connection", known: dict[str, object]) -> list[str]:
    """Finished runs of which no event of an asset is left."""
    return [str(run) for run in selected(connection, EMPTY_RUNS, known)]


def selected(connection: "Connection", query: str, known: dict[str, object]) -> list[Any]:
    """The first column of a query."""
    from sqlalchemy import text

    return [row[0] for row in connection.execute(text(query), bound(query, known))]


def bound(query: str, known: dict[str, object]) -> dict[str, object]:
    """The parameters that a query names."""
    return {name: value for name, value in known.items() if f":{name}" in query}
