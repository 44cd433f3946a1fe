"""The numbers of the market pages, from curated alone and of the shown days alone."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from coin_platform.contracts import curated
from coin_platform.contracts.model import Table
from coin_platform.contracts.render import arrow_schema
from coin_platform.partitions import DAY, HOUR, Window
from coin_platform.resources.lake.served import ServedLake
from coin_platform.site.script import finite
from coin_platform.site.shown import Shown

if TYPE_CHECKING:
    import pandas as pd

CANDLE = ("open", "high", "low", "close", "average_volume_24h", "market_cap", "hours")
MEASURES = ("total_market_cap", "total_volume_24h", "largest_dominance", "second_dominance")
SPARK_DAYS = 30
WEEK = 7


@dataclass(frozen=True)
class Market:
    """Curated's rows of the shown days, in one currency; `prices` are in the order of coins."""

    shown: Shown
    overview: "pd.DataFrame"
    prices: "pd.DataFrame"
    movers: "pd.DataFrame"
    supplies: "pd.DataFrame"
    highest: "pd.DataFrame"

    @property
    def sources(self) -> list[str]:
        """Where the shown numbers come from: `simulated`, `coinmarketcap`, or both."""
        return sorted(set(self.prices["source"]) | set(self.overview["source"]))


def read(lake: ServedLake, shown: Shown, currency: str) -> Market:
    """Read what is shown. The daily prices of the window are held in memory, a few columns."""
    newest = Window.of_days(shown.days[-1], shown.days[-1])

    def rows(table: Table, window: Window) -> "pd.DataFrame":
        if not lake.exists(table):
            return arrow_schema(table).empty_table().to_pandas()
        frame = lake.rows(table, table.column_names, window).to_pandas()
        return frame[frame["currency"] == currency].sort_values(list(table.key))

    prices = rows(curated.DAILY_COIN_PRICES, shown.window)
    return Market(
        shown,
        rows(curated.MARKET_OVERVIEW, shown.window),
        prices.sort_values(["coin_id", "day"]),
        rows(curated.DAILY_TOP_MOVERS, newest),
        rows(curated.TOP_CIRCULATING_SUPPLY, newest),
        rows(curated.TOP_PRICES, newest),
    )


def overview_series(market: Market) -> dict[str, Any]:
    """The market hour by hour, from the first shown hour to the newest; null where there is none.

    `start` is the first hour's close, in milliseconds since 1970 as scripts count.
    """
    shown = market.shown
    grid = Window(shown.hours[0], shown.hour + HOUR).hours
    by_hour = market.overview.set_index("snapshot_hour").reindex(grid)
    series = {name: [finite(value) for value in by_hour[name]] for name in MEASURES}
    return {
        "start": milliseconds(grid[0] + HOUR),
        "step": milliseconds(grid[0] + HOUR) - milliseconds(grid[0]),
        "coins": whole(by_hour["coins"]),
        "leaders": leaders(market),
        **series,
    }


def leaders(market: Market) -> dict[str, str]:
    """The names of the newest hour's two largest coins; `leaders` may have been others before."""
    names = names_of(market)
    newest = market.overview.iloc[-1] if len(market.overview) else {}
    return {
        place: names.get(whole_or_none(newest.get(f"{place}_coin_id")), "")
        for place in ("largest", "second")
    }


def names_of(market: Market) -> dict[int | None, str]:
    """The newest name of each coin; its id where it has none."""
    newest = market.prices.drop_duplicates("coin_id", keep="last")
    return {
        int(coin): text_of(name) or f"coin {coin}"
        for coin, name in zip(newest["coin_id"], newest["name"], strict=True)
    }


