"""The full load: every table as of one snapshot, streamed into LOAD files.

A table's files appear together, in place of those of an earlier load. What happens to change
files of an earlier load is said in `docs/replication.md`.
"""

import io
import logging
from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass

import psycopg
import pyarrow as pa
import pyarrow.csv as pacsv
from psycopg import sql
from psycopg.abc import Buffer
from psycopg.errors import UndefinedColumn, UndefinedTable

from coin_platform.contracts.database import SCHEMA
from coin_platform.errors import TransientError
from coin_platform.resources.replication.catalog import SourceTable
from coin_platform.resources.replication.columns import UnrepresentableError
from coin_platform.resources.replication.files import BUFFER_BYTES, FILES, ROW_GROUP, TableFile
from coin_platform.resources.replication.journal import Journal, JournalFile
from coin_platform.resources.replication.layout import (
    CHANGE_FILE,
    LOAD_FILE,
    Format,
    commit_text,
    load_file,
)

ROWS_PER_FILE = 500_000

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class FullLoad:
    """One load; its rows carry the journal's commit time, the task's start."""

    journals: JournalFile
    journal: Journal
    file_format: Format
    rows_per_file: int = ROWS_PER_FILE

    def run(self, connection: psycopg.Connection, tables: list[SourceTable]) -> None:
        """Load the tables, in a transaction that sees the snapshot; the journal says how far."""
        for table in tables:
            record = self.journal.tables[table.name]
            if record.table_state == "Table error":
                continue
            record.table_state = "Full load"
            self.journals.save(self.journal)
            try:
                with connection.transaction():
                    files, rows = self._stage(connection, table)
            except UnrepresentableError as error:
                record.suspend(f"{error}; change the column, then start with reload-target")
                self.journals.save(self.journal)
                continue
            except (UndefinedColumn, UndefinedTable) as error:
                raise _changed(table) from error
            record.table_state = "Table completed"
            record.full_load_rows = rows
            self._deliver(table.name, files)
            logger.info("loaded %s: %d rows in %d files", table.name, rows, len(files))

    def _stage(
        self, connection: psycopg.Connection, table: SourceTable
    ) -> tuple[list[TableFile], int]:
        files: list[TableFile] = []
        rows = room = 0
        with closing(copy(connection, table)) as groups:
            for lines, count in groups:
                if room <= 0:
                    files.append(self._open(table, len(files) + 1))
                    room = self.rows_per_file
                self._write(files[-1], lines, count)
                rows += count
                room -= count
        for file in files:
            file.close()
        self._verify(connection, table)
        return files, rows

    def _open(self, table: SourceTable, number: int) -> TableFile:
        path = self.journals.staging / load_file(number, self.file_format)
        return FILES[self.file_format](path, table.columns)

    def _write(self, file: TableFile, lines: bytes, count: int) -> None:
        commit = commit_text(self.journal.commit_time)
        texts = parse(lines, [column.name for column in file.columns])
        file.write(["I"] * count, [commit] * count, texts, [None] * count)

    def _verify(self, connection: psycopg.Connection, table: SourceTable) -> None:
        """A table rewritten after the snapshot was taken looks empty in it, without an error."""
        row = connection.execute(
            "SELECT pg_relation_filenode(%s::oid)::int8", [table.oid]
        ).fetchone()
        if row != (table.file_node,):
            raise _changed(table)

    def _deliver(self, table: str, files: list[TableFile]) -> None:
        folder = self.journals.folder / table
        finals = {file.path: folder / file.path.name for file in files}
        earlier = sorted(folder.iterdir()) if folder.exists() else []
        # Change files stay as history while LOAD rows date them; an empty table has no such rows.
        outdated = [LOAD_FILE] if files else [LOAD_FILE, CHANGE_FILE]
        self.journal.removals = [
            str(path.relative_to(self.journals.lake))
            for path in earlier
            if any(pattern.fullmatch(path.name) for pattern in outdated)
            and path not in finals.values()
        ]
        self.journals.deliver(self.journal, finals.items())


def _changed(table: SourceTable) -> TransientError:
    return TransientError(f"{SCHEMA}.{table.name} was altered or truncated while it was loaded")


def copy(connection: psycopg.Connection, table: SourceTable) -> Generator[tuple[bytes, int]]:
    """A table's rows as lines of CSV, a row group at a time, and how many they are."""
    statement = sql.SQL("COPY (SELECT {} FROM ONLY {}) TO STDOUT (FORMAT csv)").format(
        sql.SQL(", ").join(sql.Identifier(column.name) for column in table.columns),
        sql.Identifier(SCHEMA, table.name),
    )
    rows: list[Buffer] = []
    size = 0
    with connection.cursor() as cursor, cursor.copy(statement) as stream:
        for row in stream:
            rows.append(row)
            size += len(row)
            if len(rows) == ROW_GROUP or size >= BUFFER_BYTES:
                yield b"".join(rows), len(rows)
                rows, size = [], 0
    if rows:
        yield b"".join(rows), len(rows)


def parse(lines: bytes, names: list[str]) -> list[pa.Array]:
    """Whole lines of PostgreSQL's CSV as string arrays: a bare empty field is null."""
    table = pacsv.read_csv(
        io.BytesIO(lines),
        pacsv.ReadOptions(column_names=names, block_size=len(lines) + 1, use_threads=False),
        pacsv.ParseOptions(newlines_in_values=True, ignore_empty_lines=False),
        pacsv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()),
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        ),
    )
    return [column.combine_chunks() for column in table.columns]
