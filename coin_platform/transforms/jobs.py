"""The jobs that engines run by name: read what is needed, apply a pure function, write the slice.

A job reads only the files and hours that its window can depend on, and writes in one commit, so
that it is done or not done. Again, it leaves the same rows. Those of processed are in
`processing.py`.
"""

from collections.abc import Callable

from pyspark.sql import SparkSession

from coin_platform.contracts import curated, processed
from coin_platform.errors import PermanentError
from coin_platform.partitions import Window
from coin_platform.resources.engine.interface import Outcome
from coin_platform.resources.lake import Lake
from coin_platform.transforms import curated as curate
from coin_platform.transforms import processing
from coin_platform.transforms.held import held
from coin_platform.transforms.publishing import checked_quotes, publish

Job = Callable[[SparkSession, Lake, Window, str], Outcome]


def daily_coin_prices(spark: SparkSession, lake: Lake, window: Window, run_id: str) -> Outcome:
    before = Window(window.start - curate.BEFORE, window.start)
    closes = curate.closes_of(checked_quotes(spark, lake, before))
    with held(curate.candles_of(checked_quotes(spark, lake, window))) as candles:
        frame = curate.daily_coin_prices(candles, closes, lake.read(spark, processed.COINS))
        return publish(lake, curated.DAILY_COIN_PRICES, frame, window, run_id)


def market_overview(spark: SparkSession, lake: Lake, window: Window, run_id: str) -> Outcome:
    frame = curate.market_overview(checked_quotes(spark, lake, window))
    return publish(lake, curated.MARKET_OVERVIEW, frame, window, run_id)


def daily_top_movers(spark: SparkSession, lake: Lake, window: Window, run_id: str) -> Outcome:
    frame = curate.daily_top_movers(lake.read(spark, curated.DAILY_COIN_PRICES, window))
    return publish(lake, curated.DAILY_TOP_MOVERS, frame, window, run_id)


def top_prices(spark: SparkSession, lake: Lake, window: Window, run_id: str) -> Outcome:
    frame = curate.top_prices(lake.read(spark, curated.DAILY_COIN_PRICES, window))
    return publish(lake, curated.TOP_PRICES, frame, window, run_id)


def top_circulating_supply(spark: SparkSession, lake: Lake, window: Window, run_id: str) -> Outcome:
    frame = curate.top_circulating_supply(
        checked_quotes(spark, lake, window), lake.read(spark, processed.COINS)
    )
    return publish(lake, curated.TOP_CIRCULATING_SUPPLY, frame, window, run_id)


JOBS: dict[str, Job] = {
    processed.COIN_QUOTES.id: processing.coin_quotes,
    processed.COINS.id: processing.coin_history,
    curated.DAILY_COIN_PRICES.id: daily_coin_prices,
    curated.MARKET_OVERVIEW.id: market_overview,
    curated.DAILY_TOP_MOVERS.id: daily_top_movers,
    curated.TOP_CIRCULATING_SUPPLY.id: top_circulating_supply,
    curated.TOP_PRICES.id: top_prices,
}


def job_named(name: str) -> Job:
    """The job; `PermanentError` that lists them for one that is not there."""
    if name not in JOBS:
        raise PermanentError(f"no job {name!r}; there are {', '.join(sorted(JOBS))}")
    return JOBS[name]
