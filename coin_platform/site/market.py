"""What the market pages show, in one currency: the overview by hour, and the newest day.

The days before it, coin by coin, are in `history.py`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from coin_platform.contracts import curated
from coin_platform.contracts.model import Table
from coin_platform.partitions import DAY, Window
from coin_platform.resources.lake.served import ServedLake
from coin_platform.site.candles import (
    CANDLE,
    Facts,
    facts_of,
    finite,
    finite_values,
    rows_in,
    sources_of,
)
from coin_platform.site.closes import Closes, closes_of
from coin_platform.site.shown import Shown

if TYPE_CHECKING:
    import pyarrow as pa

MEASURES = ("total_market_cap", "total_volume_24h", "largest_dominance", "second_dominance")
CLOSES_DAYS = 30

Row = dict[str, Any]


@dataclass(frozen=True)
class Coin:
    """A coin that the page's newest day knows, and that day's candle."""

    facts: Facts
    candle: dict[str, float | None]

    @property
    def is_priced(self) -> bool:
        return self.candle["close"] is not None


@dataclass(frozen=True)
class Market:
    """All of it: the overview by hour, the coins and the lists of the newest day.

    `closes` are those of the coins, in their order, of the newest 30 days.
    """

    shown: Shown
    overview: list[Row]
    coins: list[Coin]
    closes: Closes
    movers: list[Row]
    supplies: list[Row]
    highest: list[Row]
    sources: list[str]

    def at(self, hour: datetime, measure: str) -> float | None:
        """A measure of the whole market in one hour; None where the hour is not there."""
        for row in reversed(self.overview):
            if row["snapshot_hour"] == hour:
                return finite(row[measure])
        return None

    @property
    def leaders(self) -> dict[str, str]:
        """The names of the newest hour's two largest coins; empty where there are none."""
        names = {coin.facts.id: coin.facts.name or f"coin {coin.facts.id}" for coin in self.coins}
        newest = self.overview[-1] if self.overview else {}
        return {
            place: names.get(newest.get(f"{place}_coin_id") or 0, "")
            for place in ("largest", "second")
        }


def read(lake: ServedLake, shown: Shown, currency: str) -> Market:
    """Read what is shown, whatever the number of days behind it."""
    last = shown.days[-1]
    newest = Window.of_days(last, last)
    first = max(shown.window.start.date(), last - (CLOSES_DAYS - 1) * DAY)

    def rows(table: Table, window: Window, columns: Sequence[str] | None = None) -> "pa.Table":
        return rows_in(lake, table, window, currency, columns)

    overview = rows(curated.MARKET_OVERVIEW, shown.window).sort_by("snapshot_hour")
    prices = rows(curated.DAILY_COIN_PRICES, newest).sort_by("coin_id")
    recent = rows(
        curated.DAILY_COIN_PRICES, Window.of_days(first, last), ["coin_id", "day", "close"]
    )
    return Market(
        shown=shown,
        overview=overview.to_pylist(),
        coins=coins_of(prices),
        closes=closes_of(recent, prices["coin_id"], first, last),
        movers=rows(curated.DAILY_TOP_MOVERS, newest).sort_by("rank").to_pylist(),
        supplies=rows(curated.TOP_CIRCULATING_SUPPLY, newest).sort_by("rank").to_pylist(),
        highest=rows(curated.TOP_PRICES, newest).sort_by("rank").to_pylist(),
        sources=sorted({*sources_of(overview), *sources_of(prices)}),
    )


def coins_of(newest: "pa.Table") -> list[Coin]:
    """The coins of the newest day's prices."""
    candles = {name: finite_values(newest[name]) for name in CANDLE}
    return [
        Coin(facts, {name: values[place] for name, values in candles.items()})
        for place, facts in enumerate(facts_of(newest))
    ]
