"""The latest version of each row in a change log."""

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as fn


def change_order() -> Column:
    """A text that sorts a key's changes as they happened; rows of a full load come first."""
    return fn.concat(fn.col("commit_timestamp"), fn.coalesce(fn.col("change_seq"), fn.lit("")))


def latest(rows: DataFrame, key: Sequence[str], load_started: str | None = None) -> DataFrame:
    """The newest row of each key, without the keys whose newest row is a delete.

    `rows` are raw rows in any order, with any of them repeated. Those committed before
    `load_started`, the timestamp of the last full load, are superseded by that load and ignored.

    Nothing wide is sorted: keys are counted first, and only if one occurs twice are rows joined
    with the newest change of their key. This is why the function runs a query of its own.
    """
    if load_started is not None:
        rows = rows.filter(fn.col("commit_timestamp") >= load_started)
    changes = rows.select(*key, change_order().alias("_change"))
    if repeats(changes, key):
        newest = changes.groupBy(*key).agg(fn.max("_change").alias("_change"))
        rows = rows.withColumn("_change", change_order())
        rows = rows.join(newest, [*key, "_change"], "left_semi").drop("_change")
        if repeats(changes, [*key, "_change"]):
            rows = one_of_each(rows, key)
    return rows.filter(fn.col("Op") != "D")


def repeats(rows: DataFrame, key: Sequence[str]) -> bool:
    """Whether a key occurs twice."""
    return not rows.groupBy(*key).count().filter("count > 1").isEmpty()


def one_of_each(rows: DataFrame, key: Sequence[str]) -> DataFrame:
    """One row of each key, the same one whatever order the rows are in."""
    others = [fn.col(f"`{name}`") for name in rows.columns if name not in key]
    ranked = rows.withColumn("_n", fn.row_number().over(Window.partitionBy(*key).orderBy(*others)))
    return ranked.filter("_n = 1").drop("_n")
