"""Homes for works that need the whole platform: the simulated market at a fixed instant.

What the platform asks of Dagster and its own tables is real; a long past is made by copying a day
that the platform has done, so that it need not be waited for.
"""

import logging
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from unittest.mock import patch

from benchmarks.data import FIRST_HOUR
from coin_platform.partitions import HOUR, Window
from coin_platform.resources.coinmarketcap.simulated import Simulated
from coin_platform.settings import Settings, load

# Hours begin here: far enough from the grid's start for any past, and all of them before today,
# where Dagster's grid ends.
BEGIN = FIRST_HOUR + timedelta(days=200)


class Nobody:
    """Watches runs without a word."""

    def plan(self, steps: int) -> None: ...

    def record(self, record: logging.LogRecord) -> None: ...


def settings_of(home: Path, coins: int) -> Settings:
    """Settings of a home, made those of the process, as the command line does."""
    from coin_platform.cli.run import use

    settings = load(home=home, coins=coins, start=FIRST_HOUR)
    use(settings)
    return settings


@contextmanager
def market(settings: Settings, last: datetime) -> Iterator[Simulated]:
    """The simulated market, and the platform, as the hour `last` has just closed.

    By the real clock each hour of the past would be a revision of a day that was published.
    """
    from coin_platform.defs.serving import assets
    from coin_platform.running import session
    from coin_platform.transforms import publishing

    def clock() -> datetime:
        return last + HOUR + timedelta(minutes=2)

    source = Simulated(settings.simulator_seed, clock=clock)
    with ExitStack() as patched:
        patched.callback(source.close)
        for module in (assets, session, publishing):
            patched.enter_context(patch.object(module, "utc_now", clock))
        yield source


def hours_from(begin: datetime, count: int) -> list[datetime]:
    return Window(begin, begin + HOUR * count).hours
