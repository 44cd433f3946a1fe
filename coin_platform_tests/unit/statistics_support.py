"""Quotes of the simulated market as the statistical checks read them, and what these find."""

from datetime import UTC, datetime

import numpy as np
import pandas as pd

from coin_platform.defs.processed.statistics import STATISTICS
from coin_platform.partitions import HOUR
from coin_platform.quality.statistics import judge
from coin_platform.simulator.market import Market

ROWS, NULLS, PRICES, COINS = (check.name for check in STATISTICS)
H0 = datetime(2026, 10, 1, tzinfo=UTC)
NOW = 498_000  # an hour of 2026, counted from 1970
HOURS = [H0 + HOUR * n for n in range(48)]
LAST = HOURS[-1]
LISTING_ONLY = ("cmc_rank", "market_cap_dominance")
NULLABLE = ("price", "market_cap", "volume_24h", *LISTING_ONLY)
MARKET = Market(7, 1000)


def quotes_of(coins=500, hours=HOURS, from_history=()):
    """The largest coins of each hour; hours `from_history` show the coins of the hour after them.

    Of history the columns are null that only a listing tells.
    """
    rows, numbers = np.arange(len(MARKET.coins)), NOW + np.arange(len(hours))
    market = MARKET.quotes(rows, numbers)
    parts = []
    for n, hour in enumerate(hours):
        listed_at = next((later for later in range(n, len(hours)) if later not in from_history), n)
        largest = np.argsort(-market["market_cap"][:, listed_at], kind="stable")[:coins]
        of_hour = {name: market[name][largest, n] for name in ("price", "market_cap", "volume_24h")}
        told = np.nan if n in from_history else 1.0
        listing = {"cmc_rank": told * np.arange(1, coins + 1), "market_cap_dominance": told}
        parts.append(
            pd.DataFrame({"snapshot_hour": hour, "coin_id": largest + 1, **of_hour, **listing})
        )
    return pd.concat(parts, ignore_index=True)


def at(quotes, hour=LAST, *ranks):
    """The index of an hour's rows, or of those of some ranks by market cap, from 1."""
    rows = quotes[quotes["snapshot_hour"] == hour].sort_values("market_cap", ascending=False)
    return rows.index[[rank - 1 for rank in ranks]] if ranks else rows.index


def found(quotes, hour=LAST):
    return judge(quotes, [hour], NULLABLE, LISTING_ONLY)[hour]


def warned(quotes, hours=(LAST,)):
    """The checks that warn of each of the hours that has any."""
    findings = judge(quotes, hours, NULLABLE, LISTING_ONLY)
    names = {
        hour: [name for name, of in by_name.items() if not of.passed]
        for hour, by_name in findings.items()
    }
    return {hour: of for hour, of in names.items() if of}
