"""A table's rows for the full load, as of one snapshot, typed for Parquet; for CSV see `lines.py`.

They come in PostgreSQL's binary form, which ADBC turns into Arrow. Types of which that is not
exactly what DMS writes come as text and are converted as the change log's are (`columns.py`).
"""

from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

import psycopg
import pyarrow as pa
from psycopg import sql
from psycopg.conninfo import make_conninfo
from psycopg.errors import CharacterNotInRepertoire

from coin_platform.contracts.database import SCHEMA
from coin_platform.resources.replication import catalog
from coin_platform.resources.replication.catalog import SourceTable
from coin_platform.resources.replication.columns import (
    NATIVE,
    UnrepresentableError,
    arrow_type,
    held,
    typed,
)
from coin_platform.resources.replication.files import (
    BUFFER_BYTES,
    ROW_GROUP,
    raw_schema,
)

# Memory holds some of these at a time; a row that is larger comes alone.
BATCH_BYTES = 4 << 20

IN_SNAPSHOT = ("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ", "SET TRANSACTION SNAPSHOT {}")
# Whatever the type, as its output function prints it: casts to text differ for some (inet, char).
PRINTED = "CASE WHEN num_nonnulls({0}) = 1 THEN concat({0}) END"


@dataclass(frozen=True)
class Source:
    """Where a load reads: arguments of connections, and the exported snapshot they look at."""

    arguments: dict[str, Any]
    snapshot: str

    def session(self) -> list[str]:
        """Statements that bring a new transaction to the snapshot, values printed in one way."""
        isolation, snapshot = IN_SNAPSHOT
        name = sql.Literal(self.snapshot)
        return [isolation, sql.SQL(snapshot).format(name).as_string(), *catalog.SESSION.split(";")]


class Pages(NamedTuple):
    """Some of a table's pages, the last exclusive; None: all that follow."""

    first: int
    end: int | None


def tables(source: Source, table: SourceTable, pages: Pages, commit: str) -> Generator[pa.Table]:
    """The rows in the columns of a Parquet file, a row group at a time.

    Raises `UnrepresentableError`, and psycopg's errors where the table is not what it was.
    """
    from adbc_driver_postgresql import dbapi

    chosen = [
        sql.SQL("{0}" if column.type_id in NATIVE else PRINTED).format(sql.Identifier(column.name))
        for column in table.columns
    ]
    schema = raw_schema(table.columns)
    with (
        understood(table),
        dbapi.connect(make_conninfo(**source.arguments)) as connection,
        connection.cursor() as cursor,
    ):
        for statement in source.session():
            cursor.execute(statement)
        hint = {"adbc.postgresql.batch_size_hint_bytes": str(BATCH_BYTES)}
        cursor.adbc_statement.set_options(**hint)
        cursor.execute(select(chosen, table, pages).as_string())
        for rows in _groups(cursor.fetch_record_batch()):
            constants = [pa.scalar(value, pa.string()) for value in ("I", commit, None)]
            operation, at, sequence = (pa.repeat(value, rows.num_rows) for value in constants)
            values = [
                held(values, column) if column.type_id in NATIVE else typed(values, column)
                for values, column in zip(rows.columns, table.columns, strict=True)
            ]
            yield pa.Table.from_arrays([operation, at, *values, sequence], schema=schema)


def _groups(batches: pa.RecordBatchReader) -> Generator[pa.RecordBatch]:
    """The batches' rows, as many together as a row group has, fewer where they are large."""
    gathered: list[pa.RecordBatch] = []
    rows = size = 0
    for batch in batches:
        rest = batch
        while rest.num_rows:
            part = rest.slice(0, ROW_GROUP - rows)
            rest = rest.slice(part.num_rows)
            gathered.append(part)
            rows, size = rows + part.num_rows, size + part.nbytes
            if rows == ROW_GROUP or size >= BUFFER_BYTES:
                yield pa.concat_batches(gathered)
                gathered, rows, size = [], 0, 0
    if gathered:
        yield pa.concat_batches(gathered)


@contextmanager
def understood(table: SourceTable) -> Iterator[None]:
    """ADBC's errors as psycopg would raise them, and texts that are not UTF-8 as what they are."""
    from adbc_driver_manager import Error

    try:
        yield
    except CharacterNotInRepertoire as error:
        raise _not_utf8(table, error) from error
    except Error as error:
        kind = psycopg.errors.lookup(error.sqlstate) if error.sqlstate else psycopg.OperationalError
        raise kind(str(error)) from error
    except OSError as error:  # of an Arrow stream that broke off, without a code
        if "invalid byte sequence" in str(error):
            raise _not_utf8(table, error) from error
        raise psycopg.OperationalError(str(error)) from error


def _not_utf8(table: SourceTable, error: Exception) -> UnrepresentableError:
    texts = (column.name for column in table.columns if arrow_type(column) == pa.string())
    said = str(error).splitlines()[0]
    return UnrepresentableError(" or ".join(texts), f"text that is not UTF-8 ({said})")


def select(chosen: Sequence[sql.Composable], table: SourceTable, pages: Pages) -> sql.Composed:
    conditions = [sql.SQL("ctid >= {}").format(sql.Literal(f"({pages.first},0)"))]
    if pages.end is not None:
        conditions.append(sql.SQL("ctid < {}").format(sql.Literal(f"({pages.end},0)")))
    return sql.SQL("SELECT {} FROM ONLY {} WHERE {}").format(
        sql.SQL(", ").join(chosen),
        sql.Identifier(SCHEMA, table.name),
        sql.SQL(" AND ").join(conditions),
    )
