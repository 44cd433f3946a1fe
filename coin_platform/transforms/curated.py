"""The curated tables, from processed quotes, the coins' history and each other.

A day is judged by the hours known of it. "As the day closed" is, for a coin, the last hour with a
usable price, which a price that is null, NaN or infinite is not. Ties go to the smaller coin id.
"""

from datetime import timedelta

from pyspark.sql import Column, DataFrame, GroupedData, Window
from pyspark.sql import functions as fn

from coin_platform.contracts import curated
from coin_platform.transforms.numbers import (
    ascending,
    finite,
    is_finite,
    mean,
    ordered,
    ratio,
    sample_deviation,
    total,
)
from coin_platform.transforms.partition import day_of

PLACES = 10
MOVER_VOLUME = 50_000
RETURNS = 7  # daily returns behind a volatility, and the days read before a window
FEWEST_RETURNS = 3
BEFORE = timedelta(days=RETURNS)
CANDLE = ("day", "coin_id", "currency")  # what a candle is of


def daily_coin_prices(candles: DataFrame, before: DataFrame, coins: DataFrame) -> DataFrame:
    """Candles, of `candles_of`, with what they are beside others. They are used more than once.

    `before` are the closes of the seven days before them, which volatility looks back on. Dominance
    is the share of the caps known at the day's last hour; null for a coin not priced then.
    """
    closes = before.unionByName(candles.select(*CANDLE, "close"))
    closing = candles.groupBy("day", "currency").agg(fn.max("_closed").alias("_last"))
    known_then = fn.when(fn.col("_closed") == fn.col("_last"), fn.col("market_cap"))
    totals = (
        candles.join(closing, ["day", "currency"])
        .groupBy("day", "currency", "_last")
        .agg(total(ordered(known_then)).alias("_total"))
    )
    return (
        candles.join(volatility(closes), list(CANDLE))
        .join(totals, ["day", "currency"])
        .withColumn("dominance", share(known_then, fn.col("_total")))
        .transform(lambda rows: named(rows, coins))
        .select(*curated.DAILY_COIN_PRICES.column_names)
    )


def candles_of(quotes: DataFrame) -> DataFrame:
    """A row for each day, coin and currency with a usable price; `_closed` is its last hour."""
    hour = "snapshot_hour"
    return by_candle(quotes).agg(
        fn.min_by("price", hour).alias("open"),
        fn.max("price").alias("high"),
        fn.min("price").alias("low"),
        fn.max_by("price", hour).alias("close"),
        fn.max_by(finite(fn.col("market_cap")), hour).alias("market_cap"),
        mean(ordered(fn.col("volume_24h"))).alias("average_volume_24h"),
        fn.count("*").alias("hours"),
        fn.max(hour).alias("_closed"),
        # One simulated hour makes the day simulated.
        fn.max("source").alias("source"),
    )


def closes_of(quotes: DataFrame) -> DataFrame:
    """Of the candles no more than `close`."""
    return by_candle(quotes).agg(fn.max_by("price", "snapshot_hour").alias("close"))


def by_candle(quotes: DataFrame) -> GroupedData:
    priced = quotes.filter(is_finite(fn.col("price")))
    return priced.groupBy(day_of("snapshot_hour").alias("day"), "coin_id", "currency")


def volatility(closes: DataFrame) -> DataFrame:
    """`volatility_7d` of each candle, from log returns between consecutive days."""
    by_day = Window.partitionBy("coin_id", "currency").orderBy("day")
    days_since = fn.date_diff("day", fn.lag("day").over(by_day))
    before, close = fn.lag("close").over(by_day), fn.col("close")
    returns = closes.withColumn(
        "_return",
        # A close of 0 has no logarithm, and over a gap the return is not a day's.
        fn.when((days_since == 1) & (before > 0) & (close > 0), fn.log(close) - fn.log(before)),
    )
    # Each return counts for its own day and the six after it.
    counted = [
        fn.when(
            fn.date_diff("day", fn.lag("day", back).over(by_day)) < RETURNS,
            fn.lag("_return", back).over(by_day),
        )
        for back in range(1, RETURNS)
    ]
    of_week = fn.col("_returns")
    return (
        returns.withColumn("_returns", fn.array("_return", *counted))
        .withColumn("_returns", ascending(of_week))
        .withColumn("_mean", mean(of_week))
        .withColumn("volatility_7d", sample_deviation(of_week, fn.col("_mean"), FEWEST_RETURNS))
        .select(*CANDLE, "volatility_7d")
    )


