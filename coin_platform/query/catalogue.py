"""What there is to ask: the served tables with their columns, in the contracts' words."""

from collections.abc import Iterator
from dataclasses import dataclass
from textwrap import wrap

from coin_platform.contracts.dictionary import meaning
from coin_platform.contracts.model import Table, Type
from coin_platform.query.session import answer
from coin_platform.resources.lake.served import TABLES, ServedLake, sql_name

SQL_TYPES = {
    Type.INTEGER: "integer",
    Type.BIGINT: "bigint",
    Type.DOUBLE: "double",
    Type.TEXT: "varchar",
    Type.BOOLEAN: "boolean",
    Type.TIMESTAMP: "timestamptz",
    Type.DATE: "date",
}
WIDTH = 100
VOCABULARY = """
SELECT keyword_name AS word, keyword_category = 'reserved' AS reserved FROM duckdb_keywords()
UNION ALL
SELECT DISTINCT function_name, NULL FROM duckdb_functions()
WHERE regexp_matches(function_name, '^[a-z]\\w+$')
ORDER BY word
"""


@dataclass(frozen=True)
class Vocabulary:
    """The words of DuckDB's SQL, ascending: those that mean nothing else first."""

    keywords: list[str]
    functions: list[str]


def overview(lake: ServedLake) -> Iterator[str]:
    """Each table's name, rows and meaning."""
    width = max(len(sql_name(table)) for table in TABLES)
    for table in TABLES:
        start = f"{sql_name(table):{width}}  {held(lake, table):>15}  "
        text = table.description
        yield from wrap(text, WIDTH, initial_indent=start, subsequent_indent=" " * len(start))


def held(lake: ServedLake, table: Table) -> str:
    """How many rows the table has, or that there is none yet."""
    detail = lake.detail(table)
    return f"{detail.rows:,} rows" if detail else "not there yet"


def description(lake: ServedLake, table: Table) -> Iterator[str]:
    """A table's rows, meaning and key, and its columns with types, units and meanings."""
    yield f"{sql_name(table)} ({held(lake, table)})"
    yield from wrap(table.description, WIDTH, initial_indent="  ", subsequent_indent="  ")
    yield f"  key: {', '.join(table.key)}"
    width = max(map(len, table.column_names))
    for column in table.columns:
        kind = SQL_TYPES[column.type] + ("" if column.nullable else " not null")
        start = f"    {column.name:{width}}  {kind:20}  "
        text = meaning(column).replace("\\|", "|") + (f" [{column.unit}]" if column.unit else "")
        yield from wrap(text, WIDTH, initial_indent=start, subsequent_indent=" " * len(start))


def vocabulary(lake: ServedLake) -> Vocabulary:
    """DuckDB's own keywords and functions."""
    with answer(lake, VOCABULARY) as found:
        rows = [row for batch in found for row in batch.to_pylist()]
    keywords = [row for row in rows if row["reserved"] is not None]
    keywords.sort(key=lambda row: not row["reserved"])
    return Vocabulary(
        [row["word"] for row in keywords],
        [row["word"] for row in rows if row["reserved"] is None],
    )
