"""The newest closes of all coins at once, for what the list of coins says of each."""

from dataclasses import dataclass, field
from datetime import date
from math import isnan
from typing import TYPE_CHECKING

from coin_platform.partitions import DAY

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pyarrow as pa

DIGITS = b"0123456789abcdefghijklmnopqrstuvwxyz"
NOTHING = b"-"


@dataclass(frozen=True)
class Closes:
    """A row for each coin and a column for each day up to the newest; NaN for what is not known."""

    grid: "npt.NDArray[np.float64]" = field(repr=False)

    def days_ago(self, days: int) -> list[float | None]:
        """Each coin's close so many days before the newest."""
        if days >= self.grid.shape[1]:
            return [None] * len(self.grid)
        return [None if isnan(close) else close for close in self.grid[:, -1 - days].tolist()]

    def lines(self) -> list[str]:
        """Each coin's closes from its first, as digits to base 36; a day without one: `-`.

        The lowest of a coin is 0 and the highest z.
        """
        import numpy as np

        known = ~np.isnan(self.grid)
        low = self.grid.min(axis=1, where=known, initial=np.inf, keepdims=True)
        high = self.grid.max(axis=1, where=known, initial=-np.inf, keepdims=True)
        part = np.full_like(self.grid, 0.5)
        np.divide(self.grid - low, high - low, out=part, where=known & (high > low))
        digits = np.rint(part * (len(DIGITS) - 1)).astype(np.uint8)
        signs = np.frombuffer(DIGITS + NOTHING, np.uint8)
        texts = signs[np.where(known, digits, len(DIGITS))]
        return [bytes(text).lstrip(NOTHING).decode() for text in texts]


def closes_of(recent: "pa.Table", coins: "pa.ChunkedArray", first: date, last: date) -> Closes:
    """The closes of these coins, whose ids ascend, among daily prices of the days."""
    import numpy as np

    ids, of = coins.to_numpy(), recent["coin_id"].to_numpy()
    days = recent["day"].to_numpy().astype("datetime64[D]") - np.datetime64(first, "D")
    closes = recent["close"].to_numpy()
    rows = np.searchsorted(ids, of)
    shown = np.isin(of, ids) & np.isfinite(closes)
    grid = np.full((len(ids), (last - first) // DAY + 1), np.nan)
    grid[rows[shown], days[shown].astype(int)] = closes[shown]
    return Closes(grid)
