"""The values of the data scripts: the market by hour, the list of coins, the newest candles."""

from dataclasses import asdict
from datetime import datetime
from typing import Any

from coin_platform.partitions import HOUR, Window
from coin_platform.site.candles import finite
from coin_platform.site.market import MEASURES, Coin, Market

PARTS = 64  # of the newest day's candles: a page of one coin loads a small file
WEEK = 7
DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


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

    def largest_first(coin: Coin) -> tuple[float, int]:
        return -(coin.candle["market_cap"] or -1), coin.facts.id

    return [
        [
            coin.facts.id,
            coin.facts.name,
            coin.facts.symbol,
            coin.candle["close"],
            rise(coin.candle["open"], coin.candle["close"]),
            rise(week_before(coin), coin.candle["close"]),
            coin.candle["market_cap"],
            coin.candle["average_volume_24h"],
            coin.facts.volatility,
            sparkline(coin.closes),
        ]
        for coin in sorted(market.coins, key=largest_first)
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


def week_before(of: Coin) -> float | None:
    return of.closes[-1 - WEEK] if len(of.closes) > WEEK else None


def sparkline(closes: list[float | None]) -> str:
    """The closes as digits to base 36, the lowest 0 and the highest z; a day without one: `-`."""
    known = [close for close in closes if close is not None]
    low, high = min(known, default=0.0), max(known, default=0.0)

    def digit(close: float | None) -> str:
        if close is None:
            return "-"
        part = (close - low) / (high - low) if high > low else 0.5
        return DIGITS[round(part * (len(DIGITS) - 1))]

    return "".join(map(digit, closes))


def rise(before: float | None, now: float | None) -> float | None:
    """The change in percent, as `curated/daily_top_movers` counts it; None where there is none."""
    if before is None or now is None or before <= 0:
        return None
    return finite((now / before - 1) * 100)


def milliseconds(instant: datetime) -> int:
    return round(instant.timestamp() * 1000)
