"""CoinMarketCap as a source of quotes: which endpoint serves which hour.

The vendor, the simulated market and replayed captures are all asked through this one client.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from coin_platform.errors import PermanentError, TransientError
from coin_platform.partitions import (
    DAY,
    HOUR,
    Window,
    floor_hour,
    instant_text,
    last_closed_hour,
    utc_now,
)
from coin_platform.resources.coinmarketcap import fields
from coin_platform.resources.coinmarketcap.interface import Plan, QuoteSource, Snapshot
from coin_platform.resources.coinmarketcap.transport import Transport, whole_number

if TYPE_CHECKING:
    from coin_platform.resources.coinmarketcap.listing import Listing

LISTING_PATH = "/v3/cryptocurrency/listings/latest"
DEPRECATED_LISTING_PATH = "/v1/cryptocurrency/listings/latest"
KEY_INFO_PATH = "/v1/key/info"

BASIC_CREDITS_MONTHLY = 15_000
BASIC_HISTORY = 30 * DAY
LARGEST_PAGE = 5000
# The vendor computes a listing anew every minute; clocks may differ by seconds.
_LISTING_LIVES = timedelta(minutes=1)
_CLOCK_TOLERANCE = timedelta(minutes=2)


class CoinMarketCap(QuoteSource):
    """The API behind a transport, which says where it is and with which key.

    `listing_path` chooses between v3 and the deprecated v1; the answers of both are recognised by
    their shape. `page_size` is at most 5,000 coins.
    """

    def __init__(
        self,
        transport: Transport,
        *,
        currency: str = "USD",
        listing_path: str = LISTING_PATH,
        page_size: int = LARGEST_PAGE,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._transport = transport
        self._currency = currency
        self._listing_path = listing_path
        self._page_size = page_size
        self._clock = clock
        self._recent: tuple[datetime, int, Listing] | None = None

    def close(self) -> None:
        self._transport.close()

    def now(self) -> datetime:
        return self._clock()

    def plan(self) -> Plan:
        if self._transport.keyless:
            return Plan("keyless", None, None, None)
        data = self._transport.get(KEY_INFO_PATH).data
        limits, month = _inside(data, "plan"), _inside(data, "usage", "current_month")
        monthly = whole_number(limits.get("credit_limit_monthly"))
        # The answer names no plan; its credits tell Basic from the others.
        basic = monthly is not None and monthly <= BASIC_CREDITS_MONTHLY
        return Plan(
            name="Basic" if basic else "above Basic",
            credits_monthly=monthly,
            credits_left=whole_number(month.get("credits_left")),
            requests_per_minute=whole_number(limits.get("rate_limit_minute")),
        )

    def oldest_hour(self) -> datetime | None:
        """Keyless, the hour that closed last; Basic, 30 days ago; None where no limit is known."""
        if self._transport.keyless:
            return last_closed_hour(self.now())
        return floor_hour(self.now()) - BASIC_HISTORY if self.plan().name == "Basic" else None

    def snapshots(
        self, window: Window, coins: int, progress: Callable[[str], None] = lambda _: None
    ) -> Iterator[Snapshot]:
        """See `QuoteSource`. What cannot be served at all raises here, before any request.

        Attributes of coins in past hours are today's, and so is the choice of the largest coins:
        the historical endpoint knows quotes only.
        """
        latest = last_closed_hour(self.now())
        if window.end - HOUR > latest:
            raise PermanentError(
                f"{window} holds hours that have not closed: at {instant_text(self.now())} the "
                f"last closed hour is {instant_text(latest)}. Ask again when they have."
            )
        if self._transport.keyless and window.start < latest:
            raise PermanentError(
                f"without an API key only the hour that closed last can be had "
                f"({instant_text(latest)}), not {window}. Set COINMARKETCAP_API_KEY for the "
                "others: the free Basic plan serves about one month of hours."
            )
        return self._snapshots(window, latest, coins, progress)

    def _snapshots(
        self, window: Window, latest: datetime, coins: int, progress: Callable[[str], None]
    ) -> Iterator[Snapshot]:
        # Here, so that a run that finds nothing to ask for does not wait for pandas.
        from coin_platform.resources.coinmarketcap.history import HISTORY_PATH, fetch_history
        from coin_platform.resources.coinmarketcap.snapshot import (
            coins_table,
            listed_drift,
            listed_quotes_table,
            snapshot,
        )

        listing, credits_used = self._listing(coins)
        progress(f"listing of {len(listing.rows):,} coins")
        origin, endpoint = replace(listing.origin, drift=[]), listing.origin.endpoint
        known = coins_table(listing.rows, origin)
        of_coins = [*fields.of_coins(endpoint, listing.rows), *origin.drift]
        newest = None
        if latest in window:
            self._require_shows(listing, latest)
            origin = replace(origin, drift=[])
            quotes = listed_quotes_table(listing.rows, origin)
            newest = snapshot(
                latest,
                known,
                quotes,
                credits_used=credits_used,
                endpoint=endpoint,
                drift=[*of_coins, *listed_drift(listing.rows, origin)],
            )
            credits_used = 0
        if window.start < latest:
            past = Window(window.start, min(window.end, latest))
            ids = known["coin_id"].to_pylist()
            history = fetch_history(self._transport, past, ids, self._currency, progress)
            if history.off_grid:
                progress(f"{history.off_grid:,} points near no end of an hour were ignored")
            share, rest = divmod(history.credits + credits_used, len(past.hours))
            for number, hour in enumerate(past.hours):
                quotes = history.by_hour.get(hour)
                if quotes is None:
                    raise PermanentError(
                        f"{HISTORY_PATH} has no quotes for the hour {instant_text(hour)}. The "
                        "Basic plan serves hours of about the last 30 days; for older ones take "
                        "a plan with more history, or start the grid later."
                    )
                yield snapshot(
                    hour,
                    known,
                    quotes,
                    credits_used=share + (number < rest),
                    endpoint=HISTORY_PATH,
                    drift=[*of_coins, *history.drift],
                )
        if newest is not None:
            yield newest

    def _listing(self, coins: int) -> "tuple[Listing, int]":
        """The current listing and what it cost now: nothing when it is the last minute's."""
        from coin_platform.resources.coinmarketcap.listing import fetch_listing

        now = self.now()
        if self._recent is not None:
            fetched_at, asked, listing = self._recent
            if asked == coins and timedelta(0) <= now - fetched_at < _LISTING_LIVES:
                return listing, 0
        listing = fetch_listing(
            self._transport, self._listing_path, coins, self._currency, self._page_size
        )
        self._recent = (now, coins, listing)
        return listing, listing.credits

    def _require_shows(self, listing: "Listing", hour: datetime) -> None:
        """Refuse a listing that was not made while `hour` was the hour that closed last."""
        first, last = listing.first_at or self.now(), listing.last_at or self.now()
        if last >= hour + 2 * HOUR:
            raise TransientError(
                f"the hour changed while {listing.origin.endpoint} was read (answered at "
                f"{instant_text(last)}): its prices are no longer those of {instant_text(hour)}. "
                "Ask again; with an API key that hour now comes from the historical endpoint."
            )
        if first < hour + HOUR - _CLOCK_TOLERANCE:
            raise TransientError(
                f"{listing.origin.endpoint} answered at {instant_text(first)}, before the hour "
                f"{instant_text(hour)} closed; check this machine's clock, or ask again."
            )


def _inside(data: Any, *path: str) -> dict[str, Any]:
    """The object at a path of nested objects; empty where there is none."""
    for name in path:
        data = data.get(name) if isinstance(data, dict) else None
    return data if isinstance(data, dict) else {}
