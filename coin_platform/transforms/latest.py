"""The latest version of each row in a change log."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as fn

if TYPE_CHECKING:
    import pyarrow as pa


COMMIT_LENGTH = len("2026-11-22 13:00:00.000000")
FEW = 200_000  # keys: about 20 MB on their way to the driver and back


def change_order() -> Column:
    """A text that sorts a key's changes as they happened; rows of a full load come first."""
    return fn.concat(fn.col("commit_timestamp"), fn.coalesce(fn.col("change_seq"), fn.lit("")))


def latest(rows: DataFrame, key: Sequence[str], load_started: str | None = None) -> DataFrame:
    """The newest row of each key, without the keys whose newest row is a delete.

    `rows` are raw rows in any order, with any of them repeated. Those committed before
    `load_started`, the timestamp of the last full load, are superseded by that load and ignored.

    Nothing wide is sorted or shuffled: keys are counted first, and rows whose key occurs once pass
    as they come. This is why the function runs a query of its own.
    """
    if load_started is not None:
        rows = rows.filter(fn.col("commit_timestamp") >= load_started)
    repeated = (
        rows.select(*key, change_order().alias("_newest"))
        .groupBy(*key)
        .agg(fn.count("*").alias("_rows"), fn.max("_newest").alias("_newest"))
        .filter("_rows > 1")
        .drop("_rows")
    )
    found = repeated.limit(FEW + 1).toArrow()
    if found.num_rows:
        holding = rows
        if found.num_rows <= FEW:
            # Few are told to the engine as they are, so that it need not find them twice more, and
            # when their newest changes were made, which leaves out most of a full load.
            repeated = rows.sparkSession.createDataFrame(found)
            holding = rows.filter(made_between(found["_newest"]))
        newest = (
            holding.withColumn("_newest", change_order())
            .join(repeated, [*key, "_newest"], "left_semi")
            .drop("_newest")
        )
        once = rows.join(repeated, list(key), "left_anti")
        rows = once.unionByName(one_of_each(newest, key))
    return rows.filter(fn.col("Op") != "D")


def made_between(changes: "pa.ChunkedArray") -> Column:
    """Whether a row was committed in the time in which these changes were."""
    import pyarrow.compute as pc

    commits = pc.min_max(pc.utf8_slice_codeunits(changes, 0, COMMIT_LENGTH)).as_py()
    return fn.col("commit_timestamp").between(commits["min"], commits["max"])


def one_of_each(rows: DataFrame, key: Sequence[str]) -> DataFrame:
    """One row of each key, the same one whatever order the rows are in."""
    others = [fn.col(f"`{name}`") for name in rows.columns if name not in key]
    ranked = rows.withColumn("_n", fn.row_number().over(Window.partitionBy(*key).orderBy(*others)))
    return ranked.filter("_n = 1").drop("_n")
