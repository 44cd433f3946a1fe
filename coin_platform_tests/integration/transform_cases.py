"""Each transform applied to inputs by name, for engines to be compared with each other."""

from collections.abc import Callable

from pyspark.sql import DataFrame
from pyspark.sql import functions as fn

from coin_platform.transforms import coins, curated, quotes
from coin_platform.transforms.rules import all_broken, is_wrong

Read = Callable[[str], DataFrame]


def daily_coin_prices(read: Read) -> DataFrame:
    quotes, begins = read("processed_quotes"), "2026-03-04T00:00:00Z"
    return curated.daily_coin_prices(
        curated.candles_of(quotes.filter(fn.col("snapshot_hour") >= begins)),
        curated.closes_of(quotes.filter(fn.col("snapshot_hour") < begins)),
        read("processed_coins"),
    )


def kept(rows: DataFrame) -> DataFrame:
    judged = quotes.current(rows, "2026-03-01 00:30:00.000000")
    return quotes.written(judged.filter(~is_wrong()))


def quarantined(rows: DataFrame) -> DataFrame:
    judged = quotes.current(rows, "2026-03-01 00:30:00.000000")
    wrong = judged.filter(is_wrong()).withColumn("rules", all_broken())
    return wrong.select("snapshot_hour", "coin_id", "Op", "rules")


CASES: dict[str, Callable[[Read], DataFrame]] = {
    "quotes": lambda read: kept(read("raw_quotes")),
    "quarantined": lambda read: quarantined(read("raw_quotes")),
    "history": lambda read: coins.history(
        read("processed_coins"), coins.judged(read("raw_coins")), "2026-03-01 02:00:00.000000"
    ),
    "old_load": lambda read: coins.history(
        read("processed_coins"),
        coins.judged(read("raw_coins")),
        "2026-03-01 02:00:00.000000",
        load_is_new=False,
    ),
    "daily_coin_prices": daily_coin_prices,
    "market_overview": lambda read: curated.market_overview(read("processed_quotes")),
    "daily_top_movers": lambda read: curated.daily_top_movers(read("daily_prices")),
    "top_prices": lambda read: curated.top_prices(read("daily_prices")),
    "top_circulating_supply": lambda read: curated.top_circulating_supply(
        read("processed_quotes"), read("processed_coins")
    ),
}
