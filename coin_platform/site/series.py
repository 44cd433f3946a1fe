"""The values of the data scripts: the market by hour, the list of coins, the newest candles."""

from dataclasses import asdict
from datetime import datetime
from typing import Any

from coin_platform.partitions import HOUR, Window
from coin_platform.site.candles import finite
from coin_platform.site.market import MEASURES, Coin, Market

PARTS = 64  # of the newest day's candles: a page of one coin loads a small file
WEEK = 7


def overview(market: Market) -> dict[str, Any]:
    """The market hour by hour, from the first shown hour to the newest; null where there is none.

    `start` is the first hour's close and `step` an hour, in milliseconds, as scripts count.
    """
    hours = market.shown.hours
    grid = Window(hours[0], hours[-1] + HOUR).hours
    by_hour = {row["snapshot_hour"]: row for row in market.overview}
    rows = [by_hour.get(hour, {}) for hour in grid]
    return {
        "start": milliseconds(grid[0] + HOUR),
        "step": round(HOUR.total_seconds() * 1000),
        "leaders": market.leaders,
        "coins": [row.get("coins") for row in rows],
        **{name: [finite(row.get(name)) for row in rows] for name in MEASURES},
    }


def coin_list(market: Market) -> list[list[Any]]:
    """A row for each coin that has a price on the newest day, the largest cap first.

    Id, name, symbol, close, change of the day and of seven days in percent, cap, volume,
    volatility, and up to 30 daily closes as a text for a small line.
    """

    def largest_first(row: tuple[Coin, float | None, str]) -> tuple[float, int]:
        coin = row[0]
        return -(coin.candle["market_cap"] or -1), coin.facts.id

    rows = zip(market.coins, market.closes.days_ago(WEEK), market.closes.lines(), strict=True)
    return [
        [
            coin.facts.id,
            coin.facts.name,
            coin.facts.symbol,
            coin.candle["close"],
            rise(coin.candle["open"], coin.candle["close"]),
            rise(week_before, coin.candle["close"]),
            coin.candle["market_cap"],
            coin.candle["average_volume_24h"],
            coin.facts.volatility,
            line,
        ]
        for coin, week_before, line in sorted(rows, key=largest_first)
        if coin.is_priced
    ]


def newest(market: Market, part: int) -> dict[str, Any]:
    """The newest day, and by id the candles of those coins whose ids leave `part` over."""
    return {
        "day": market.shown.days[-1].isoformat(),
        "coins": {
            str(coin.facts.id): {**asdict(coin.facts), **coin.candle}
            for coin in market.coins
            if coin.facts.id % PARTS == part
        },
    }


def rise(before: float | None, now: float | None) -> float | None:
    """The change in percent, as `curated/daily_top_movers` counts it; None where there is none."""
    if before is None or now is None or before <= 0:
        return None
    return finite((now / before - 1) * 100)


def milliseconds(instant: datetime) -> int:
    return round(instant.timestamp() * 1000)
