"""Curated's rows in one currency, as the page's data take them: finite, and coin by coin."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from math import isfinite
from typing import TYPE_CHECKING

from coin_platform.contracts.model import Table
from coin_platform.contracts.render import arrow_schema
from coin_platform.partitions import DAY, Window
from coin_platform.resources.lake.served import ServedLake

if TYPE_CHECKING:
    import pyarrow as pa

CANDLE = ("open", "high", "low", "close", "average_volume_24h", "market_cap", "hours")


@dataclass(frozen=True)
class Facts:
    """What is said of a coin beside its candle, on a day."""

    id: int
    name: str
    symbol: str
    dominance: float | None
    volatility: float | None


@dataclass(frozen=True)
class Series:
    """A coin's values day by day from `start`; None where a day has none.

    `newest_row` is the place of its newest day among the rows.
    """

    start: date
    days: dict[str, list[float | None]] = field(repr=False)
    newest_row: int


def series_of(ordered: "pa.Table", columns: Sequence[str], last: date) -> dict[int, Series]:
    """The series up to `last` of each coin of daily prices, which are ordered by coin and day."""
    ids, days = ordered["coin_id"].to_pylist(), ordered["day"].to_pylist()
    values = {name: finite_values(ordered[name]) for name in columns}
    found = {}
    begin = 0
    for end in range(1, len(ids) + 1):
        if end < len(ids) and ids[end] == ids[begin]:
            continue
        start = days[begin]
        places = [(day - start) // DAY for day in days[begin:end]]
        length = (last - start) // DAY + 1
        grid = {name: on_grid(of[begin:end], places, length) for name, of in values.items()}
        found[ids[begin]] = Series(start, grid, end - 1)
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


def rows_in(
    lake: ServedLake,
    table: Table,
    window: Window,
    currency: str,
    columns: Sequence[str] | None = None,
) -> "pa.Table":
    """A window's rows of one currency, all columns by default; none where there is no table."""
    import pyarrow.compute as pc

    names = list(columns or table.column_names)
    if not lake.exists(table):
        return arrow_schema(table).empty_table().select(names)
    found = lake.rows(table, [*names, *({"currency"} - {*names})], window)
    return found.filter(pc.field("currency") == currency).select(names)


def by_coin(prices: "pa.Table") -> "pa.Table":
    """Daily prices, ordered by coin and day."""
    return prices.sort_by([("coin_id", "ascending"), ("day", "ascending")])


def sources_of(rows: "pa.Table") -> list[str]:
    """Where the rows come from."""
    sources: list[str] = rows["source"].unique().to_pylist()
    return sources


def facts_of(prices: "pa.Table") -> list[Facts]:
    """Of each row of daily prices."""
    return [
        Facts(id_, name or "", symbol or "", dominance, volatility)
        for id_, name, symbol, dominance, volatility in zip(
            prices["coin_id"].to_pylist(),
            prices["name"].to_pylist(),
            prices["symbol"].to_pylist(),
            finite_values(prices["dominance"]),
            finite_values(prices["volatility_7d"]),
            strict=True,
        )
    ]


def finite_values(column: "pa.ChunkedArray") -> list[float | None]:
    """The numbers of a column; None for what is none."""
    import pyarrow as pa
    import pyarrow.compute as pc

    none = pa.scalar(None, column.type)
    values: list[float | None] = pc.if_else(pc.is_finite(column), column, none).to_pylist()
    return values


def finite(value: float | None) -> float | None:
    """The number; None for what is none."""
    return None if value is None or not isfinite(value) else value
