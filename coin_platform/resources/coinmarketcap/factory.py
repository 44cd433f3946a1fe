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

    transport = Transport(settings.coinmarketcap_url, api_key(settings))
    return CoinMarketCap(transport, currency=settings.currency, clock=clock)


def api_key(settings: Settings) -> str | None:
    """The key of the API: as set, or as it stands in the secret that is named; None without one.

    Raises `PermanentError` for a secret that is not there, or that we may not read.
    """
    if settings.coinmarketcap_api_key:
        return settings.coinmarketcap_api_key.get_secret_value()
    if not settings.coinmarketcap_secret:
        return None
    from coin_platform.resources.aws.secrets import field_of, read_secret

    name = settings.coinmarketcap_secret
    return field_of(read_secret(settings, name), ("api_key", "key", "value"), name)
