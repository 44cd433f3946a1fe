"""How far prices moved since the hour before: the market as a whole, and single coins."""

import numpy as np

from coin_platform.quality.findings import Finding, compared, too_few
from coin_platform.quality.hours import Flags, Hours
from coin_platform.quality.limits import Limits
from coin_platform.quality.robust import usual


def price_jumps(quotes: Hours, limits: Limits) -> Finding:
    """Whether the market as a whole, and each coin, moved in the last hour as much as is usual."""
    # A move over several hours is as large as that of one times the root of their number.
    typical = np.array([usual(np.abs(row)).centre for row in quotes.moves]) / np.sqrt(quotes.gaps)
    *before, move = typical.tolist()
    if np.isnan(move):
        return Finding(True, "no coin has a price both in this hour and in the one before it")
    of = usual(before)
    if unknown := too_few(of.count, limits):
        return unknown
    most = max(limits.market_move, limits.market_move_times * of.centre)
    most = max(most, of.most(limits.sigmas, 0))
    jumped = jumps(quotes, limits)
    known = ~np.isnan(typical)
    all_, most_all = count_of(jumped[known], limits)
    grave, most_grave = count_of((jumped & are_grave(quotes, limits))[known], limits)
    most_all = max(most_all, int(limits.jumps_share * int(quotes.present[-1].sum())))
    text = (
        f"prices moved by {np.expm1(move):.2%} (usual {np.expm1(of.centre):.2%}, at most "
        f"{np.expm1(most):.2%}); {all_} coins jumped (at most {most_all}), {grave} of them "
        f"large or by a factor of {limits.grave_factor:g} (at most {most_grave})"
    )
    numbers = {
        **compared("median_move", move, of, most=most),
        "jumps": all_,
        "most_jumps": most_all,
        "grave_jumps": grave,
        "most_grave_jumps": most_grave,
    }
    passed = move <= most and all_ <= most_all and grave <= most_grave
    return Finding(passed, text, numbers, worst_jumps(quotes, jumped[-1], limits.worst))


def count_of(jumped: Flags, limits: Limits) -> tuple[int, int]:
    """How many coins jumped in the last hour, and how many usually do at most."""
    counts = jumped.sum(axis=1)
    return int(counts[-1]), int(usual(counts[:-1]).most(limits.sigmas, 0))


def jumps(quotes: Hours, limits: Limits) -> Flags:
    """Which coins jumped in each hour, shape (hours, coins).

    A price that lies within those of the hours before is no jump: a coin that comes back from a
    wrong price, or that flickers between two, was told of when it first left.
    """
    price, moves = quotes.price, quotes.moves
    jumped: Flags = np.abs(moves) >= np.log(limits.jump_factor)
    jumped[1:] &= (price[1:] < np.fmin.accumulate(price)[:-1]) | (
        price[1:] > np.fmax.accumulate(price)[:-1]
    )
    for at in np.flatnonzero(jumped.any(axis=1)):
        of = usual(moves[at])
        spread = max(of.spread, limits.jump_smallest_spread)
        jumped[at] &= np.abs(moves[at] - of.centre) > limits.jump_sigmas * spread
    return jumped


def are_grave(quotes: Hours, limits: Limits) -> Flags:
    """Which moves are of a coin that was large in the hour before, or large themselves."""
    large = np.zeros_like(quotes.present)
    large[1:] = quotes.place[:-1] <= limits.grave_place
    grave: Flags = large | (np.abs(quotes.moves) >= np.log(limits.grave_factor))
    return grave


def worst_jumps(quotes: Hours, jumped: Flags, worst: int) -> list[dict[str, str]]:
    """The coins that jumped in the last hour, the largest factor first."""
    where = np.flatnonzero(jumped)
    order = where[np.argsort(-np.abs(quotes.moves[-1, where]), kind="stable")][:worst]
    chosen = (quotes.coins[order], quotes.price[-2, order], quotes.price[-1, order])
    return [
        {
            "coin_id": str(coin),
            "former price": repr(former),
            "price": repr(price),
            "factor": f"{price / former:.4g}" if former else "from zero",
        }
        for coin, former, price in zip(*(values.tolist() for values in chosen), strict=True)
    ]
