"""The key numbers of the overview: now, against a day before, and the line of a week."""

from collections.abc import Callable
from dataclasses import dataclass

from coin_platform.partitions import DAY, HOUR, Window
from coin_platform.site import numbers
from coin_platform.site.candles import finite
from coin_platform.site.market import Market
from coin_platform.site.series import rise

LINE_HOURS = 7 * 24
WIDTH, HEIGHT, EDGE = 120, 32, 2  # of the drawing; the page stretches it


@dataclass(frozen=True)
class Card:
    """A key number: as it is read, exactly, how it moved in a day, and its line as an SVG path."""

    label: str
    value: str
    exact: float | None
    moved: float | None
    unit: str
    line: str


def cards(market: Market) -> list[Card]:
    """The key numbers of the newest hour."""
    largest, second = market.leaders["largest"], market.leaders["second"]
    return [
        sum_card(market, "Total market cap", "total_market_cap"),
        sum_card(market, "Volume, 24 hours", "total_volume_24h"),
        share_card(market, f"Dominance of {largest or 'the largest'}", "largest_dominance"),
        share_card(market, f"Dominance of {second or 'the second'}", "second_dominance"),
    ]


def sum_card(market: Market, label: str, measure: str) -> Card:
    """A sum of money, which moves by percent."""
    return card(market, label, measure, numbers.amount, rise, "%")


def share_card(market: Market, label: str, measure: str) -> Card:
    """A share, which moves by points."""

    def points(before: float | None, now: float | None) -> float | None:
        return None if before is None or now is None else now - before

    return card(market, label, measure, numbers.percent, points, "points")


def card(  # noqa: PLR0913  a number, and how it is said
    market: Market,
    label: str,
    measure: str,
    form: Callable[[float | None], str],
    move: Callable[[float | None, float | None], float | None],
    unit: str,
) -> Card:
    hour = market.shown.hour
    now, before = market.at(hour, measure), market.at(hour - DAY, measure)
    return Card(label, form(now), now, move(before, now), unit, line(market, measure))


def line(market: Market, measure: str) -> str:
    """The last week, as far as it is shown; where an hour is missing the line breaks."""
    hour = market.shown.hour
    first = max(hour - (LINE_HOURS - 1) * HOUR, market.shown.hours[0])
    known = {row["snapshot_hour"]: finite(row[measure]) for row in market.overview}
    values = [known.get(each) for each in Window(first, hour + HOUR).hours]
    there = [value for value in values if value is not None]
    if len(there) < 2:  # noqa: PLR2004  a line has two ends
        return ""
    low, high = min(there), max(there)
    step = WIDTH / (len(values) - 1)
    path = ""
    pen_down = False
    for place, value in enumerate(values):
        if value is not None:
            height = (value - low) / (high - low) if high > low else 0.5
            y = EDGE + (1 - height) * (HEIGHT - 2 * EDGE)
            path += f"{'L' if pen_down else 'M'}{place * step:.1f} {y:.1f}"
        pen_down = value is not None
    return path
