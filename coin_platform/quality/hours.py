"""The quotes of some hours side by side: hours down, coins across.

What is computed of one hour alone or of an hour and the one before it; whether it is usual is
`statistics.py`'s to judge.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd

from coin_platform.partitions import HOUR

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Integers = npt.NDArray[np.int64]

# Beyond these a price counts as these: reaching zero is a jump then, and staying there is none.
SMALLEST_PRICE, LARGEST_PRICE = 1e-30, 1e300


@dataclass(frozen=True)
class Hours:
    """The hours that hold rows, ascending, and every coin that any of them quotes, by id.

    `price`, `market_cap` and `place` have the shape (hours, coins), and are NaN where there is no
    row or a null. `place` is a coin's place among the hour's coins by market cap, as a share: the
    smallest has 1, those without a market cap come last. `null_shares` is (hours, columns), and NaN
    where the endpoint that told the hour has no such column.
    """

    starts: pd.DatetimeIndex
    coins: Integers
    rows: Integers
    price: Floats
    market_cap: Floats
    place: Floats
    null_shares: pd.DataFrame

    @cached_property
    def present(self) -> Flags:
        """Whether a coin has a row in an hour."""
        return ~np.isnan(self.place)

    @cached_property
    def gaps(self) -> Floats:
        """Hours since the hour before; NaN for the first."""
        gaps = np.diff(self.starts.to_numpy()) / np.timedelta64(HOUR)
        return np.concatenate([[np.nan], gaps]).astype(np.float64)

    @cached_property
    def moves(self) -> Floats:
        """Logarithm of each price over that of the hour before; NaN where one is not known."""
        logs = np.log(np.clip(self.price, SMALLEST_PRICE, LARGEST_PRICE))
        moves: Floats = np.full_like(logs, np.nan)
        moves[1:] = np.diff(logs, axis=0)
        return moves

    @property
    def appeared(self) -> Flags:
        """Coins with a row that had none in the hour before; no coin of the first hour."""
        return self._changed(self.present[1:] & ~self.present[:-1])

    @property
    def vanished(self) -> Flags:
        """Coins without a row that had one in the hour before."""
        return self._changed(self.present[:-1] & ~self.present[1:])

    def _changed(self, since_the_first: Flags) -> Flags:
        return np.concatenate([np.zeros_like(self.present[:1]), since_the_first])

    def up_to(self, hour: datetime, look_back: timedelta) -> "Hours | None":
        """The hour, now the last, with the hours of its look-back; None where it has no rows."""
        at = int(self.starts.searchsorted(pd.Timestamp(hour)))
        if at == len(self.starts) or self.starts[at] != hour:
            return None
        taken = slice(int(self.starts.searchsorted(pd.Timestamp(hour - look_back))), at + 1)
        return Hours(
            starts=self.starts[taken],
            coins=self.coins,
            rows=self.rows[taken],
            price=self.price[taken],
            market_cap=self.market_cap[taken],
            place=self.place[taken],
            null_shares=self.null_shares[taken],
        )


def side_by_side(
    quotes: pd.DataFrame, nullable: Sequence[str], listing_only: Collection[str]
) -> Hours:
    """Arrange quotes with `snapshot_hour`, `coin_id`, `price`, `market_cap` and nullable columns.

    Of two rows of a coin and hour the later counts, save in `rows` and `null_shares`. An hour was
    told by history when all its `listing_only` columns are null.
    """
    of_hour, starts = pd.factorize(quotes["snapshot_hour"], sort=True)
    of_coin, coins = pd.factorize(quotes["coin_id"], sort=True)

    def matrix(values: npt.ArrayLike) -> Floats:
        made = np.full((len(starts), len(coins)), np.nan)
        made[of_hour, of_coin] = values
        return made

    null_shares = quotes[list(nullable)].isna().groupby(of_hour).mean()
    of_listings = [column for column in nullable if column in listing_only]
    from_history = (null_shares[of_listings] == 1.0).all(axis=1)
    null_shares.loc[from_history, of_listings] = np.nan
    present = ~np.isnan(matrix(1.0))
    market_cap = matrix(quotes["market_cap"].to_numpy(np.float64))
    return Hours(
        starts=pd.DatetimeIndex(starts),
        coins=np.asarray(coins, dtype=np.int64),
        rows=np.bincount(of_hour, minlength=len(starts)),
        price=matrix(quotes["price"].to_numpy(np.float64)),
        market_cap=market_cap,
        place=places(market_cap, present),
        null_shares=null_shares,
    )


def places(market_cap: Floats, present: Flags) -> Floats:
    """Each coin's place by market cap among those present in its hour, as a share of them."""
    nothing = np.where(present, -1.0, -2.0)
    worth = np.where(np.isnan(market_cap), nothing, np.maximum(market_cap, 0.0))
    order = np.argsort(-worth, axis=1, kind="stable")
    place = np.empty_like(worth)
    np.put_along_axis(place, order, np.arange(1.0, worth.shape[1] + 1)[None, :], axis=1)
    place /= np.maximum(present.sum(axis=1, keepdims=True), 1)
    place[~present] = np.nan
    return place
