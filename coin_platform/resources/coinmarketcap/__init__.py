"""CoinMarketCap: the source of quotes.

    open_source ──► CoinMarketCap ──► listing, history ──► Transport ──► HTTP
    (factory)       (client)                │
                                            ▼
                                      snapshot, columns ──► Snapshot

`Simulated` and `Replay` are the same client before a server of this process. `interface.py` is
what the rest of the platform sees.
"""

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from coin_platform.partitions import utc_now
from coin_platform.resources.coinmarketcap.interface import Plan, QuoteSource, Snapshot

if TYPE_CHECKING:
    from coin_platform.settings import Settings

__all__ = ["Plan", "QuoteSource", "Snapshot", "open_source"]


def open_source(settings: "Settings", clock: Callable[[], datetime] = utc_now) -> QuoteSource:
    """The source of `settings.source`, see `factory.py`; imported when it is asked for."""
    from coin_platform.resources.coinmarketcap import factory

    return factory.open_source(settings, clock)