def coin_list(market: Market) -> list[list[Any]]:
    """A row for each coin of the newest day, the largest cap first.

    Id, name, symbol, close, change of the day and of seven days in percent, cap, volume,
    volatility, and up to 30 daily closes as a text for a small line.
    """
    last = market.shown.days[-1]
    sparks = sparklines(market)
    week = last - timedelta(days=WEEK)
    before = market.prices[market.prices["day"] == week].set_index("coin_id")["close"].to_dict()
    newest = market.prices[market.prices["day"] == last]
    ordered = newest.sort_values(["market_cap", "coin_id"], ascending=[False, True])
    return [
        [
            int(row.coin_id),
            text_of(row.name),
            text_of(row.symbol),
            finite(row.close),
            rise(row.open, row.close),
            rise(before.get(row.coin_id), row.close),
            finite(row.market_cap),
            finite(row.average_volume_24h),
            finite(row.volatility_7d),
            sparks[row.coin_id],
        ]
        for row in ordered.itertuples(index=False)
    ]


def sparklines(market: Market) -> dict[int, str]:
    """For each coin its last daily closes as digits to base 36, lowest 0 and highest z; a gap: -"""
    first = market.shown.days[-1] - timedelta(days=SPARK_DAYS - 1)
    recent = market.prices[market.prices["day"] >= first]
    table = recent.pivot_table(index="coin_id", columns="day", values="close", aggfunc="last")
    days = Window.of_days(min(table.columns), market.shown.days[-1]).days
    table = table.reindex(columns=days)
    low, high = table.min(axis=1), table.max(axis=1)
    spread = (high - low).where(high > low)
    steps = table.sub(low, axis=0).div(spread, axis=0).mul(35).fillna(17).round().astype(int)
    digits = "0123456789abcdefghijklmnopqrstuvwxyz"
    here = table.notna().to_numpy()
    return {
        int(coin): "".join(
            digits[step] if known else "-" for step, known in zip(row, there, strict=True)
        )
        for coin, row, there in zip(table.index, steps.to_numpy(), here, strict=True)
    }


def coin_series(market: Market) -> "list[tuple[int, dict[str, Any]]]":
    """For each coin its name and its candles, day by day; null where a day has none.

    From its first shown day to the newest day of the page, so that a coin that has vanished shows.
    """
    last = market.shown.days[-1]
    found = []
    for coin, rows in market.prices.groupby("coin_id", sort=True):
        first = rows["day"].iloc[0]
        places = [(day - first) // DAY for day in rows["day"]]
        days = (last - first) // DAY + 1
        newest = rows.iloc[-1]
        values: dict[str, Any] = {
            "id": int(coin),
            "name": text_of(newest["name"]),
            "symbol": text_of(newest["symbol"]),
            "start": first.isoformat(),
            "dominance": finite(newest["dominance"]),
            "volatility": finite(newest["volatility_7d"]),
        }
        for column in CANDLE:
            series: list[float | None] = [None] * days
            for place, value in zip(places, rows[column].tolist(), strict=True):
                series[place] = finite(value)
            values[column] = series
        found.append((int(coin), values))
    return found


def rise(before: float | None, now: float | None) -> float | None:
    """The change in percent, as `curated/daily_top_movers` counts it; None where there is none."""
    if before is None or now is None or not before > 0:
        return None
    return finite((now / before - 1) * 100)


def at(market: Market, hour: datetime, column: str) -> float | None:
    """A measure of one hour; None where the hour is not there."""
    found = market.overview.loc[market.overview["snapshot_hour"] == hour, column]
    return finite(found.iloc[0]) if len(found) else None


def text_of(value: object) -> str:
    """A text as it is; empty where it is null."""
    return value if isinstance(value, str) else ""


def whole(values: Any) -> list[int | None]:
    return [whole_or_none(value) for value in values]


def whole_or_none(value: Any) -> int | None:
    return None if value is None or value != value else int(value)  # noqa: PLR0124  NaN


def milliseconds(instant: datetime) -> int:
    return round(instant.timestamp() * 1000)


def day_text(day: date) -> str:
    """`25 Nov 2026`."""
    return f"{day.day} {day:%b %Y}"
