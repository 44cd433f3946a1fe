"""The current listing, page by page, from a ranking that moves while it is read.

A coin that moves down across the edge of a page comes twice: its newest quote is kept. One that
moves up across the edge slips between the pages and is missing from this listing; the hour then
lacks its quote, which volume checks see, and the next hour has it again. Asking anew could not
give it the price of the same instant.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from coin_platform.errors import PermanentError, TransientError
from coin_platform.resources.coinmarketcap.snapshot import Origin, coin_id_of, quote_of
from coin_platform.resources.coinmarketcap.transport import Answer, Transport, instant

_NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Listing:
    """The largest coins of one moment: raw objects, each id once, in the vendor's order.

    `first_at` and `last_at` are the vendor's clock at the first and the last page, None where it
    did not say.
    """

    rows: list[dict[str, Any]]
    origin: Origin
    credits: int
    first_at: datetime | None
    last_at: datetime | None


def fetch_listing(
    transport: Transport, path: str, coins: int, currency: str, page_size: int
) -> Listing:
    """At most `coins` coins, largest capitalization first.

    Raises what `Transport.get` raises, `TransientError` where the listing is empty, and
    `PermanentError` for a row without an id.
    """
    newest: dict[int, tuple[datetime, dict[str, Any]]] = {}
    answers: list[Answer] = []
    start = 1
    while start <= coins:
        limit = min(page_size, coins - start + 1)
        answer = transport.get(path, {"start": start, "limit": limit, "convert": currency})
        if not isinstance(answer.data, list):
            raise PermanentError(
                f"{answer.endpoint}: data is a {type(answer.data).__name__}, not a list of coins; "
                "the vendor changed its answers and the client must follow"
            )
        answers.append(answer)
        origin = Origin(answer.endpoint, currency, answer.simulated)
        for row in answer.data:
            identity = coin_id_of(row, answer.endpoint)
            quote = quote_of(row, identity, origin)
            updated = instant(quote.get("last_updated") or row.get("last_updated")) or _NEVER
            if identity not in newest or newest[identity][0] < updated:
                newest[identity] = (updated, row)
        if len(answer.data) < limit:
            break
        start += limit
    if not newest:
        raise TransientError(f"{answers[0].endpoint} listed no coins at all; try again later.")
    return Listing(
        rows=[row for _, row in newest.values()][:coins],
        origin=origin,
        credits=sum(answer.credits for answer in answers),
        first_at=answers[0].timestamp,
        last_at=answers[-1].timestamp,
    )
