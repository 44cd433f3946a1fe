"""What checks judge: counts against the contract, by partition, and how neighbours agree.

One aggregation over the window's rows gives rows, distinct keys, and for each condition of
`contracts/measures.py` the rows that break it. Verdicts are passed elsewhere.
"""

from collections import defaultdict
from collections.abc import Callable
from functools import reduce
from typing import Any

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as fn

from coin_platform.contracts import curated, processed, raw
from coin_platform.contracts.measures import Measured, conditions
from coin_platform.contracts.model import Table
from coin_platform.errors import PermanentError
from coin_platform.partitions import Window
from coin_platform.resources.lake import Lake
from coin_platform.transforms.numbers import is_finite
from coin_platform.transforms.partition import (
    day_of,
    label_of,
    labels,
    of_window,
    partition_of,
    time_of,
)
from coin_platform.transforms.publishing import checked_quotes

TABLES = {table.id: table for table in (*raw.TABLES, *processed.TABLES, *curated.TABLES)}

PARTITION = "_partition"
EXPECTED_SIDE, TABLE_SIDE = 1, 2


def measure(spark: SparkSession, lake: Lake, name: str, window: Window) -> dict[str, Measured]:
    """The measurements of the window's partitions, by `2026-11-22T13:00:00Z` or `2026-11-22`.

    A table that is not on the grid (processed/coins) is measured whole, under the empty text.
    Facts are `first` and `last`, the times of the outermost rows, `newest`, the newest
    `last_updated` where there is one, and, where the layer below says which keys the table must
    have, `missing_keys`, `unexpected_keys` and `different_rows`.
    """
    table = table_named(name)
    rows = rows_of(spark, lake, table, window)
    on_the_grid = table.time_column is not None
    if on_the_grid:
        rows = of_window(rows, table, window)
    rows = rows.withColumn(PARTITION, partition_of(table) if on_the_grid else fn.lit(""))
    broken = conditions(table)
    facts = {"first": fn.min(time_of(table)), "last": fn.max(time_of(table))}
    if "last_updated" in table.column_names:
        facts["newest"] = fn.max("last_updated")
    counts = rows.groupBy(PARTITION).agg(
        fn.count("*").alias("rows"),
        *(
            fn.count(fn.when(fn.expr(condition), 1)).alias(f"broken.{name}")
            for name, condition in broken.items()
        ),
        *(value.alias(f"facts.{name}") for name, value in facts.items()),
    )
    # Distinct keys are counted on their own: Sail's count(DISTINCT …) asks for 100 GB.
    keys = (
        rows.select(PARTITION, *table.key)
        .distinct()
        .groupBy(PARTITION)
        .agg(fn.count("*").alias("keys"))
    )
    by_partition: dict[str, dict[str, Any]] = defaultdict(dict)
    for found in (*counts.toArrow().to_pylist(), *keys.toArrow().to_pylist()):
        time = found.pop(PARTITION)
        by_partition[label_of(table, time) if on_the_grid else time] |= found
    compared = compare(spark, lake, table, rows, window)
    return {
        partition: measured(by_partition[partition], compared.get(partition, {}))
        for partition in (labels(table, window) if on_the_grid else [""])
    }


def versions_read(lake: Lake, name: str) -> dict[str, int | None]:
    """The versions of the tables that measuring one reads: while they stay, so does the result."""
    table = table_named(name)
    below = (processed.COIN_QUOTES, processed.LEDGER) if name in EXPECTED else ()
    return {read.id: lake.version(read) for read in dict.fromkeys((table, *below))}


def table_named(name: str) -> Table:
    """The table; `PermanentError` that lists them for one that is not there."""
    table = TABLES.get(name)
    if table is None:
        message = f"no table {name!r} to measure; there are {', '.join(sorted(TABLES))}"
        raise PermanentError(message)
    return table


def measured(found: dict[str, Any], compared: dict[str, Any]) -> Measured:
    def of(kind: str) -> dict[str, Any]:
        prefix = f"{kind}."
        return {
            name.removeprefix(prefix): value
            for name, value in found.items()
            if name.startswith(prefix)
        }

    broken = {name: rows for name, rows in of("broken").items() if rows}
    return Measured(found.get("rows", 0), found.get("keys", 0), broken, {**of("facts"), **compared})


def rows_of(spark: SparkSession, lake: Lake, table: Table, window: Window) -> DataFrame:
    if table.layer != "raw":
        return lake.read(spark, table)
    return lake.read_raw(spark, table, lake.raw_files(table, since=window.start))


Expectation = Callable[[SparkSession, Lake, Window], DataFrame]


def priced_days(spark: SparkSession, lake: Lake, window: Window) -> DataFrame:
    """Days on which a coin has a usable price, the hours behind them and the last price."""
    priced = checked_quotes(spark, lake, window).filter(is_finite(fn.col("price")))
    return (
        priced.withColumn("day", day_of("snapshot_hour"))
        .groupBy("day", "coin_id", "currency")
        .agg(
            fn.count("*").cast("int").alias("hours"),
            fn.max(fn.struct("snapshot_hour", "price")).getField("price").alias("close"),
        )
    )


def quoted_hours(spark: SparkSession, lake: Lake, window: Window) -> DataFrame:
    """Hours that have any quote, and how many."""
    quotes = checked_quotes(spark, lake, window)
    return quotes.groupBy("snapshot_hour", "currency").agg(fn.count("*").cast("int").alias("coins"))


EXPECTED: dict[str, Expectation] = {
    curated.DAILY_COIN_PRICES.id: priced_days,
    curated.MARKET_OVERVIEW.id: quoted_hours,
}


def compare(
    spark: SparkSession, lake: Lake, table: Table, rows: DataFrame, window: Window
) -> dict[str, dict[str, int]]:
    """By partition, keys the layer below asks for that the table lacks, and keys it has beyond.

    Of keys that both have, those whose values differ from the layer's below.
    """
    expectation = EXPECTED.get(table.id)
    if expectation is None:
        return {}
    key = list(table.key)
    expected = expectation(spark, lake, window)
    values = [name for name in expected.columns if name not in key]
    sides = expected.withColumn("_side", fn.lit(EXPECTED_SIDE)).unionByName(
        rows.select(*expected.columns).withColumn("_side", fn.lit(TABLE_SIDE))
    )

    def of(side: int, value: str) -> Column:
        return fn.max(fn.when(fn.col("_side") == side, fn.col(value)))

    equal = [of(EXPECTED_SIDE, value).eqNullSafe(of(TABLE_SIDE, value)) for value in values]
    both = EXPECTED_SIDE + TABLE_SIDE
    found = (
        sides.groupBy(*key)
        .agg(
            fn.sum("_side").alias("_side"),
            reduce(lambda left, right: left & right, equal).alias("_equal"),
        )
        .groupBy(partition_of(table).alias(PARTITION))
        .agg(
            fn.count(fn.when(fn.col("_side") == EXPECTED_SIDE, 1)).alias("missing_keys"),
            fn.count(fn.when(fn.col("_side") == TABLE_SIDE, 1)).alias("unexpected_keys"),
            fn.count(fn.when((fn.col("_side") == both) & ~fn.col("_equal"), 1)).alias(
                "different_rows"
            ),
        )
    )
    nothing = {"missing_keys": 0, "unexpected_keys": 0, "different_rows": 0}
    differing = {label_of(table, row.pop(PARTITION)): row for row in found.toArrow().to_pylist()}
    return {partition: differing.get(partition, nothing) for partition in labels(table, window)}
