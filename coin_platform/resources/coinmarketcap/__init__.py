"""CoinMarketCap: the source of quotes.

    open_source ──► CoinMarketCap ──► listing, history ──► Transport ──► HTTP
    (factory)       (client)                │
                                            ▼
                                      snapshot, columns ──► Snapshot

`Simulated` and `Replay` are the same client before a server of this process. `interface.py` is
what the rest of the platform sees.
"""

from coin_platform.resources.coinmarketcap.factory import open_source
from coin_platform.resources.coinmarketcap.interface import Plan, QuoteSource, Snapshot

__all__ = ["Plan", "QuoteSource", "Snapshot", "open_source"]
