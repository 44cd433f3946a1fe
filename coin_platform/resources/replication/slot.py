"""The replication slot and the publication: created, read by peeking, moved on, dropped.

Names are made by `state.py` from lower-case letters, digits and underscores.
"""

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Any, NamedTuple

import psycopg
from psycopg import sql

from coin_platform.errors import PermanentError

PEEK = """
    SELECT data FROM pg_logical_slot_peek_binary_changes(
        %s, %s::pg_lsn, %s, 'proto_version', '1', 'publication_names', %s)
"""
# What libpq makes one result of, and what is worked on together.
CHUNK_ROWS, BATCH_ROWS = 500, 5_000

# Our own lock says that no other worker runs; a backend that still holds the slot has lost its own.
RELEASE = """
    SELECT pg_terminate_backend(active_pid, 5000) FROM pg_replication_slots
    WHERE slot_name = %s AND active_pid IS NOT NULL AND active_pid <> pg_backend_pid()
"""
STATE = """
    SELECT wal_status, confirmed_flush_lsn - '0/0'::pg_lsn FROM pg_replication_slots
    WHERE slot_name = %s
"""
HORIZON = """
    SELECT pg_current_wal_flush_lsn() - '0/0'::pg_lsn,
           EXISTS (SELECT FROM pg_publication p
                   JOIN pg_publication_namespace pn ON pn.pnpubid = p.oid
                   JOIN pg_namespace n ON n.oid = pn.pnnspid
                   WHERE p.pubname = %s AND n.nspname = %s)
"""


class Snapshot(NamedTuple):
    """Where a new slot starts, and the exported snapshot that shows the tables as of there."""

    position: int
    name: str


def lsn_text(position: int) -> str:
    """A log position as PostgreSQL writes it, `16/B374D848`."""
    return f"{position >> 32:X}/{position & 0xFFFFFFFF:X}"


def drop(connection: psycopg.Connection, slot: str) -> None:
    """Remove the slot and its publication, if they exist."""
    connection.execute(RELEASE, [slot])
    connection.execute(
        "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = %s",
        [slot],
    )
    connection.execute(sql.SQL("DROP PUBLICATION IF EXISTS {}").format(sql.Identifier(slot)))


@contextmanager
def created(
    connection: psycopg.Connection, arguments: dict[str, Any], slot: str, schema: str
) -> Iterator[Snapshot]:
    """A new slot over all tables of the schema; its snapshot can be imported inside the block.

    Raises `PermanentError` where the server does not log what decoding needs.
    """
    row = connection.execute("SELECT current_setting('wal_level')").fetchone()
    if row != ("logical",):
        raise PermanentError(
            f"PostgreSQL runs with wal_level={row and row[0]}, and change capture needs logical: "
            "set it (on RDS: rds.logical_replication=1), restart the server, start the task again"
        )
    drop(connection, slot)
    publication = sql.SQL("CREATE PUBLICATION {} FOR TABLES IN SCHEMA {}")
    connection.execute(publication.format(sql.Identifier(slot), sql.Identifier(schema)))
    with psycopg.connect(**arguments, autocommit=True, replication="database") as replication:
        command = sql.SQL("CREATE_REPLICATION_SLOT {} LOGICAL pgoutput (SNAPSHOT 'export')")
        made = replication.execute(command.format(sql.Identifier(slot))).fetchone()
        if made is None:
            raise PermanentError(f"PostgreSQL created no slot {slot} and gave no reason")
        _, position, snapshot, _ = made
        high, low = position.split("/")
        yield Snapshot(int(high, 16) << 32 | int(low, 16), snapshot)


def resume(connection: psycopg.Connection, slot: str, position: int) -> None:
    """Make sure that the slot still holds everything after `position`, and move it there.

    Raises `PermanentError` when changes are gone.
    """
    connection.execute(RELEASE, [slot])
    row = connection.execute(STATE, [slot]).fetchone()
    if row is None:
        lost = "does not exist any more"
    elif row[0] == "lost":
        lost = "was invalidated, as happens when it holds back more log than max_slot_wal_keep_size"
    elif row[1] > position:
        lost = "was moved on by somebody else, past changes that were not delivered"
    else:
        advance(connection, slot, position)
        return
    raise PermanentError(
        f"replication slot {slot} {lost}; changes after {lsn_text(position)} are lost to it. "
        "Start the task with reload-target; raise max_slot_wal_keep_size if the task has to stay "
        "stopped for longer"
    )


def horizon(connection: psycopg.Connection, slot: str, schema: str) -> int:
    """The position up to which the log is on disk. Raises `PermanentError` without publication."""
    row = connection.execute(HORIZON, [slot, schema]).fetchone()
    if row is None or not row[1]:
        raise PermanentError(
            f"publication {slot} of schema {schema} is gone, so changes are no longer captured; "
            "start the task with reload-target"
        )
    return int(row[0])


def peek(
    connection: psycopg.Connection, slot: str, until: int, changes: int
) -> Generator[list[bytes]]:
    """The messages of whole transactions that begin before `until`, about `changes` of them.

    It stops at the first commit after that many. They come some at a time, which bounds the
    client's memory, and the server sends the next ones meanwhile; until the last has come, the
    connection is of no other use.
    """
    with connection.cursor() as cursor:
        rows = cursor.stream(
            PEEK, [slot, lsn_text(until), changes, slot], binary=True, size=CHUNK_ROWS
        )
        while messages := [data for (data,) in islice(rows, BATCH_ROWS)]:
            yield messages


def advance(connection: psycopg.Connection, slot: str, position: int) -> None:
    """Confirm everything up to `position`, so that PostgreSQL may recycle its log."""
    connection.execute(
        "SELECT pg_replication_slot_advance(%s, %s::pg_lsn)", [slot, lsn_text(position)]
    )
