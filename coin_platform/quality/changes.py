"""Coins that appeared or vanished since the hour before."""

import numpy as np

from coin_platform.quality.findings import Finding, too_few
from coin_platform.quality.hours import Floats, Hours
from coin_platform.quality.limits import Limits
from coin_platform.quality.robust import usual


def coin_changes(quotes: Hours, limits: Limits) -> Finding:
    """Whether no more coins appeared or vanished than is usual, by how large they are."""
    hours = max(len(quotes.starts) - 2, 0)  # what was before the first hour is not known
    if unknown := too_few(hours, limits):
        return unknown
    place = place_of_changed(quotes)
    numbers: dict[str, float] = {"hours_compared": hours}
    texts, passed = [], True
    for tier in limits.tiers:
        *before, changed = (place <= tier.place).sum(axis=1)[1:].tolist()
        floor = max(tier.coins, tier.share * int(quotes.present[-2].sum()))
        most = int(max(floor, usual(before).most(limits.sigmas, 0)))
        passed = passed and changed <= most
        texts.append(f"{tier.name.replace('_', ' ')} {changed} (at most {most})")
        numbers |= {tier.name: changed, f"most_of_{tier.name}": most}
    text = f"appeared or vanished: {', '.join(texts)}"
    return Finding(passed, text, numbers, largest_changes(quotes, place[-1], limits.worst))


def place_of_changed(quotes: Hours) -> Floats:
    """The place of each coin that appeared, and the former place of each that vanished."""
    former = np.full_like(quotes.place, np.nan)
    former[1:] = quotes.place[:-1]
    place: Floats = np.where(quotes.vanished, former, np.nan)
    return np.where(quotes.appeared, quotes.place, place)


def largest_changes(quotes: Hours, place: Floats, worst: int) -> list[dict[str, str]]:
    """The coins that appeared or vanished in the last hour, the largest first."""
    rows = []
    changed = int(np.sum(~np.isnan(place)))
    for n in np.argsort(place, kind="stable")[: min(worst, changed)]:
        is_new = bool(quotes.present[-1, n])
        rows.append(
            {
                "coin_id": str(quotes.coins[n]),
                "what": "appeared" if is_new else "vanished",
                "place by market cap": f"{place[n]:.1%}",
                "market cap": f"{quotes.market_cap[-1 if is_new else -2, n]:.6g}",
            }
        )
    return rows
