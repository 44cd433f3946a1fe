"""The pages: templates, and what they are filled with.

Templates escape whatever they are given. What a page shows at once is in it; long lists and charts
come from the data files.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any

from coin_platform.partitions import DAY, HOUR
from coin_platform.site import market as numbers_of
from coin_platform.site import numbers
from coin_platform.site.assets import assets
from coin_platform.site.evidence import Evidence, Tally
from coin_platform.site.market import Market
from coin_platform.site.quality import Hour, Quality
from coin_platform.site.releases import Release

if TYPE_CHECKING:
    from jinja2 import Environment

PAGES = ("index", "coins", "coin", "quality")
# Nothing but the site's own files, no inline code and no inline style, and nothing is sent.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "base-uri 'none'; form-action 'none'"
)
SOURCES = {"simulated": "Simulated data", "coinmarketcap": "CoinMarketCap"}
SPARK_HOURS = 7 * 24
WIDTH, HEIGHT = 120, 32


@dataclass(frozen=True)
class Card:
    """A key number: how it is read, exactly, how it moved in a day, and its line of a week."""

    label: str
    value: str
    exact: float | None
    moved: float | None
    unit: str
    line: str


@cache
def environment() -> "Environment":
    """The templates, with numbers for people as filters."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    made = Environment(
        loader=PackageLoader(__package__),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {
        "price": numbers.price,
        "amount": numbers.amount,
        "quantity": numbers.quantity,
        "percent": numbers.percent,
        "change": numbers.change,
        "direction": direction,
        "instant": instant,
        "day": numbers_of.day_text,
    }
    made.globals |= {"asset": assets(), "guards": assets().guards, "policy": POLICY}
    return made


def entries() -> dict[str, bytes]:
    """The ways in, beside the pointer: each goes on to its page of the current release."""
    files = assets().files
    page = environment().get_template("entry.html").render().encode()
    return {f"{name}.html": page for name in PAGES} | {
        "enter.js": files[assets()["enter.js"]],
        "enter.css": files[assets()["enter.css"]],
    }


def pages(
    release: Release, market: Market, quality: Quality, evidence: Evidence, coins: int
) -> Mapping[str, bytes]:
    """The pages of a release by file name."""
    shared = {
        "release": release,
        "shown": market.shown,
        "closed": market.shown.hour + HOUR,
        "sources": [SOURCES.get(source, source) for source in market.sources],
        "simulated": "simulated" in market.sources,
        "coins": coins,
    }
    specific: dict[str, dict[str, Any]] = {
        "index": {
            "cards": cards(market),
            "rising": movers(market, "up"),
            "falling": movers(market, "down"),
            "highest": market.highest.to_dict("records"),
            "supplies": market.supplies.to_dict("records"),
        },
        "coins": {},
        "coin": {},
        "quality": {
            "quality": quality,
            "evidence": evidence,
            "tables": by_table(evidence.tallies),
            "Hour": Hour,
        },
    }
    return {
        f"{name}.html": environment()
        .get_template(f"{name}.html")
        .render(**shared, **specific[name], page=name)
        .encode()
        for name in PAGES
    }


def cards(market: Market) -> list[Card]:
    """The key numbers of the newest hour, against the same hour of the day before."""
    hour = market.shown.hour
    leaders = numbers_of.leaders(market)

    def card(label: str, column: str, form: Any, *, points: bool = False) -> Card:
        now = numbers_of.at(market, hour, column)
        before = numbers_of.at(market, hour - DAY, column)
        if now is None or before is None:
            moved = None
        else:
            moved = now - before if points else numbers_of.rise(before, now)
        return Card(label, form(now), now, moved, "points" if points else "%", line(market, column))

    return [
        card("Total market cap", "total_market_cap", numbers.amount),
        card("Volume, 24 hours", "total_volume_24h", numbers.amount),
        card(
            f"Dominance of {leaders['largest'] or 'the largest'}",
            "largest_dominance",
            numbers.percent,
            points=True,
        ),
        card(
            f"Dominance of {leaders['second'] or 'the second'}",
            "second_dominance",
            numbers.percent,
            points=True,
        ),
    ]


def line(market: Market, column: str) -> str:
    """The measure's last week as the path of a small line; where an hour is missing it breaks."""
    from coin_platform.partitions import Window

    hour = market.shown.hour
    known = dict(zip(market.overview["snapshot_hour"], market.overview[column], strict=True))
    hours = Window(hour - (SPARK_HOURS - 1) * HOUR, hour + HOUR).hours
    hours = [each for each in hours if each >= market.shown.hours[0]]
    values = [known.get(each) for each in hours]
    there = [value for value in values if value is not None and value == value]  # noqa: PLR0124
    if len(there) < 2:  # noqa: PLR2004  a line has two ends
        return ""
    low, high = min(there), max(there)
    step = WIDTH / (len(values) - 1)
    path, pen_down = [], False
    for place, value in enumerate(values):
        if value is None or value != value:  # noqa: PLR0124
            pen_down = False
            continue
        height = 0.5 if high == low else (value - low) / (high - low)
        y = 2 + (1 - height) * (HEIGHT - 4)
        path.append(f"{'L' if pen_down else 'M'}{place * step:.1f} {y:.1f}")
        pen_down = True
    return "".join(path)


def movers(market: Market, direction: str) -> list[dict[str, Any]]:
    """The day's largest moves one way, each with its length against the largest, out of 100."""
    rows = market.movers[market.movers["direction"] == direction].sort_values("rank")
    found: list[dict[str, Any]] = rows.to_dict("records")
    largest = max((abs(row["change"]) for row in found), default=0) or 1
    return [{**row, "length": round(abs(row["change"]) / largest * 100, 1)} for row in found]


def by_table(tallies: tuple[Tally, ...]) -> dict[str, list[Tally]]:
    """The tallies of each table, in the order of the data's way."""
    tables: dict[str, list[Tally]] = {}
    for tally in tallies:
        tables.setdefault(tally.table, []).append(tally)
    return tables


def direction(value: float | None) -> str:
    """`up`, `down` or `flat`."""
    if value is None or value != value or value == 0:  # noqa: PLR0124  NaN
        return "flat"
    return "up" if value > 0 else "down"


def instant(moment: datetime | str) -> str:
    """`25 Nov 2026, 14:00 UTC`."""
    at = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
    return f"{numbers_of.day_text(at.date())}, {at:%H:%M} UTC"
