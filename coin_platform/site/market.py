"""What the market pages show: curated's rows of the shown days, in one currency."""

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from coin_platform.contracts import curated
from coin_platform.contracts.model import Table
from coin_platform.contracts.render import arrow_schema
from coin_platform.partitions import DAY, Window
from coin_platform.resources.lake.served import ServedLake
from coin_platform.site.shown import Shown

if TYPE_CHECKING:
    import pyarrow as pa

CANDLE = ("open", "high", "low", "close", "average_volume_24h", "market_cap", "hours")
MEASURES = ("total_market_cap", "total_volume_24h", "largest_dominance", "second_dominance")

Row = dict[str, Any]


@dataclass(frozen=True)
class Coin:
    """A coin's days, from its first shown one to the page's newest; None where a day has none.

    `name`, `symbol`, `dominance` and `volatility` are of its newest day.
    """

    id: int
    name: str
    symbol: str
    start: date
    dominance: float | None
    volatility: float | None
    days: dict[str, list[float | None]] = field(repr=False)

    @property
    def is_priced(self) -> bool:
        """Whether it has a price on the page's newest day."""
        return self.days["close"][-1] is not None

    def newest(self, column: str) -> float | None:
        """The value on the page's newest day."""
        return self.days[column][-1]


@dataclass(frozen=True)
class Market:
    """All of it: the overview by hour, each coin's days, and the lists of the newest day."""

    shown: Shown
    overview: list[Row]
    coins: list[Coin]
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
        names = {coin.id: coin.name or f"coin {coin.id}" for coin in self.coins}
        newest = self.overview[-1] if self.overview else {}
        return {
            place: names.get(newest.get(f"{place}_coin_id") or 0, "")
            for place in ("largest", "second")
        }


def read(lake: ServedLake, shown: Shown, currency: str) -> Market:
    """Read what is shown. All candles of the shown days are in memory, and nothing older."""
    newest = Window.of_days(shown.days[-1], shown.days[-1])

    def rows(table: Table, window: Window) -> "pa.Table":
        import pyarrow.compute as pc

        if not lake.exists(table):
            return arrow_schema(table).empty_table()
        found = lake.rows(table, table.column_names, window)
        return found.filter(pc.field("currency") == currency)

    overview = rows(curated.MARKET_OVERVIEW, shown.window).sort_by("snapshot_hour")
    prices = rows(curated.DAILY_COIN_PRICES, shown.window)
    sources = {*overview["source"].unique().to_pylist(), *prices["source"].unique().to_pylist()}
    return Market(
        shown=shown,
        overview=overview.to_pylist(),
        coins=coins_of(prices, shown.days[-1]),
        movers=rows(curated.DAILY_TOP_MOVERS, newest).sort_by("rank").to_pylist(),
        supplies=rows(curated.TOP_CIRCULATING_SUPPLY, newest).sort_by("rank").to_pylist(),
        highest=rows(curated.TOP_PRICES, newest).sort_by("rank").to_pylist(),
        sources=sorted(sources),
    )


def coins_of(prices: "pa.Table", last: date) -> list[Coin]:
    """The coins of daily prices, by id, each on a grid of days that ends with `last`."""
    ordered = prices.sort_by([("coin_id", "ascending"), ("day", "ascending")])
    ids, days = ordered["coin_id"].to_pylist(), ordered["day"].to_pylist()
    columns = {name: finite_values(ordered[name]) for name in CANDLE}
    texts = {name: ordered[name] for name in ("name", "symbol", "dominance", "volatility_7d")}
    found = []
    begin = 0
    for end in range(1, len(ids) + 1):
        if end < len(ids) and ids[end] == ids[begin]:
            continue
        newest = {name: values[end - 1].as_py() for name, values in texts.items()}
        start = days[begin]
        places = [(day - start) // DAY for day in days[begin:end]]
        length = (last - start) // DAY + 1
        grid = {
            name: on_grid(values[begin:end], places, length) for name, values in columns.items()
        }
        found.append(
            Coin(
                id=ids[begin],
                name=newest["name"] or "",
                symbol=newest["symbol"] or "",
                start=start,
                dominance=finite(newest["dominance"]),
                volatility=finite(newest["volatility_7d"]),
                days=grid,
            )
        )
        begin = end
    return found


def on_grid(values: list[float | None], places: list[int], length: int) -> list[float | None]:
    """The values at their places among so many days; None elsewhere."""
    if len(values) == length:
        return values
    series: list[float | None] = [None] * length
    for place, value in zip(places, values, strict=True):
        series[place] = value
    return series


def finite_values(column: "pa.ChunkedArray") -> list[float | None]:
    """The numbers of a column; None for what is none."""
    import pyarrow as pa
    import pyarrow.compute as pc

    none = pa.scalar(None, column.type)
    values: list[float | None] = pc.if_else(pc.is_finite(column), column, none).to_pylist()
    return values


def finite(value: float | None) -> float | None:
    """The number; None for what is none."""
    from math import isfinite

    return None if value is None or not isfinite(value) else value
