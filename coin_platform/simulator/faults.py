"""What can go wrong with the vendor's answers, declared; `server.py` makes it happen."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

MISSING: Final = object()
"""As the value of a `BadValue`: the field is left out."""


@dataclass(frozen=True)
class Fault:
    """The next `times` requests whose path contains `path` go wrong.

    `kind` is an error code of the vendor's table (answered as the vendor does, with the header
    `Retry-After` where `retry_after` is given), or: `html` (HTTP 502 with a page for people),
    `cut_off` (the connection breaks inside the body), `half_json` (HTTP 200, a body that ends in
    the middle), `silent` (no answer within the client's patience), `empty` (no data, no error).
    """

    kind: int | Literal["html", "cut_off", "half_json", "silent", "empty"]
    times: int = 1
    path: str = ""
    retry_after: int | None = None


@dataclass(frozen=True)
class MovingRanking:
    """Between pages of a listing, coins change places across the edge.

    With `by` positive, so many coins of a page come again on the next with a newer quote; with
    `by` negative, so many slip through and are on none.
    """

    by: int = 1


@dataclass(frozen=True)
class BadValue:
    """One field of one coin, in listings and in history, has this value, whatever it is.

    `field` is the vendor's, of the coin and of its quote, wherever it is, or `quote` itself; one
    that is in neither is added to a listing's coin. `coin_id` None means every coin.
    """

    coin_id: int | None
    field: str
    value: Any


Faults = Sequence[Fault | MovingRanking | BadValue]

HTTP_STATUS = {
    400: 400, 4001: 400, 4002: 400, 1001: 401, 1002: 401, 1003: 402, 1004: 402, 1005: 403,
    1006: 403, 1007: 403, 1008: 429, 1009: 429, 1010: 429, 1011: 429, 1022: 429, 404: 404, 500: 500,
}  # fmt: skip
