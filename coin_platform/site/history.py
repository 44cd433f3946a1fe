"""The days before the newest one, coin by coin: made once for all the releases of a day.

A history is told by when its days were last written, as curated/publications say: a late hour, a
repair or a day that closes makes another one; a compaction, which changes no row, does not.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any

from coin_platform.contracts import curated
from coin_platform.partitions import DAY, Window
from coin_platform.resources.lake.served import ServedLake
from coin_platform.site import assets
from coin_platform.site.candles import (
    CANDLE,
    Facts,
    by_coin,
    facts_of,
    rows_in,
    series_of,
    sources_of,
)
from coin_platform.site.script import script
from coin_platform.site.shown import Shown

PRICES = curated.DAILY_COIN_PRICES


@dataclass(frozen=True)
class Past:
    """A coin's days, from its first shown one to the last closed one; None where a day has none.

    `facts` are of its newest day among them.
    """

    facts: Facts
    start: date
    days: dict[str, list[float | None]] = field(repr=False)


@dataclass(frozen=True)
class ClosedDays:
    """The coins of the closed days, by id, and where their prices come from."""

    coins: list[Past]
    sources: list[str]


def closed(shown: Shown) -> Window | None:
    """The shown days before the newest one, which is still in progress; None if there are none."""
    newest = Window.of_days(shown.days[-1], shown.days[-1])
    first = shown.window.start
    return Window(first, newest.start) if first < newest.start else None


def id_of(lake: ServedLake, shown: Shown, currency: str) -> str:
    """Changes with whatever is in the history of what is shown."""
    window = closed(shown)
    basis = {
        "first": shown.window.start.isoformat(),
        "currency": currency,
        "written": written(lake, window) if window else [],
        "code": assets.fingerprint(),
    }
    digest = hashlib.sha256(json.dumps(basis, sort_keys=True).encode()).hexdigest()
    return f"{shown.days[-1]:%Y%m%d}-{digest[:16]}"


def written(lake: ServedLake, window: Window) -> list[list[str]]:
    """Each day of the daily prices that was written, when, and by which run."""
    columns = ["day", "table_name", "written_at", "run_id"]
    rows = lake.rows(curated.PUBLICATIONS, columns, window).to_pylist()
    of_prices = [row for row in rows if row["table_name"] == PRICES.name]
    return sorted(
        [str(row["day"]), row["written_at"].isoformat(), row["run_id"]] for row in of_prices
    )


def read(lake: ServedLake, shown: Shown, currency: str) -> ClosedDays:
    """Read the closed days. All their candles are in memory."""
    import pyarrow as pa

    window = closed(shown)
    if window is None:
        return ClosedDays([], [])
    prices = by_coin(rows_in(lake, PRICES, window, currency))
    series = series_of(prices, CANDLE, (window.end - DAY).date()).values()
    newest_rows = pa.array([each.newest_row for each in series], pa.int64())
    facts = facts_of(prices.take(newest_rows))
    coins = [Past(of, each.start, each.days) for of, each in zip(facts, series, strict=True)]
    return ClosedDays(coins, sources_of(prices))


def files(coins: list[Past]) -> Iterator[tuple[str, bytes]]:
    """The file of each coin."""
    for coin in coins:
        yield f"{coin.facts.id}.js", script(f"history/{coin.facts.id}", value(coin))


def value(coin: Past) -> dict[str, Any]:
    """The coin and its candles, day by day from `start`."""
    return {**asdict(coin.facts), "start": coin.start.isoformat(), **coin.days}
