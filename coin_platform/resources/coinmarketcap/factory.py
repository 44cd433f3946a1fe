"""Which source of quotes the settings ask for."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from coin_platform.resources.coinmarketcap.interface import QuoteSource
from coin_platform.settings import Settings


def open_source(settings: Settings, clock: Callable[[], datetime]) -> QuoteSource:
    """The source of `settings.source`; use it in a `with` statement, or `close` it.

    Nothing is asked for, read or started before the first call that needs it. A replay has the
    clock of its captures. Raises `SettingsError` for a key that cannot be one.
    """
    if settings.source_kind == "replay":
        from coin_platform.resources.coinmarketcap.replay import Replay

        return Replay(
            Path(settings.source.partition(":")[2]).expanduser(), currency=settings.currency
        )
    if settings.source_kind == "simulated":
        from coin_platform.resources.coinmarketcap.simulated import Simulated

        return Simulated(settings.simulator_seed, currency=settings.currency, clock=clock)
    from coin_platform.resources.coinmarketcap.client import CoinMarketCap
    from coin_platform.resources.coinmarketcap.transport import Transport

    secret = settings.coinmarketcap_api_key
    transport = Transport(settings.coinmarketcap_url, secret.get_secret_value() if secret else None)
    return CoinMarketCap(transport, currency=settings.currency, clock=clock)
