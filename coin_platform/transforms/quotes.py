"""processed/coin_quotes: what each coin was worth as each hour closed."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as fn

from coin_platform.contracts import processed, raw
from coin_platform.contracts.model import Table, Type
from coin_platform.transforms.latest import latest
from coin_platform.transforms.rules import JUDGEMENT, all_broken, judge

PLACEHOLDERS = {
    Type.TEXT: "''",
    Type.BIGINT: "0",
    Type.TIMESTAMP: "TIMESTAMP '1970-01-01 00:00:00'",
}


def current(rows: DataFrame, load_started: str | None = None) -> DataFrame:
    """The latest version of each quote among raw rows, deletes applied, judged by the rules."""
    table = processed.COIN_QUOTES
    return judge(latest(rows, table.key, load_started), table.rules)


def written(judged: DataFrame) -> DataFrame:
    """Judged rows in the columns of processed/coin_quotes, and those that came along beyond raw's.

    Columns are taken away by name rather than chosen: an engine takes a while to say what a frame
    of this size has.
    """
    table = processed.COIN_QUOTES
    required = [column.name for column in table.columns if not column.nullable]
    only_in_raw = set(raw.COIN_QUOTES.column_names) - set(table.column_names)
    return judged.withColumns(
        {"warnings": all_broken()} | {name: never_null(table, name) for name in required}
    ).drop(*sorted(only_in_raw), *JUDGEMENT)


def never_null(table: Table, name: str) -> Column:
    """The column of a table that allows no null in it, with a placeholder for null.

    Sail checks NOT NULL on rows that a filter drops afterwards: deletes, which carry only their
    key, and rows that are quarantined.
    """
    return fn.coalesce(fn.col(name), fn.expr(PLACEHOLDERS[table.column(name).type]))
