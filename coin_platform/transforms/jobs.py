"""The jobs that engines run by name: read what is needed, apply a pure function, write the slice.

A job reads only the files and hours that its window can depend on, and writes in one commit, so
that it is done or not done. Again, it leaves the same rows.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as fn

from coin_platform.contracts import curated, processed, raw
from coin_platform.contracts.model import Table
from coin_platform.errors import PermanentError
from coin_platform.partitions import Window
from coin_platform.resources.engine.interface import Outcome
from coin_platform.resources.lake import Lake, RawFile
from coin_platform.transforms import coins, quotes
from coin_platform.transforms import curated as curate
from coin_platform.transforms.partition import label, labels, of_window

Job = Callable[[SparkSession, Lake, Window], Outcome]


def coin_quotes(spark: SparkSession, lake: Lake, window: Window) -> Outcome:
    """Replace the window's quotes with the latest versions in raw."""
    table = processed.COIN_QUOTES
    with lake.writing(table):  # a run that listed files earlier must not write later
        files = raw_files(lake, raw.COIN_QUOTES, window)
        rows = of_window(lake.read_raw(spark, raw.COIN_QUOTES, files), raw.COIN_QUOTES, window)
        frame = quotes.coin_quotes(rows, lake.load_started(raw.COIN_QUOTES, files))
        lake.replace(table, frame, window)
    return outcome(spark, lake, table, window, files)


def coin_history(spark: SparkSession, lake: Lake, window: Window) -> Outcome:
    """Merge the changes that raw holds since the window's start into the coins' history."""
    table = processed.COINS
    with lake.writing(table):
        files = raw_files(lake, raw.COINS, window)
        started = lake.load_started(raw.COINS, files)
        load_is_new = started is not None and instant(started) >= window.start
        lake.ensure(table)
        known = lake.read(spark, table)
        if files:
            rows = lake.read_raw(spark, raw.COINS, files)
            versions = coins.history(known, rows, started, load_is_new=load_is_new)
            news = versions.exceptAll(known)
            if not news.isEmpty():
                lake.merge(spark, table, news)
    return outcome(spark, lake, table, window, files)


def daily_coin_prices(spark: SparkSession, lake: Lake, window: Window) -> Outcome:
    read = Window(window.start - curate.BEFORE, window.end)
    frame = curate.daily_coin_prices(
        lake.read(spark, processed.COIN_QUOTES, read),
        lake.read(spark, processed.COINS),
        fn.col("day") >= fn.lit(window.days[0]),
    )
    return replaced(spark, lake, curated.DAILY_COIN_PRICES, frame, window)


def market_overview(spark: SparkSession, lake: Lake, window: Window) -> Outcome:
    frame = curate.market_overview(lake.read(spark, processed.COIN_QUOTES, window))
    return replaced(spark, lake, curated.MARKET_OVERVIEW, frame, window)


def daily_top_movers(spark: SparkSession, lake: Lake, window: Window) -> Outcome:
    frame = curate.daily_top_movers(lake.read(spark, curated.DAILY_COIN_PRICES, window))
    return replaced(spark, lake, curated.DAILY_TOP_MOVERS, frame, window)


def top_prices(spark: SparkSession, lake: Lake, window: Window) -> Outcome:
    frame = curate.top_prices(lake.read(spark, curated.DAILY_COIN_PRICES, window))
    return replaced(spark, lake, curated.TOP_PRICES, frame, window)


def top_circulating_supply(spark: SparkSession, lake: Lake, window: Window) -> Outcome:
    frame = curate.top_circulating_supply(
        lake.read(spark, processed.COIN_QUOTES, window), lake.read(spark, processed.COINS)
    )
    return replaced(spark, lake, curated.TOP_CIRCULATING_SUPPLY, frame, window)


JOBS: dict[str, Job] = {
    processed.COIN_QUOTES.id: coin_quotes,
    processed.COINS.id: coin_history,
    curated.DAILY_COIN_PRICES.id: daily_coin_prices,
    curated.MARKET_OVERVIEW.id: market_overview,
    curated.DAILY_TOP_MOVERS.id: daily_top_movers,
    curated.TOP_CIRCULATING_SUPPLY.id: top_circulating_supply,
    curated.TOP_PRICES.id: top_prices,
}


def raw_files(lake: Lake, table: Table, window: Window) -> list[RawFile]:
    """The files that can hold what the window depends on.

    Raises `PermanentError` when raw holds nothing of the table at all.
    """
    files = lake.raw_files(table, since=window.start)
    if not files and not lake.raw_files(table):
        message = f"{lake.uri(table)} holds no files: materialize {table.id} for {window} first"
        raise PermanentError(message)
    return files


def instant(commit_timestamp: str) -> datetime:
    return datetime.fromisoformat(commit_timestamp).replace(tzinfo=UTC)


def replaced(
    spark: SparkSession, lake: Lake, table: Table, frame: DataFrame, window: Window
) -> Outcome:
    lake.replace(table, frame, window)
    return outcome(spark, lake, table, window)


def outcome(
    spark: SparkSession, lake: Lake, table: Table, window: Window, files: Sequence[RawFile] = ()
) -> Outcome:
    """Rows by partition as they now are in the table, and what an operator wants to know."""
    rows = of_window(lake.read(spark, table), table, window)
    counted = rows.groupBy(label(table).alias("partition")).agg(
        fn.count("*").alias("rows"), fn.max("source").alias("source")
    )
    found = {row["partition"]: row for row in counted.toArrow().to_pylist()}
    facts: dict[str, Any] = {
        "sources": ", ".join(sorted({row["source"] for row in found.values()}))
    }
    if files:
        facts |= {"files_read": len(files), "last_file_read": files[-1].name}
    detail = lake.detail(table)
    if detail is not None:
        facts |= {
            "table_version": detail.version,
            "table_files": detail.files,
            "table_bytes": detail.bytes,
            "table_rows": detail.rows,
        }
    counts = {
        partition: found[partition]["rows"] if partition in found else 0
        for partition in labels(table, window)
    }
    return Outcome(counts, facts)
