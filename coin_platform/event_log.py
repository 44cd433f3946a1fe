"""Dagster's event log in PostgreSQL, which takes what comes in rows at once: for runs over ranges.

Dagster writes the result of a check by five statements of their own, and a run over a month reports
forty thousand: that took more time than the work. Here the results that follow each other are held
until any other event comes, which every step has after its results, or until somebody reads here,
and are written together. What Dagster then reads is the same.
"""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from threading import RLock
from typing import TYPE_CHECKING, Any

from dagster import DagsterEventType, EventLogEntry
from dagster_postgres.event_log import PostgresEventLogStorage
from dagster_postgres.utils import get_token_provider_from_config, pg_url_from_config
from sqlalchemy import text

from coin_platform.check_states import INDEX

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

HELD = 2_000  # results at most, to bound memory

# Of a run that was planned, each result has its row already.
FOUND = """
unnest(
    CAST(:asset_key AS text[]), CAST(:check_name AS text[]), CAST(:partition AS text[]),
    CAST(:run_id AS text[]), CAST(:execution_status AS text[]), CAST(:evaluation_event AS text[]),
    CAST(:evaluation_event_timestamp AS timestamp[]),
    CAST(:evaluation_event_storage_id AS bigint[]),
    CAST(:materialization_event_storage_id AS bigint[])
) AS found (asset_key, check_name, partition, run_id, execution_status, evaluation_event,
            evaluation_event_timestamp, evaluation_event_storage_id,
            materialization_event_storage_id)
"""
SAME = """
planned.asset_key = found.asset_key AND planned.check_name = found.check_name
AND planned.run_id = found.run_id AND planned.partition = found.partition
"""
VALUES = (
    "execution_status",
    "evaluation_event",
    "evaluation_event_timestamp",
    "evaluation_event_storage_id",
    "materialization_event_storage_id",
)
COLUMNS = ("asset_key", "check_name", "partition", "run_id", *VALUES)
UPDATE = text(
    "UPDATE asset_check_executions AS planned SET "  # noqa: S608  our own texts
    f"{', '.join(f'{name} = found.{name}' for name in VALUES)} FROM {FOUND} WHERE {SAME}"
)
INSERT = text(
    f"INSERT INTO asset_check_executions ({', '.join(COLUMNS)}) "  # noqa: S608  our own texts
    f"SELECT {', '.join(f'found.{name}' for name in COLUMNS)} FROM {FOUND} "
    f"WHERE NOT EXISTS (SELECT 1 FROM asset_check_executions planned WHERE {SAME})"
)


class EventLog(PostgresEventLogStorage):
    """Named in a home's `dagster.yaml`."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self._held: list[EventLogEntry] = []
        self._guard = RLock()
        self._tables: set[str] = set()
        super().__init__(*arguments, **options)
        with self.index_connection() as connection:
            connection.execute(text(INDEX))

    @classmethod
    def from_config_value(cls, inst_data: Any, config_value: Any) -> "EventLog":
        return cls(
            inst_data=inst_data,
            postgres_url=pg_url_from_config(config_value),
            should_autocreate_tables=config_value.get("should_autocreate_tables", True),
            token_provider=get_token_provider_from_config(config_value),
        )

    def has_table(self, table_name: str) -> bool:
        """Asked once; Dagster asks before every result of a check."""
        if table_name not in self._tables and super().has_table(table_name):
            self._tables.add(table_name)
        return table_name in self._tables

    def _connect(self) -> "AbstractContextManager[Connection]":
        """Whoever reads finds what was reported before."""
        self._write_held()
        return super()._connect()

    def store_event(self, event: EventLogEntry) -> None:
        with self._guard:
            if is_result_of_a_partition(event):
                self._held.append(event)
                if len(self._held) >= HELD:
                    self._write_held()
                return
            super().store_event(event)

    def store_event_batch(self, events: Sequence[EventLogEntry]) -> None:
        with self._guard:
            planned = DagsterEventType.ASSET_MATERIALIZATION_PLANNED
            rows = [event for event in events if event.dagster_event_type == planned]
            if rows:
                self._write_planned(rows)
            others = [event for event in events if event.dagster_event_type != planned]
            if others:
                super().store_event_batch(others)

    def _insert(self, connection: "Connection", events: Sequence[EventLogEntry]) -> list[int]:
        """Write the events' own rows; their ids, in order."""
        table_ids = self.prepare_insert_event_batch(events)
        returning = table_ids.returning(table_ids.table.c.id)
        return [int(row[0]) for row in connection.execute(returning)]

    def _write_planned(self, events: Sequence[EventLogEntry]) -> None:
        """That a run will materialize partitions; of each asset the last stands for all."""
        with self.index_transaction() as connection:
            ids = self._insert(connection, events)
            self._store_asset_event_tags(connection, events, ids)
            last = {
                event.get_dagster_event().asset_key: (event, id_)
                for event, id_ in zip(events, ids, strict=True)
            }
            for event, id_ in last.values():
                self._store_asset_event(connection, event, id_)

    def _write_held(self) -> None:
        with self._guard:
            events, self._held = self._held, []
        if not events:
            return
        with self.index_transaction() as connection:
            ids = self._insert(connection, events)
            rows = [self._result_row(event, id_) for event, id_ in zip(events, ids, strict=True)]
            found = {name: [row[name] for row in rows] for name in COLUMNS}
            if connection.execute(UPDATE, found).rowcount < len(rows):
                connection.execute(INSERT, found)

    def _result_row(self, event: EventLogEntry, id_: int) -> Mapping[str, Any]:
        row = self._event_to_row(event)
        evaluation: Any = event.get_dagster_event().event_specific_data
        target = evaluation.target_materialization_data
        return {
            "asset_key": evaluation.asset_key.to_string(),
            "check_name": evaluation.check_name,
            "partition": evaluation.partition,
            "run_id": event.run_id,
            "execution_status": "SUCCEEDED" if evaluation.passed else "FAILED",
            "evaluation_event": row["event"],
            "evaluation_event_timestamp": row["timestamp"],
            "evaluation_event_storage_id": id_,
            "materialization_event_storage_id": target.storage_id if target else None,
        }


def is_result_of_a_partition(event: EventLogEntry) -> bool:
    """Whether a run says what a check found of a partition."""
    if event.dagster_event_type != DagsterEventType.ASSET_CHECK_EVALUATION or not event.run_id:
        return False
    evaluation: Any = event.get_dagster_event().event_specific_data
    return evaluation.partition is not None
