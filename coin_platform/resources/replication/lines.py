"""A table's rows for the full load as lines of CSV, which PostgreSQL itself writes.

They are passed on as they come. Only what PostgreSQL writes otherwise than raw needs is taken apart
and written anew, as the change log's values are (`columns.py`).
"""

import io
from collections.abc import Generator

import psycopg
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
from psycopg import sql

from coin_platform.resources.replication.catalog import SourceTable
from coin_platform.resources.replication.columns import (
    BOOLEAN,
    BYTEA,
    NATIVE,
    NUMERIC,
    TEXT,
    TIMESTAMP,
    TIMESTAMPTZ,
    arrow_type,
    csv_texts,
)
from coin_platform.resources.replication.files import Lines
from coin_platform.resources.replication.layout import CSV_NULL
from coin_platform.resources.replication.reading import PRINTED, Pages, Source, select, understood
from coin_platform.resources.replication.source_column import SourceColumn

# Of lines that are passed on together. Each is an object that Python's collector looks at, and more
# of them than it lets pass cost more than to receive them.
LINES_BYTES = 1 << 16

# As `csv_texts` writes an instant; `to_char` takes twice as long as the output of a whole second.
# What `csv_texts` would refuse gets a quotation mark in front, so that `exactly` meets it, and
# refuses it too.
INSTANT_TEXT = (
    "CASE WHEN {{0}} BETWEEN '0001-01-01 00:00:00+00' AND '9999-12-31 23:59:59.999999+00' THEN "
    "CASE WHEN {{0}} = {{0}}::{0}(0) THEN {{0}}::timestamp::text || '.000000' "
    "ELSE to_char({{0}}, 'YYYY-MM-DD HH24:MI:SS.US') END ELSE '\"' || {{0}} END"
)
CSV_TEXTS = {
    BOOLEAN: "{0}::text",
    BYTEA: "encode({0}, 'hex')",
    TIMESTAMP: INSTANT_TEXT.format("timestamp"),
    TIMESTAMPTZ: INSTANT_TEXT.format("timestamptz"),
}


def lines(source: Source, table: SourceTable, pages: Pages, commit: str) -> Generator[Lines]:
    """The rows as lines of a CSV file. Raises as `reading.tables` does."""
    chosen = [
        sql.Literal("I"),
        sql.Literal(commit),
        *(
            sql.SQL(CSV_TEXTS.get(column.type_id, "{0}")).format(sql.Identifier(column.name))
            for column in table.columns
        ),
        _told_of(table.columns),
    ]
    copying = sql.SQL("COPY ({}) TO STDOUT (FORMAT csv, NULL {})").format(
        select(chosen, table, pages), sql.Literal(CSV_NULL)
    )
    with (
        understood(table),
        psycopg.connect(**source.arguments) as connection,
        connection.cursor() as cursor,
    ):
        for statement in source.session():
            cursor.execute(statement)
        gathered, rows = bytearray(), 0
        with cursor.copy(copying) as stream:
            for line in stream:
                gathered += line
                rows += 1
                if len(gathered) >= LINES_BYTES:
                    yield Lines(exactly(gathered, table.columns), rows)
                    gathered, rows = bytearray(), 0
    if rows:
        yield Lines(exactly(gathered, table.columns), rows)


def _told_of(columns: list[SourceColumn]) -> sql.Composable:
    """The last column, which is null: a quotation mark where a text before it is empty."""
    empty = [
        sql.SQL(f"{'{0}' if column.type_id in NATIVE else PRINTED} = ''").format(
            sql.Identifier(column.name)
        )
        for column in columns
        if column.type_id != NUMERIC and arrow_type(column) in (pa.string(), pa.binary())
    ]
    if not empty:
        return sql.NULL
    return sql.SQL("CASE WHEN {} THEN '\"' END").format(sql.SQL(" OR ").join(empty))


def exactly(printed: bytes | bytearray, columns: list[SourceColumn]) -> bytes | bytearray:
    """The lines as `csv_texts` would write them.

    PostgreSQL's differ in two ways: an empty text has no quotation marks, of which the last column
    tells, and a text that equals the null marker has them. Lines without a trace of either, or of
    an instant that cannot be written, are right as they are; others are taken apart and written
    anew.
    """
    traces = (b',"""', b'"%s"' % CSV_NULL.encode())
    # Looked for in this order because a single byte is found twenty times faster.
    if b'"' not in printed or not any(trace in printed for trace in traces):
        return printed
    instants = (TIMESTAMP, TIMESTAMPTZ)
    kinds = [
        SourceColumn(column.name, TIMESTAMP if column.type_id in instants else TEXT, -1)
        for column in (SourceColumn("", TEXT, -1), SourceColumn("", TEXT, -1), *columns)
    ]
    texts = parse(printed, len(kinds) + 1)
    fields = [csv_texts(text, kind, CSV_NULL) for text, kind in zip(texts, kinds, strict=False)]
    rows = pc.binary_join_element_wise(*fields, CSV_NULL, ",")
    return "".join(f"{row}\n" for row in rows.to_pylist()).encode()


def parse(printed: bytes | bytearray, count: int) -> list[pa.Array]:
    """Lines of PostgreSQL's CSV as string arrays: the bare null marker, and only that, is null."""
    names = [str(n) for n in range(count)]
    table = pacsv.read_csv(
        io.BytesIO(printed),
        pacsv.ReadOptions(column_names=names, block_size=len(printed) + 1, use_threads=False),
        pacsv.ParseOptions(newlines_in_values=True, ignore_empty_lines=False),
        pacsv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()),
            null_values=[CSV_NULL],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        ),
    )
    return [column.combine_chunks() for column in table.columns]