def share(part: Column, whole: Column) -> Column:
    """Percent; null where the whole is nothing. Divides first, so that it never passes 100."""
    return ratio(part, whole) * 100


def named(rows: DataFrame, coins: DataFrame) -> DataFrame:
    """The rows, which have `day` and `coin_id`, with each coin's name and symbol as the day ended.

    A coin whose history begins later has the first name it is known by.
    """
    by_hour = Window.partitionBy("coin_id").orderBy("valid_from")
    spans = coins.select(
        fn.col("coin_id").alias("_coin"),
        "name",
        "symbol",
        fn.when(fn.lag("valid_from").over(by_hour).isNotNull(), fn.col("valid_from")).alias(
            "_from"
        ),
        fn.lead("valid_from").over(by_hour).alias("_to"),
    )
    end = fn.date_add("day", 1).cast("timestamp")
    held = (fn.col("_from").isNull() | (fn.col("_from") < end)) & (
        fn.col("_to").isNull() | (fn.col("_to") >= end)
    )
    joined = rows.join(spans, (fn.col("coin_id") == fn.col("_coin")) & held, "left")
    return joined.drop("_coin", "_from", "_to")


def market_overview(quotes: DataFrame) -> DataFrame:
    """The whole market for each hour of the quotes. Caps that are not numbers count as none."""
    hour = ("snapshot_hour", "currency")
    totals = quotes.groupBy(*hour).agg(
        total(ordered(fn.col("market_cap"))).alias("total_market_cap"),
        total(ordered(fn.col("volume_24h"))).alias("total_volume_24h"),
        fn.count("*").alias("coins"),
        fn.max("source").alias("source"),
    )
    capped = quotes.filter(is_finite(fn.col("market_cap")))
    leaders = (
        top(capped, hour, fn.col("market_cap").desc(), 2)
        .groupBy(*hour)
        .agg(
            *(
                fn.max(fn.when(fn.col("rank") == place, fn.col(value))).alias(f"{rank}_{value}")
                for place, rank in ((1, "largest"), (2, "second"))
                for value in ("coin_id", "market_cap")
            )
        )
    )
    joined = totals.join(leaders, list(hour), "left")
    for rank in ("largest", "second"):
        part = share(fn.col(f"{rank}_market_cap"), fn.col("total_market_cap"))
        joined = joined.withColumn(f"{rank}_dominance", part)
    return joined.select(*curated.MARKET_OVERVIEW.column_names)


def top(rows: DataFrame, group: tuple[str, ...], order: Column, places: int) -> DataFrame:
    """The first rows of each group, with their `rank`."""
    ranked = Window.partitionBy(*group).orderBy(order, fn.col("coin_id"))
    return rows.withColumn("rank", fn.row_number().over(ranked)).filter(fn.col("rank") <= places)


def daily_top_movers(prices: DataFrame) -> DataFrame:
    """The ten largest rises and falls of each day, from the daily prices."""
    change = (ratio(fn.col("close"), fn.col("open")) - 1) * 100
    moved = (
        prices.filter((fn.col("average_volume_24h") >= MOVER_VOLUME) & (fn.col("open") > 0))
        .withColumn("change", change)
        .filter(is_finite(fn.col("change")) & (fn.col("change") != 0))
        .withColumn("direction", fn.when(fn.col("change") > 0, "up").otherwise("down"))
    )
    ranked = top(moved, ("day", "currency", "direction"), fn.abs("change").desc(), PLACES)
    return ranked.select(*curated.DAILY_TOP_MOVERS.column_names)


def top_prices(prices: DataFrame) -> DataFrame:
    """The ten highest closing prices of each day, from the daily prices."""
    ranked = top(prices, ("day", "currency"), fn.col("close").desc(), PLACES)
    return ranked.withColumn("price", fn.col("close")).select(*curated.TOP_PRICES.column_names)


def top_circulating_supply(quotes: DataFrame, coins: DataFrame) -> DataFrame:
    """The ten largest circulating supplies of each day; 0, which means unknown, is left out."""
    hour = "snapshot_hour"
    closing = (
        quotes.groupBy(day_of(hour).alias("day"), "coin_id", "currency")
        .agg(
            fn.max_by("circulating_supply", hour).alias("circulating_supply"),
            fn.max("source").alias("source"),  # as in candles
        )
        .filter(is_finite(fn.col("circulating_supply")) & (fn.col("circulating_supply") > 0))
    )
    ranked = top(closing, ("day", "currency"), fn.col("circulating_supply").desc(), PLACES)
    return named(ranked, coins).select(*curated.TOP_CIRCULATING_SUPPLY.column_names)
