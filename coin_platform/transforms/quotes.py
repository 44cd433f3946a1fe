"""processed/coin_quotes: what each coin was worth as each hour closed."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as fn

from coin_platform.contracts import processed
from coin_platform.transforms.latest import latest


def coin_quotes(rows: DataFrame, load_started: str | None = None) -> DataFrame:
    """The latest version of each quote among raw rows, deletes applied, in contract columns."""
    table = processed.COIN_QUOTES
    # Sail checks NOT NULL on rows that a filter drops afterwards: a delete, which carries only its
    # key, must not have nulls where the table allows none.
    rows = rows.withColumn(
        "source", fn.when(fn.col("Op") == "D", "deleted").otherwise(fn.col("source"))
    )
    return latest(rows, table.key, load_started).select(*table.column_names)
