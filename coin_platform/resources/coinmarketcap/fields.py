"""Which fields the vendor's answers have: those we carry, those we know and leave, and surprises.

A field that nobody knows is normal and only said; one of ours that no coin carries any more is
what its contract says. Values are `columns.py`'s.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from coin_platform.contracts.database import COIN_QUOTES, COINS, LISTING_ONLY
from coin_platform.contracts.model import Column, Drift
from coin_platform.contracts.schema import Change, Difference, sentence, stopping
from coin_platform.errors import PermanentError

Shapes = Counter[tuple[str, ...]]

# From the official SDK 5.0.0, which is made from the vendor's OpenAPI.
LEFT_OF_A_COIN = {
    "id", "quote", "quotes", "last_updated", "timestamp", "is_active", "is_fiat", "tvl_ratio",
    "minted_market_cap", "self_reported_circulating_supply", "self_reported_market_cap",
    "self_reported_tags",
}  # fmt: skip
LEFT_OF_A_QUOTE = {
    "id", "name", "symbol", "timestamp", "tvl", "minted_market_cap", "market_cap_by_total_supply",
    "percent_change_1y", "percent_change_ytd", "cex_volume_24h", "dex_volume_24h", "volume_7d",
    "volume_7d_reported", "volume_24h_reported", "volume_30d", "volume_30d_reported",
}  # fmt: skip
OF_A_COIN = {
    **{name: COINS.column(name) for name in ("name", "symbol", "slug", "date_added", "tags")},
    **{name: COINS.column(name) for name in ("max_supply", "infinite_supply")},
    "platform": COINS.column("platform_id"),
}
# What a listing says of a coin's own object, and a historical point inside its quote.
OF_A_LISTED_COIN = {
    name: COIN_QUOTES.column(name)
    for name in ("cmc_rank", "num_market_pairs", "circulating_supply", "total_supply")
}
OF_A_QUOTE = {
    column.name: column
    for column in COIN_QUOTES.columns
    if column.name not in OF_A_LISTED_COIN
    and column.name not in ("snapshot_hour", "coin_id", "currency", "source", "loaded_at")
}
OF_A_POINT = {
    name: column
    for name, column in {**OF_A_LISTED_COIN, **OF_A_QUOTE}.items()
    if name not in (*LISTING_ONLY, "last_updated")
}
KNOWN_OF_A_COIN = LEFT_OF_A_COIN | OF_A_COIN.keys() | OF_A_LISTED_COIN.keys()
KNOWN_OF_A_QUOTE = LEFT_OF_A_QUOTE | OF_A_LISTED_COIN.keys() | OF_A_QUOTE.keys()

KINDS = {str: "text", bool: "boolean", int: "number", float: "number", list: "list", dict: "object"}


def shapes_of(objects: Iterable[Mapping[str, Any]]) -> Shapes:
    """How many objects have which fields; there are few such shapes."""
    return Counter(map(tuple, objects))


def kind_of(value: Any) -> str:
    """What JSON calls a value."""
    return KINDS.get(type(value), "null")


def shown(value: Any) -> str:
    """A value for a message, short."""
    text = ascii(value)
    return text if len(text) <= 80 else text[:80] + "..."  # noqa: PLR2004 - fits a line


def unknown(endpoint: str, shapes: Shapes, known: set[str]) -> list[Difference]:
    """Fields that we do not know, with how many objects carry them."""
    counts: Counter[str] = Counter()
    for shape, objects in shapes.items():
        for name in set(shape) - known:
            counts[name] += objects
    return [
        Difference(endpoint, name, Change.NEW, Drift.IGNORE, values=objects)
        for name, objects in sorted(counts.items())
    ]


def gone(endpoint: str, shapes: Shapes, expected: Mapping[str, Column]) -> list[Difference]:
    """Fields that none of the objects carries, null or not; nothing without objects.

    Raises `PermanentError` where the contract says stop.
    """
    seen = {name for shape in shapes for name in shape}
    missing = [
        Difference(endpoint, name, Change.REMOVED, column.drift)
        for name, column in expected.items()
        if shapes and name not in seen
    ]
    stop = stopping(missing)
    if stop:
        raise PermanentError(
            f"{sentence(stop)}. No coin of the answer carries it, and nothing of the answer was "
            "used. If the vendor renamed the field, the client must follow; if it is gone for good "
            "and can be done without, say so in coin_platform/contracts/database.py (drift)"
        )
    return missing


def of_coins(endpoint: str, rows: Sequence[Mapping[str, Any]]) -> list[Difference]:
    """What is new or gone of a listing's attributes of coins."""
    shapes = shapes_of(rows)
    return unknown(endpoint, shapes, KNOWN_OF_A_COIN) + gone(endpoint, shapes, OF_A_COIN)


def of_listed_quotes(
    endpoint: str, rows: Sequence[Mapping[str, Any]], quotes: Sequence[Mapping[str, Any]]
) -> list[Difference]:
    """What is new or gone of a listing's quotes; both levels may say when they were updated."""
    of_rows, of_quotes = shapes_of(rows), shapes_of(quotes)
    expected = dict(OF_A_QUOTE)
    if any("last_updated" in shape for shape in of_rows):
        del expected["last_updated"]
    return (
        unknown(endpoint, of_quotes, KNOWN_OF_A_QUOTE)
        + gone(endpoint, of_rows, OF_A_LISTED_COIN)
        + gone(endpoint, of_quotes, expected)
    )


def of_points(endpoint: str, quotes: Shapes) -> list[Difference]:
    """What is new or gone of historical quotes, which lack by nature what only a listing has."""
    return unknown(endpoint, quotes, KNOWN_OF_A_QUOTE) + gone(endpoint, quotes, OF_A_POINT)
