"""The simulated market as a source of quotes: its server and the ordinary client, as one."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from coin_platform.partitions import Window, utc_now
from coin_platform.resources.coinmarketcap.interface import Plan, QuoteSource, Snapshot
from coin_platform.simulator.faults import Faults

if TYPE_CHECKING:
    from coin_platform.resources.coinmarketcap.client import CoinMarketCap
    from coin_platform.simulator.server import SimulatedMarket

_ANY_KEY = "simulated"


class Simulated(QuoteSource):
    """A market under a seed, served by this process; nothing is started before the first call."""

    def __init__(
        self,
        seed: int,
        *,
        currency: str = "USD",
        clock: Callable[[], datetime] = utc_now,
        faults: Faults = (),
    ) -> None:
        """`faults` are what goes wrong in its answers, for tests and demonstrations."""
        self._seed = seed
        self._currency = currency
        self._clock = clock
        self._faults = faults
        self._lock = threading.Lock()
        self._opened: tuple[SimulatedMarket, CoinMarketCap] | None = None

    def close(self) -> None:
        with self._lock:
            if self._opened is not None:
                market, client = self._opened
                client.close()
                market.stop()
                self._opened = None

    def now(self) -> datetime:
        return self._clock()

    def plan(self) -> Plan:
        return replace(self._client().plan(), name="simulated")

    def oldest_hour(self) -> datetime | None:
        return None

    def snapshots(
        self, window: Window, coins: int, progress: Callable[[str], None] = lambda _: None
    ) -> Iterator[Snapshot]:
        return self._client().snapshots(window, coins, progress)

    def _client(self) -> "CoinMarketCap":
        with self._lock:
            if self._opened is None:
                from coin_platform.resources.coinmarketcap.client import CoinMarketCap
                from coin_platform.resources.coinmarketcap.transport import Transport
                from coin_platform.simulator.server import SimulatedMarket

                market = SimulatedMarket(self._seed, clock=self._clock, faults=self._faults).start()
                client = CoinMarketCap(
                    Transport(market.url, _ANY_KEY), currency=self._currency, clock=self._clock
                )
                self._opened = market, client
            return self._opened[1]
