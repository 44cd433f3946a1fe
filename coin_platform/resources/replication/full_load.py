"""The full load: every table as of one snapshot, streamed into LOAD files.

A table's files appear together, in place of those of an earlier load. What happens to change
files of an earlier load is said in `docs/replication.md`.
"""

import itertools
import logging
import threading
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.errors import UndefinedColumn, UndefinedTable

from coin_platform.contracts.database import SCHEMA
from coin_platform.errors import TransientError
from coin_platform.resources.replication.catalog import SourceTable
from coin_platform.resources.replication.columns import UnrepresentableError
from coin_platform.resources.replication.files import FILES, TableFile
from coin_platform.resources.replication.journal import Journal, JournalFile
from coin_platform.resources.replication.layout import (
    CHANGE_FILE,
    LOAD_FILE,
    Format,
    commit_text,
    load_file,
)
from coin_platform.resources.replication.lines import lines
from coin_platform.resources.replication.reading import Pages, Source, tables

ROWS_PER_FILE = 500_000
READERS = 2
PAGES_WORTH_A_READER = 1_000
READ: dict[Format, Callable[[Source, SourceTable, Pages, str], Generator[Any]]] = {
    "parquet": tables,
    "csv": lines,
}

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class FullLoad:
    """One load; its rows carry the journal's commit time, the task's start."""

    journals: JournalFile
    journal: Journal
    file_format: Format
    rows_per_file: int = ROWS_PER_FILE
    readers: int = READERS

    def run(
        self, connection: psycopg.Connection, source: Source, tables: list[SourceTable]
    ) -> None:
        """Load the tables as the source's snapshot shows them; the journal says how far."""
        for table in tables:
            record = self.journal.tables[table.name]
            if record.table_state == "Table error":
                continue
            record.table_state = "Full load"
            self.journals.save(self.journal)
            try:
                files, rows = self._stage(connection, source, table)
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
        self, connection: psycopg.Connection, source: Source, table: SourceTable
    ) -> tuple[list[TableFile], int]:
        """Read the table by several readers at once, each into files of its own."""
        numbers = itertools.count(1)
        ended = threading.Event()
        parts = self._parts(connection, table)

        def stage(pages: Pages) -> tuple[list[TableFile], int]:
            try:
                return self._stage_part(source, table, pages, numbers, ended)
            except BaseException:
                ended.set()  # what the others read is of no use
                raise

        with ThreadPoolExecutor(len(parts)) as readers:
            try:
                done = list(readers.map(stage, parts))
            finally:
                ended.set()
        self._verify(connection, table)
        return [file for files, _ in done for file in files], sum(rows for _, rows in done)

    def _parts(self, connection: psycopg.Connection, table: SourceTable) -> list[Pages]:
        """The table's pages in as many parts as are worth a reader."""
        row = connection.execute(
            "SELECT pg_relation_size(%s::oid) / current_setting('block_size')::int", [table.oid]
        ).fetchone()
        pages = row[0] if row and row[0] else 0
        count = min(self.readers, max(1, pages // PAGES_WORTH_A_READER))
        starts = [pages * n // count for n in range(count)]
        return [Pages(*bounds) for bounds in zip(starts, [*starts[1:], None], strict=True)]

    def _stage_part(
        self,
        source: Source,
        table: SourceTable,
        pages: Pages,
        numbers: Iterator[int],
        ended: threading.Event,
    ) -> tuple[list[TableFile], int]:
        files: list[TableFile] = []
        rows = room = 0
        commit = commit_text(self.journal.commit_time)
        with closing(READ[self.file_format](source, table, pages, commit)) as parts:
            for part in parts:
                if ended.is_set():
                    break
                if room < part.num_rows:
                    files.append(self._open(table, next(numbers)))
                    room = self.rows_per_file
                files[-1].append(part)
                rows += part.num_rows
                room -= part.num_rows
        for file in files:
            file.close()
        return files, rows

    def _open(self, table: SourceTable, number: int) -> TableFile:
        path = self.journals.staging / load_file(number, self.file_format)
        return FILES[self.file_format](path, table.columns)

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
