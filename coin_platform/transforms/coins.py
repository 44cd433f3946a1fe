"""processed/coins: the history of each coin's attributes, SCD type 2, from the change log.

A version holds from its row's `snapshot_hour`, which is business time, until the next version or
until the coin was deleted. Changes of one coin and hour collapse to the last of them. A delete
closes the history at its commit time, unless the coin came back with an hour no later than that.
Consecutive versions are kept even if equal: to drop one would make the result depend on what was
known when.
"""

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as fn

from coin_platform.contracts import processed
from coin_platform.contracts.database import COIN_ATTRIBUTES
from coin_platform.transforms.latest import change_order
from coin_platform.transforms.rules import all_broken, is_wrong, judge

VALUES = (*(column.name for column in COIN_ATTRIBUTES), "source", "warnings")
VERSION = ("coin_id", "valid_from")
ROW_VERSION = ("coin_id", "snapshot_hour", "loaded_at")

# What is read comes in this order: a full load older than what is known, what is known, changes.
OLD_LOAD, KNOWN, CHANGE = "0", "1", "2"
AFTER_ALL = "~"  # sorts after every change


def history(known: DataFrame, rows: DataFrame, load_started: str | None = None, *,
            load_is_new: bool = True) -> DataFrame:  # fmt: skip
    """The versions of the coins that `rows` touch, in contract columns.

    `known` are the table's versions so far; `rows` are raw rows: all changes made since some time,
    and the full load that started at `load_started`, with `warnings` of those that break a rule
    and `is_wrong` of those that may make no version. The result, merged into `known`, does not
    depend on the order or repetition of rows or of calls, once a call covered everything.

    `load_is_new` says that `rows` hold every change since that load began. Otherwise changes that
    are known but not among `rows` may be newer than the load, and it adds only what is not known.
    """
    rows = rows.withColumn("_at", change_order())
    loaded = loaded_at_start(rows).filter("NOT is_wrong")
    changed = rows.filter("change_seq IS NOT NULL AND Op <> 'D' AND NOT is_wrong")
    deleted = rows.filter("Op = 'D'").select(
        "coin_id",
        fn.concat(fn.lit(CHANGE), "_at").alias("at"),
        fn.col("commit_timestamp").cast("timestamp").alias("instant"),
    )
    changes = as_versions(changed, CHANGE)
    if load_is_new:
        changes = changes.unionByName(as_versions(loaded, CHANGE))
    else:
        news = as_versions(loaded, OLD_LOAD).join(known, list(VERSION), "left_anti")
        changes = changes.unionByName(news)
    if load_is_new and load_started is not None:
        seen = known.filter("is_current").select("coin_id").union(rows.select("coin_id"))
        deleted = deleted.unionByName(absent(seen, rows, load_started))

    touched = changes.select("coin_id").union(deleted.select("coin_id")).distinct()
    known = known.join(touched, ["coin_id"], "left_semi")
    kept = known.join(changes, list(VERSION), "left_anti")
    kept = kept.select(*VERSION, *VALUES, fn.lit(KNOWN).alias("at"))
    ends = effective(deleted.unionByName(known_ends(known)), changes.unionByName(kept))
    return close(last_of_each(changes).unionByName(kept), ends)


def judged(rows: DataFrame) -> DataFrame:
    """Raw rows with `warnings` and `is_wrong`, by the rules of coins."""
    is_row = fn.col("Op") != "D"  # a delete carries no attributes to judge
    return judge(rows, processed.COINS.rules).withColumns(
        {"is_wrong": is_row & is_wrong(), "warnings": fn.when(is_row, all_broken())}
    )


def as_versions(rows: DataFrame, rank: str) -> DataFrame:
    return rows.select(
        "coin_id",
        fn.col("snapshot_hour").alias("valid_from"),
        *VALUES,
        fn.concat(fn.lit(rank), "_at").alias("at"),
    )


def last_of_each(changes: DataFrame) -> DataFrame:
    """The last change of each coin and hour; equal ones of at-least-once delivery are one."""
    newest_first = Window.partitionBy(*VERSION).orderBy(fn.col("at").desc(), *VALUES)
    ranked = changes.withColumn("_n", fn.row_number().over(newest_first))
    return ranked.filter("_n = 1").drop("_n")


