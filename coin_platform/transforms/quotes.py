"""processed/coin_quotes: what each coin was worth as each hour closed."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as fn

from coin_platform.contracts import processed, raw
from coin_platform.contracts.model import Table, Type
from coin_platform.transforms.latest import latest
from coin_platform.transforms.rules import all_broken, judge

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
    """Judged rows in the columns of processed/coin_quotes, and those that the contract evolves."""
    table = processed.COIN_QUOTES
    beyond = [
        name
        for name in judged.columns
        if name not in raw.COIN_QUOTES.column_names and not name.startswith("_")
    ]
    return judged.withColumn("warnings", all_broken()).select(
        *(never_null(table, name) for name in table.column_names), *beyond
    )


def never_null(table: Table, name: str) -> Column:
    """The column, with a placeholder for null where the table allows none.

    Sail checks NOT NULL on rows that a filter drops afterwards: deletes, which carry only their
    key, and rows that are quarantined.
    """
    column = table.column(name)
    if column.nullable:
        return fn.col(name)
    return fn.coalesce(fn.col(name), fn.expr(PLACEHOLDERS[column.type])).alias(name)
