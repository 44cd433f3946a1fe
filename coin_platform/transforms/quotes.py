"""processed/coin_quotes: what each coin was worth as each hour closed."""

from pyspark.sql import DataFrame

from coin_platform.contracts import processed
from coin_platform.transforms.latest import latest


def coin_quotes(rows: DataFrame, load_started: str | None = None) -> DataFrame:
    """The latest version of each quote among raw rows, deletes applied, in contract columns."""
    table = processed.COIN_QUOTES
    return latest(rows, table.key, load_started).select(*table.column_names)
