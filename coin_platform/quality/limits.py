"""How far from usual is too far: every threshold of the statistical checks, with its reason."""

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True)
class Tier:
    """The coins down to a `place` (share of the ranking), and how many of them may change.

    Usual is at most the `coins` or the `share` of all coins, whichever is more.
    """

    name: str
    place: float
    coins: int
    share: float


@dataclass(frozen=True)
class Limits:
    """What the checks allow; a floor says what is never unusual, however calm it was before."""

    # A day holds both its busy and its quiet hours. It is fixed, so the cost does not grow.
    look_back: timedelta = timedelta(hours=24)
    # The median and MAD of fewer numbers say little: one odd hour of five moves them.
    least_hours: int = 6
    # Hourly numbers of a market have heavy tails: three sigmas would warn every other day.
    sigmas: float = 6.0

    # The listing's length wavers by coins that are between two pages as they are fetched.
    rows: int = 2
    rows_share: float = 0.01

    # A few coins gain or lose a value each hour; the rows matter where there are few coins.
    null_rows: int = 2
    null_share: float = 0.01

    # News moves the whole market by some times the usual, which is small in calm hours.
    market_move: float = 0.03
    market_move_times: float = 5.0

    # Within an hour no coin of the thousand largest moves by a third in ordinary times. In a crash
    # all coins move, so a coin must stand out of its hour as well; the smallest spread is for hours
    # in which most prices stand still.
    jump_factor: float = 3.0
    jump_sigmas: float = 8.0
    jump_smallest_spread: float = 0.001
    # Among thousands of coins one small coin or another is pumped or dies in many an hour.
    jumps_share: float = 0.001
    # That excuses no wrong unit or digit, which is a factor of 10 or more, and no large coin.
    grave_factor: float = 10.0
    grave_place: float = 0.1

    # The listing holds the largest coins, so that at its lower end coins come and go each hour, and
    # more between an hour of one listing and an hour of another. A large coin does neither.
    tiers: tuple[Tier, ...] = (
        Tier("largest_tenth", place=0.1, coins=0, share=0.0),
        Tier("largest_four_fifths", place=0.8, coins=2, share=0.01),
        Tier("all_coins", place=1.0, coins=5, share=0.2),
    )

    # Offenders listed in the metadata.
    worst: int = 10