def loaded_at_start(rows: DataFrame) -> DataFrame:
    """The rows of a full load that were there when it started, in any case.

    A load reads its rows later than it starts. One that a captured change brought as well may have
    been read after that change, which tells it better.
    """
    brought = fn.max("change_seq").over(Window.partitionBy(*ROW_VERSION))
    return rows.withColumn("_brought", brought).filter("_brought IS NULL AND Op <> 'D'")


def absent(seen: DataFrame, rows: DataFrame, load_started: str) -> DataFrame:
    """Deletes, at the start of a full load, of the coins seen that were not there any more.

    Of coins that changed since, the first change tells whether they were there; of others the load.
    """
    captured = fn.col("change_seq").isNotNull()
    first = fn.min_by(
        fn.when(captured, fn.col("Op")).otherwise("loaded"),
        fn.when(captured, fn.col("_at")).otherwise(AFTER_ALL),
    )
    there = (
        rows.filter(~captured | (fn.col("commit_timestamp") >= load_started))
        .groupBy("coin_id")
        .agg(first.alias("_first"))
        .filter("_first <> 'I'")
    )
    return (
        seen.distinct()
        .join(there, ["coin_id"], "left_anti")
        .select(
            "coin_id",
            fn.lit(CHANGE + load_started).alias("at"),
            fn.lit(load_started).cast("timestamp").alias("instant"),
        )
    )


def known_ends(known: DataFrame) -> DataFrame:
    """Deletes that what is known remembers: versions that end before the next one begins."""
    following = fn.lead("valid_from").over(Window.partitionBy("coin_id").orderBy("valid_from"))
    return (
        known.withColumn("_next", following)
        .filter("valid_to IS NOT NULL AND (_next IS NULL OR valid_to < _next)")
        .select("coin_id", fn.lit(KNOWN).alias("at"), fn.col("valid_to").alias("instant"))
    )


def effective(deleted: DataFrame, versions: DataFrame) -> DataFrame:
    """The instants at which each coin really ended: `coin_id`, `instant`.

    A delete is not earlier than the hours of the rows before it, whatever the clocks said, and is
    void when a later row has an hour that is not after it.
    """
    deleted = deleted.distinct()
    hours = versions.select(*VERSION, "at")
    before = fn.max(fn.when(fn.col("d.at") > fn.col("h.at"), fn.col("h.valid_from")))
    after = fn.min(fn.when(fn.col("d.at") < fn.col("h.at"), fn.col("h.valid_from")))
    return (
        deleted.alias("d")
        .join(hours.alias("h"), fn.col("d.coin_id") == fn.col("h.coin_id"))
        .groupBy(fn.col("d.coin_id").alias("coin_id"), fn.col("d.at"), fn.col("d.instant"))
        .agg(before.alias("_before"), after.alias("_after"))
        .select("coin_id", fn.greatest("instant", "_before").alias("instant"), "_after")
        .filter("_after IS NULL OR _after > instant")
        .select("coin_id", "instant")
    )


def close(versions: DataFrame, ends: DataFrame) -> DataFrame:
    """The versions with the end of each: where the next begins or the coin was deleted."""

    def of(side: str, name: str) -> Column:
        return fn.col(f"{side}.{name}")

    first_ends = (
        versions.alias("v")
        .join(
            ends.alias("e"),
            (of("v", "coin_id") == of("e", "coin_id"))
            & (of("e", "instant") >= of("v", "valid_from")),
        )
        .groupBy(of("v", "coin_id").alias("coin_id"), of("v", "valid_from").alias("valid_from"))
        .agg(fn.min(of("e", "instant")).alias("_end"))
    )
    following = fn.lead("valid_from").over(Window.partitionBy("coin_id").orderBy("valid_from"))
    return (
        versions.withColumn("_next", following)
        .join(first_ends, list(VERSION), "left")
        .withColumn("valid_to", fn.least("_next", "_end"))
        .withColumn("is_current", fn.col("valid_to").isNull())
        .select(*processed.COINS.column_names)
    )
