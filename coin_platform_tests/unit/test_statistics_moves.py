"""What is unusual of prices that moved, and of coins that appeared or vanished."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from coin_platform.quality.findings import markdown
from coin_platform.quality.hours import places
from coin_platform.quality.limits import Limits
from coin_platform.quality.statistics import judge
from coin_platform_tests.unit.statistics_support import (
    COINS,
    HOURS,
    LAST,
    LISTING_ONLY,
    NULLABLE,
    PRICES,
    at,
    found,
    quotes_of,
    warned,
)


@pytest.fixture
def quotes():
    return quotes_of()


def test_a_wrong_price_warns_with_the_coin_and_both_prices(quotes):
    [row] = at(quotes, LAST, 400)
    coin, price = int(quotes.loc[row, "coin_id"]), quotes.loc[row, "price"]
    [before] = quotes.index[(quotes["coin_id"] == coin) & (quotes["snapshot_hour"] == HOURS[-2])]
    quotes.loc[row, "price"] = 1000 * price
    finding = found(quotes)[PRICES]
    assert not finding.passed
    [worst] = finding.worst
    former = float(quotes.loc[before, "price"])
    assert worst == {
        "coin_id": str(coin),
        "former price": repr(former),
        "price": repr(float(1000 * price)),
        "factor": f"{1000 * price / former:.4g}",
    }
    assert markdown(finding.worst).splitlines()[0] == "| coin_id | former price | price | factor |"


def test_a_price_that_comes_back_from_a_wrong_one_is_not_told_again(quotes):
    quotes.loc[at(quotes, HOURS[40], 3), "price"] *= 50
    assert warned(quotes, HOURS) == {HOURS[40]: [PRICES]}


def test_a_price_that_falls_to_zero_is_a_jump_and_one_that_stays_there_is_none(quotes):
    [row] = at(quotes, HOURS[40], 2)
    coin = quotes["coin_id"] == quotes.loc[row, "coin_id"]
    quotes.loc[coin & (quotes["snapshot_hour"] >= HOURS[40]), "price"] = 0.0
    assert warned(quotes, HOURS) == {HOURS[40]: [PRICES]}
    [worst] = found(quotes, HOURS[40])[PRICES].worst
    assert (worst["price"], worst["factor"]) == ("0.0", "0")


def test_a_market_that_falls_to_zero_warns_in_finite_numbers(quotes):
    quotes.loc[at(quotes), "price"] = 0.0
    finding = found(quotes)[PRICES]
    assert not finding.passed
    assert np.isfinite(list(finding.numbers.values())).all()


@pytest.mark.parametrize(
    ("factors", "warns"),
    [
        ({400: 4.0}, False),
        ({400: 15.0}, True),
        ({20: 4.0}, True),
        (dict.fromkeys(range(300, 305), 4.0), False),
        (dict.fromkeys(range(300, 306), 4.0), True),
    ],
)
def test_where_small_jumps_are_excused_large_ones_and_large_coins_are_not(quotes, factors, warns):
    for rank, factor in factors.items():
        quotes.loc[at(quotes, LAST, rank), "price"] *= factor
    limits = replace(Limits(), jumps_share=0.01)
    finding = judge(quotes, [LAST], NULLABLE, LISTING_ONLY, limits)[LAST][PRICES]
    assert finding.passed is not warns
    assert finding.numbers["jumps"] == len(factors)


def test_the_largest_jump_comes_first_and_ten_are_listed(quotes):
    for rank in range(300, 315):
        quotes.loc[at(quotes, LAST, rank), "price"] *= rank
    factors = [float(row["factor"]) for row in found(quotes)[PRICES].worst]
    assert len(factors) == 10
    assert factors == sorted(factors, reverse=True)
    assert factors[0] == pytest.approx(314, rel=0.1)


@pytest.mark.parametrize("factor", [0.9, 1.2])
def test_a_market_that_moves_as_one_warns_and_names_no_coin(quotes, factor):
    quotes.loc[at(quotes), "price"] *= factor
    finding = found(quotes)[PRICES]
    assert not finding.passed
    assert finding.worst == []


def test_in_a_crash_only_coins_that_stand_out_of_it_are_named(quotes):
    chance = np.random.default_rng(1)
    quotes.loc[at(quotes), "price"] *= np.exp(chance.normal(-1.2, 0.2, 500))
    quotes.loc[at(quotes, LAST, 9), "price"] *= 100
    assert len(found(quotes)[PRICES].worst) == 1


def test_prices_that_stand_still_leave_a_small_change_usual(quotes):
    quotes["price"] = quotes["coin_id"].astype(float)
    quotes.loc[at(quotes, LAST, 7), "price"] *= 2.9
    assert warned(quotes, HOURS) == {}
    quotes.loc[at(quotes, LAST, 7), "price"] *= 2
    assert warned(quotes, HOURS) == {LAST: [PRICES]}


def test_tiny_prices_are_judged_as_others(quotes):
    quotes["price"] *= 1e-20
    assert warned(quotes, HOURS) == {}
    quotes.loc[at(quotes, LAST, 7), "price"] *= 40
    assert warned(quotes) == {LAST: [PRICES]}


def test_jumps_of_small_coins_that_happen_every_hour_are_usual(quotes):
    for n, hour in enumerate(HOURS):
        coins = quotes["coin_id"].isin(
            quotes.loc[at(quotes, hour, *range(200 + n, 204 + n))].coin_id
        )
        quotes.loc[coins & (quotes["snapshot_hour"] >= hour), "price"] *= 5
    assert found(quotes)[PRICES].numbers["jumps"] > 0
    assert LAST not in warned(quotes, HOURS[10:])


@pytest.mark.parametrize(
    ("ranks", "warns"),
    [([1], True), ([50], True), ([300], False), ([496, 499], False), (range(200, 206), True)],
)
def test_the_larger_a_coin_the_less_it_may_vanish(quotes, ranks, warns):
    coins = quotes.loc[at(quotes, HOURS[-2], *ranks), "coin_id"]
    gone = quotes["coin_id"].isin(coins) & (quotes["snapshot_hour"] == LAST)
    finding = found(quotes[~gone])[COINS]
    assert finding.passed is not warns
    vanished = {row["coin_id"]: row for row in finding.worst if row["what"] == "vanished"}
    assert set(map(str, coins)) <= set(vanished)
    assert vanished[str(coins.iloc[0])]["place by market cap"] == f"{ranks[0] / 500:.1%}"


def test_coins_without_a_market_cap_come_last_and_absent_ones_have_no_place():
    caps = np.array([[5.0, np.nan, np.nan, 7.0]])
    place = places(caps, np.array([[True, False, True, True]]))
    np.testing.assert_allclose(place, [[2 / 3, np.nan, 1.0, 1 / 3]])


def test_a_large_coin_that_appears_warns_and_comes_first(quotes):
    new = quotes.loc[at(quotes, LAST, 400)].assign(coin_id=9999, market_cap=1e15)
    finding = found(pd.concat([quotes, new]))[COINS]
    assert not finding.passed
    assert finding.worst[0] == {
        "coin_id": "9999",
        "what": "appeared",
        "place by market cap": "0.2%",
        "market cap": "1e+15",
    }
