"""Whether an hour is as the hours before it let one expect, four times over.

Each judgement compares a number of the hour with the same number of the hours of a fixed look-back,
by median and MAD. Hours without rows are absent: they are neither judged nor compared with.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime

import pandas as pd

from coin_platform.quality.changes import coin_changes
from coin_platform.quality.findings import Finding, compared, too_few
from coin_platform.quality.hours import Hours, side_by_side
from coin_platform.quality.limits import Limits
from coin_platform.quality.prices import price_jumps
from coin_platform.quality.robust import usual


def judge(
    quotes: pd.DataFrame,
    hours: Sequence[datetime],
    nullable: Sequence[str],
    listing_only: Collection[str] = (),
    limits: Limits | None = None,
) -> dict[datetime, dict[str, Finding]]:
    """The findings of each hour by the name of the check.

    `quotes` holds `snapshot_hour`, `coin_id`, `price`, `market_cap` and the nullable columns of
    those hours and of the look-back before them. `listing_only` are the columns that no history
    tells: an hour in which all of them are null is not judged by them, nor compared with.
    """
    limits = limits or Limits()
    arranged = side_by_side(quotes, nullable, listing_only)
    found = {}
    for hour in hours:
        known = arranged.up_to(hour, limits.look_back)
        found[hour] = {
            name: judgement(known, limits) if known else NO_ROWS
            for name, judgement in JUDGEMENTS.items()
        }
    return found


def row_counts(quotes: Hours, limits: Limits) -> Finding:
    """Whether the last hour has about as many rows as those before it."""
    rows, of = int(quotes.rows[-1]), usual(quotes.rows[:-1])
    if unknown := too_few(of.count, limits):
        return unknown
    floor = max(limits.rows, limits.rows_share * of.centre)
    least, most = of.least(limits.sigmas, floor), of.most(limits.sigmas, floor)
    text = f"{rows} rows; usual are {least:.0f} to {most:.0f}"
    numbers = compared("rows", rows, of, least=least, most=most)
    return Finding(bool(least <= rows <= most), text, numbers)


def null_shares(quotes: Hours, limits: Limits) -> Finding:
    """Whether no column of the last hour has a larger share of nulls than in those before."""
    hours = len(quotes.starts) - 1
    if unknown := too_few(hours, limits):
        return unknown
    floor = max(limits.null_share, limits.null_rows / int(quotes.rows[-1]))
    found = []
    for column in quotes.null_shares:
        *before, now = quotes.null_shares[column]
        of = usual(before)
        most = of.most(limits.sigmas, floor)
        if of.count >= limits.least_hours and now > most:
            found.append((now - most, str(column), now, of.centre, most))
    worst = [
        {"column": name, "nulls": f"{now:.1%}", "usual": f"{was:.1%}", "at most": f"{most:.1%}"}
        for _, name, now, was, most in sorted(found, key=lambda row: (-row[0], row[1]))
    ][: limits.worst]
    numbers = {"columns": len(found), "hours_compared": hours}
    if not found:
        return Finding(True, "no column has more nulls than usual", numbers)
    named = ", ".join(f"{row['column']} {row['nulls']} (usual {row['usual']})" for row in worst)
    return Finding(False, f"more nulls than usual: {named}", numbers, worst)


NO_ROWS = Finding(True, "no rows to judge: see has_rows")
JUDGEMENTS: Mapping[str, Callable[[Hours, Limits], Finding]] = {
    "row_count_is_usual": row_counts,
    "null_shares_are_usual": null_shares,
    "price_jumps_are_usual": price_jumps,
    "same_coins_as_before": coin_changes,
}
"""Each judges the last hour by those before it, and by nothing else."""
