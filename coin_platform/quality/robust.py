"""The usual value of some numbers and how far they stray from it, whatever a few of them do.

The median and the median absolute deviation (MAD) hold until half of the numbers are wrong; a mean
and a standard deviation are moved at will by one.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

SIGMA = 1.4826
"""Times the MAD of a normal distribution is its standard deviation."""


@dataclass(frozen=True)
class Usual:
    """The median of numbers, their MAD times `SIGMA`, and how many they were; NaN where none."""

    centre: float
    spread: float
    count: int

    def most(self, sigmas: float, floor: float) -> float:
        """The largest usual value: so many spreads above the centre, and at least `floor`.

        The floor is what keeps numbers that never change from making every change unusual.
        """
        return self.centre + max(sigmas * self.spread, floor)

    def least(self, sigmas: float, floor: float) -> float:
        """The smallest usual value."""
        return self.centre - max(sigmas * self.spread, floor)


def usual(values: npt.ArrayLike) -> Usual:
    """What is usual of finite numbers; NaN among them are left out."""
    numbers = np.asarray(values, dtype=np.float64)
    numbers = numbers[~np.isnan(numbers)]
    if not numbers.size:
        return Usual(np.nan, np.nan, 0)
    centre = float(np.median(numbers))
    spread = SIGMA * float(np.median(np.abs(numbers - centre)))
    return Usual(centre, spread, int(numbers.size))
