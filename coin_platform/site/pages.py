"""The pages: templates, and what they are filled with.

Templates escape whatever they are given. What a page shows at once is in it; long lists and charts
come from the data files.
"""

from collections.abc import Mapping
from datetime import date, datetime
from functools import cache
from typing import TYPE_CHECKING, Any

from coin_platform.partitions import HOUR
from coin_platform.site import numbers
from coin_platform.site.assets import assets
from coin_platform.site.cards import cards
from coin_platform.site.evidence import Evidence, Tally
from coin_platform.site.market import Market, Row
from coin_platform.site.quality import Hour, Quality
from coin_platform.site.release import Release
from coin_platform.site.releases import HISTORIES
from coin_platform.site.series import PARTS

if TYPE_CHECKING:
    from jinja2 import Environment

PAGES = ("index", "coins", "coin", "quality")
# Nothing but the site's own files, no inline code and no inline style, and nothing is sent.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "base-uri 'none'; form-action 'none'"
)
SOURCES = {"simulated": "Simulated data", "coinmarketcap": "CoinMarketCap"}


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
        "day": day_text,
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
    release: Release, market: Market, quality: Quality, evidence: Evidence
) -> Mapping[str, bytes]:
    """The pages of a release by file name."""
    shared = {
        "release": release,
        "shown": market.shown,
        "closed": market.shown.hour + HOUR,
        "sources": [SOURCES.get(source, source) for source in release.facts["sources"]],
        "simulated": "simulated" in release.facts["sources"],
        "coins": release.facts["coins"],
    }
    specific: dict[str, dict[str, Any]] = {
        "index": {
            "cards": cards(market),
            "rising": movers(market, "up"),
            "falling": movers(market, "down"),
            "highest": market.highest,
            "supplies": market.supplies,
        },
        "coins": {},
        "coin": {"history": f"../../{HISTORIES}/{release.history}", "parts": PARTS},
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


def movers(market: Market, direction: str) -> list[Row]:
    """The day's largest moves one way, each with its length against the largest, out of 100."""
    found = [row for row in market.movers if row["direction"] == direction]
    largest = max((abs(row["change"]) for row in found), default=0)
    return [{**row, "length": round(abs(row["change"]) / largest * 100, 1)} for row in found]


def by_table(tallies: tuple[Tally, ...]) -> dict[str, list[Tally]]:
    """The tallies of each table, in the order of the data's way."""
    tables: dict[str, list[Tally]] = {}
    for tally in tallies:
        tables.setdefault(tally.table, []).append(tally)
    return tables


def direction(value: float | None) -> str:
    """`up`, `down` or `flat`."""
    if value is not None and value > 0:
        return "up"
    return "down" if value is not None and value < 0 else "flat"


def day_text(day: date) -> str:
    """`25 Nov 2026`."""
    return f"{day.day} {day:%b %Y}"


def instant(moment: datetime | str) -> str:
    """`25 Nov 2026, 14:00 UTC`."""
    at = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
    return f"{day_text(at.date())}, {at:%H:%M} UTC"
