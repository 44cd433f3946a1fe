"""What is unusual of an hour's rows and nulls, and what holds of every statistical check."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coin_platform.defs.processed.statistics import STATISTICS
from coin_platform.quality.robust import usual
from coin_platform.quality.statistics import judge
from coin_platform_tests.unit.statistics_support import (
    HOURS,
    LAST,
    LISTING_ONLY,
    NULLABLE,
    NULLS,
    PRICES,
    ROWS,
    at,
    found,
    quotes_of,
    warned,
)


@pytest.fixture
def quotes():
    return quotes_of()


numbers = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=30)


@given(numbers, st.integers(-20, 20), st.integers(-1000, 1000))
def test_what_is_usual_scales_and_shifts_with_the_numbers(values, exponent, shift):
    of, factor = usual(values), 2.0**exponent
    scaled = usual(np.array(values) * factor)
    assert scaled.centre == pytest.approx(of.centre * factor)
    assert scaled.spread == pytest.approx(of.spread * factor)
    shifted = usual(np.array(values) + shift)
    assert shifted.centre == pytest.approx(of.centre + shift, abs=1e-6)
    assert shifted.spread == pytest.approx(of.spread, abs=1e-6)


@given(st.data(), st.lists(st.floats(0, 1), min_size=3, max_size=30))
def test_fewer_than_half_of_the_numbers_cannot_move_what_is_usual_out_of_the_others(data, good):
    wrong = data.draw(
        st.lists(st.floats(allow_nan=False, allow_infinity=False), max_size=len(good) - 1)
    )
    of = usual(np.array(good + wrong))
    assert min(good) <= of.centre <= max(good)
    assert of.spread <= 1.4826 * (max(good) - min(good)) + 1e-9


def test_numbers_that_never_change_have_no_spread_and_only_the_floor_allows_a_change():
    of = usual([7.0, np.nan, 7.0, 7.0])
    assert (of.centre, of.spread, of.count) == (7.0, 0.0, 3)
    assert (of.least(6, 0.5), of.most(6, 0.5)) == (6.5, 7.5)


def test_every_statistical_check_is_judged(quotes):
    assert set(found(quotes)) == {check.name for check in STATISTICS}
    assert not any(check.blocking for check in STATISTICS)


@pytest.mark.parametrize("coins", [12, 500])
def test_a_market_as_usual_never_warns_whether_listed_or_from_history(coins):
    assert warned(quotes_of(coins), HOURS) == {}
    assert warned(quotes_of(coins, from_history={*range(4), *range(30, 40)}), HOURS) == {}


def test_few_hours_say_nothing(quotes):
    few = quotes[quotes["snapshot_hour"] < HOURS[6]].drop(index=at(quotes, HOURS[5])[10:])
    for finding in found(few, HOURS[5]).values():
        assert finding.passed
        assert "too few hours before it" in finding.text


def test_an_hour_without_rows_is_left_to_the_check_that_blocks(quotes):
    empty = quotes.drop(index=at(quotes))
    assert {of.text for of in found(empty).values()} == {"no rows to judge: see has_rows"}
    nothing = found(quotes.iloc[:0])
    assert all(of.passed for of in nothing.values())


def test_missing_hours_are_absent_and_a_pause_excuses_what_moved_meanwhile(quotes):
    paused = quotes[~quotes["snapshot_hour"].between(HOURS[35], HOURS[46])]
    assert found(paused)[ROWS].numbers["hours_compared"] == 12
    paused.loc[at(paused), "price"] *= 1.06
    assert warned(paused) == {}
    quotes.loc[at(quotes), "price"] *= 1.06
    assert warned(quotes) == {LAST: [PRICES]}


def test_an_hour_is_judged_by_its_look_back_alone_whatever_is_read_with_it(quotes):
    quotes.loc[at(quotes, HOURS[22]), "price"] *= 7
    quotes.loc[at(quotes, LAST, 8), "price"] *= 7
    assert found(quotes)[ROWS].numbers["hours_compared"] == 24
    assert found(quotes[quotes["snapshot_hour"] >= HOURS[23]]) == found(quotes)
    assert judge(quotes, HOURS, NULLABLE, LISTING_ONLY)[LAST] == found(quotes)


@pytest.mark.parametrize(("lost", "warns"), [(5, False), (6, True)])
def test_rows_lost_beyond_a_hundredth_warn(quotes, lost, warns):
    finding = found(quotes.drop(index=at(quotes)[-lost:]))[ROWS]
    assert finding.passed is not warns
    assert finding.text == f"{500 - lost} rows; usual are 495 to 505"
    assert finding.numbers["usual"] == 500


def test_rows_that_are_too_many_warn(quotes):
    new = quotes.loc[at(quotes)[:6]]
    more = pd.concat([quotes, new.assign(coin_id=new["coin_id"] + 5000)])
    assert ROWS in warned(more)[LAST]


def test_a_column_with_more_nulls_than_usual_warns_and_is_named(quotes):
    quotes.loc[at(quotes)[:30], "volume_24h"] = np.nan
    finding = found(quotes)[NULLS]
    assert not finding.passed
    assert finding.text == "more nulls than usual: volume_24h 6.0% (usual 0.0%)"
    assert finding.worst == [
        {"column": "volume_24h", "nulls": "6.0%", "usual": "0.0%", "at most": "1.0%"}
    ]


def test_the_column_with_the_most_nulls_above_usual_comes_first(quotes):
    quotes.loc[at(quotes)[:30], "market_cap"] = np.nan
    quotes.loc[at(quotes)[:40], "volume_24h"] = np.nan
    assert [row["column"] for row in found(quotes)[NULLS].worst] == ["volume_24h", "market_cap"]


def test_nulls_that_are_usual_do_not_warn(quotes):
    quotes.loc[quotes.index % 3 == 0, "volume_24h"] = np.nan
    assert warned(quotes, HOURS) == {}


def test_a_column_that_only_listings_tell_is_compared_with_listings():
    quotes = quotes_of(from_history=range(25, 35))
    quotes.loc[at(quotes), "cmc_rank"] = np.nan
    finding = found(quotes)[NULLS]
    assert finding.text == "more nulls than usual: cmc_rank 100.0% (usual 0.0%)"
    newly_listed = quotes_of(from_history=range(43))
    newly_listed.loc[at(newly_listed)[:50], "cmc_rank"] = np.nan
    assert warned(newly_listed) == {}


ODD = st.sampled_from([np.nan, 0.0, -1.0, 5e-324, 2e-20, 1.0, 1e9, 1.7e308, np.inf])


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.tuples(st.integers(0, 11), st.integers(1, 6), ODD, ODD), min_size=1, max_size=120)
)
def test_whatever_the_rows_hold_every_hour_is_judged_in_finite_numbers(rows):
    hours, coins, price, cap = zip(*rows, strict=True)
    quotes = pd.DataFrame(
        {
            "snapshot_hour": pd.DatetimeIndex([HOURS[n] for n in hours]),
            "coin_id": coins,
            "price": price,
            "market_cap": cap,
        }
    )
    for findings in judge(quotes, HOURS[:12], ["price", "market_cap"]).values():
        for finding in findings.values():
            assert np.isfinite(list(finding.numbers.values())).all()


@settings(deadline=None, max_examples=10)
@given(st.integers(-40, 40))
def test_the_unit_of_money_changes_no_verdict(exponent):
    quotes = quotes_of(50, HOURS[:12])
    quotes.loc[at(quotes, HOURS[11], 5), "price"] *= 20
    scaled = quotes.assign(
        price=quotes["price"] * 2.0**exponent, market_cap=quotes["market_cap"] * 2.0**exponent
    )
    assert warned(scaled, HOURS[:12]) == warned(quotes, HOURS[:12]) == {HOURS[11]: [PRICES]}
