"""The start of a task from nothing: statistics at zero, a new slot, and the full load."""

from contextlib import ExitStack
from typing import Any

import psycopg
from psycopg import sql

from coin_platform.contracts.database import SCHEMA
from coin_platform.errors import PermanentError
from coin_platform.resources.replication import catalog, slot
from coin_platform.resources.replication.catalog import SourceTable
from coin_platform.resources.replication.full_load import FullLoad
from coin_platform.resources.replication.interface import MigrationType, TableState
from coin_platform.resources.replication.journal import TableRecord
from coin_platform.resources.replication.reading import Source

CLOCK = "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::int8"
UNLOGGED = (
    "the table is UNLOGGED, so its changes cannot be captured; ALTER TABLE … SET LOGGED, "
    "then start the task with reload-target"
)
NO_KEY = (
    "without a primary key PostgreSQL refuses UPDATE and DELETE while the table is replicated; "
    "inserts are captured"
)


def begin(
    connection: psycopg.Connection,
    arguments: dict[str, Any],
    load: FullLoad,
    migration_type: MigrationType,
) -> None:
    """Bring the load's journal to `loaded`: tables loaded, changes captured from there on.

    `arguments` are those of the connection, for further ones. The start time is read before the
    slot is made, so that captured changes are not older than it and those of earlier runs are.
    Raises `PermanentError` if the schema has no table.
    """
    journals, journal = load.journals, load.journal
    row = connection.execute(CLOCK).fetchone()
    clock = row[0] if row else 0
    journal.commit_time = max(clock, journal.commit_time + 1)
    if not catalog.tables(connection, SCHEMA):
        raise PermanentError(
            f"no table of schema {SCHEMA} was captured (FailOnNoTablesCaptured); "
            "create the tables, then start the task"
        )
    journals.save(journal)
    with ExitStack() as stack:
        isolation = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"
        if migration_type == "full-load":
            slot.drop(connection, journal.slot)
            stack.enter_context(connection.transaction())
            connection.execute(isolation)
        else:
            made = stack.enter_context(slot.created(connection, arguments, journal.slot, SCHEMA))
            journal.position = made.position
            stack.enter_context(connection.transaction())
            connection.execute(isolation)
            snapshot = sql.SQL("SET TRANSACTION SNAPSHOT {}").format(sql.Literal(made.name))
            connection.execute(snapshot)
        tables = catalog.tables(connection, SCHEMA)
        journal.tables = {table.name: _record(table, migration_type) for table in tables}
        if migration_type != "cdc":
            load.run(connection, Source(arguments, _exported(connection)), tables)
    journal.loaded = True
    journals.save(journal)


def _exported(connection: psycopg.Connection) -> str:
    """The name by which other connections see what this transaction sees, as long as it lasts."""
    row = connection.execute("SELECT pg_export_snapshot()").fetchone()
    return str(row[0]) if row else ""


def _record(table: SourceTable, migration_type: MigrationType) -> TableRecord:
    state: TableState = "Table completed" if migration_type == "cdc" else "Before load"
    record = TableRecord.of(table.name, table.oid, table.columns, state)
    if migration_type != "full-load":
        remark(record, table)
    return record


def remark(record: TableRecord, table: SourceTable) -> None:
    """Say of a table whose changes are captured what stands in the way of some or all of them."""
    if not table.logged:
        record.suspend(UNLOGGED)
    elif not table.has_identity:
        record.notice(NO_KEY)
