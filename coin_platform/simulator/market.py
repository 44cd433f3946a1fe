"""What the simulated coins are worth at the end of any hour: a function of (seed, coin, hour).

Hours are counted from 1970-01-01T00:00Z; hour `h` means the market as that hour closes.
"""

import math

import numpy as np

from coin_platform.settings import MOST_COINS
from coin_platform.simulator.catalogue import STABLE, Coin, coins
from coin_platform.simulator.noise import Floats, Integers, growth, uniform

SPANS = {"1h": 1, "24h": 24, "7d": 168, "30d": 720, "60d": 1440, "90d": 2160}

_PRICE_OCTAVES = ((1, 0.003), (5, 0.01), (24, 0.02), (168, 0.06), (720, 0.1), (4380, 0.22))
_VOLUME_OCTAVES = ((1, 0.02), (24, 0.1), (168, 0.25))
_WHOLE_MARKET = np.zeros(1, dtype=np.int64)  # a stream that no coin has: ids begin at 1
_VOLUMES = 1 << 32  # streams of volumes, apart from those of prices


class Market:
    """`count` coins under a seed, by default all that can ever be asked for.

    `rows` arguments are positions in `coins`.
    """

    def __init__(self, seed: int, count: int = MOST_COINS) -> None:
        if not 1 <= count <= MOST_COINS:
            message = f"the simulated market has 1 to {MOST_COINS:,} coins, not {count:,}"
            raise ValueError(message)
        self.seed = seed
        self.coins: list[Coin] = coins(seed, count)
        self.row_of = {coin.id: coin.position for coin in self.coins}
        self._ids = np.array([coin.id for coin in self.coins])
        self._base = np.array([coin.base_price for coin in self.coins])
        self._supply = np.array([coin.circulating_supply for coin in self.coins])
        first = [math.ceil(coin.date_added.timestamp() / 3600) for coin in self.coins]
        self._first_hour = np.array(first)
        # How strongly a coin moves by itself and with the market; a stable coin hardly does.
        self._swing = 0.3 + 1.2 * uniform(seed, self._ids, 1 << 20)
        self._beta = 0.5 + uniform(seed, self._ids, 1 << 21)
        self._turnover = 0.002 + 0.1 * uniform(seed, self._ids, 1 << 22)
        self._swing[STABLE : STABLE + 1] = self._beta[STABLE : STABLE + 1] = 0.004
        self._delays_us = (5_000_000 + 60e6 * uniform(seed, self._ids, 1 << 23)).astype(np.int64)

    def listed(
        self, rows: Integers, hours: Integers
    ) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
        """Whether each coin was listed when each hour closed, shape (rows, hours)."""
        return self._first_hour[rows][:, None] <= hours

    def prices(self, rows: Integers, hours: Integers) -> Floats:
        """USD, shape (rows, hours)."""
        together = np.repeat(_WHOLE_MARKET, len(rows))
        prices: Floats = (
            self._base[rows][:, None]
            * growth(self.seed, self._ids[rows], hours, _PRICE_OCTAVES, self._swing[rows])
            * growth(self.seed, together, hours, _PRICE_OCTAVES, self._beta[rows])
        )
        return prices

    def volumes(self, rows: Integers, hours: Integers) -> Floats:
        """USD traded over the 24 hours before each hour's end, shape (rows, hours)."""
        usual = self._base[rows] * np.maximum(self._supply[rows], 1) * self._turnover[rows]
        streams = self._ids[rows] + _VOLUMES
        volumes: Floats = usual[:, None] * growth(self.seed, streams, hours, _VOLUME_OCTAVES, 1.0)
        return volumes

    def quotes(self, rows: Integers, hours: Integers) -> dict[str, Floats]:
        """The vendor's fields that follow from price and volume, each of shape (rows, hours)."""
        spans = np.array([0, *SPANS.values()])
        wanted, where = np.unique(hours - spans[:, None], return_inverse=True)
        then = self.prices(rows, wanted)[:, where.reshape(len(spans), len(hours))]
        price = then[:, 0]
        changes = {
            f"percent_change_{span}": np.round((price / then[:, number] - 1) * 100, 8)
            for number, span in enumerate(SPANS, start=1)
        }
        volume = self.volumes(rows, hours)
        yesterday = self.volumes(rows, hours - 24)
        return {
            "price": price,
            "volume_24h": volume,
            "volume_change_24h": np.round((volume / yesterday - 1) * 100, 4),
            **changes,
            "market_cap": price * self._supply[rows][:, None],
        }

    def last_updated_us(self, rows: Integers, hours: Integers) -> Integers:
        """When each quote was computed, 5 to 65 s before the hour's end; in us since 1970."""
        delays = self._delays_us[rows][:, None]
        instants: Integers = (hours + 1) * 3_600_000_000 - delays
        return instants
