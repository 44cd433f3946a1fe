"""Each transform applied to inputs by name, for engines to be compared with each other."""

from collections.abc import Callable

from pyspark.sql import DataFrame
from pyspark.sql import functions as fn

from coin_platform.transforms import coins, curated, quotes

Read = Callable[[str], DataFrame]


def daily_coin_prices(read: Read) -> DataFrame:
    return curated.daily_coin_prices(
        read("processed_quotes"), read("processed_coins"), fn.col("day") >= "2026-03-04"
    )


CASES: dict[str, Callable[[Read], DataFrame]] = {
    "quotes": lambda read: quotes.coin_quotes(read("raw_quotes"), "2026-03-01 00:30:00.000000"),
    "history": lambda read: coins.history(
        read("processed_coins"), read("raw_coins"), "2026-03-01 02:00:00.000000"
    ),
    "old_load": lambda read: coins.history(
        read("processed_coins"), read("raw_coins"), "2026-03-01 02:00:00.000000", load_is_new=False
    ),
    "daily_coin_prices": daily_coin_prices,
    "market_overview": lambda read: curated.market_overview(read("processed_quotes")),
    "daily_top_movers": lambda read: curated.daily_top_movers(read("daily_prices")),
    "top_prices": lambda read: curated.top_prices(read("daily_prices")),
    "top_circulating_supply": lambda read: curated.top_circulating_supply(
        read("processed_quotes"), read("processed_coins")
    ),
}
