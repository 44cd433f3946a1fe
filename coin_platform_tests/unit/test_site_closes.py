"""The closes of all coins at once: for each coin what its own closes say."""

from datetime import date, timedelta
from math import inf, isfinite, nan

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from coin_platform.site.closes import closes_of

FIRST, DAYS = date(2026, 3, 1), 9
LAST = FIRST + timedelta(days=DAYS - 1)
DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"

prices = st.one_of(
    st.floats(1e-12, 1e12), st.just(5.0), st.just(1e308), st.none(), st.sampled_from([nan, inf])
)
markets = st.dictionaries(
    st.integers(1, 40),
    st.dictionaries(st.integers(0, DAYS - 1), prices, max_size=DAYS),
    max_size=6,
)


def closes(market, coins):
    rows = [
        {"coin_id": coin, "day": FIRST + timedelta(days=day), "close": close}
        for coin, days in market.items()
        for day, close in days.items()
    ]
    schema = pa.schema([("coin_id", pa.int64()), ("day", pa.date32()), ("close", pa.float64())])
    ids = pa.chunked_array([pa.array(sorted(coins), pa.int64())])
    return closes_of(pa.Table.from_pylist(rows, schema), ids, FIRST, LAST)


def known(days):
    return {day: close for day, close in days.items() if close is not None and isfinite(close)}


def line(days):
    """One coin's, the slow way."""
    found = known(days)
    if not found:
        return ""
    low, high = min(found.values()), max(found.values())

    def digit(day):
        if day not in found:
            return "-"
        part = (found[day] - low) / (high - low) if high > low else 0.5
        return DIGITS[round(part * 35)]

    return "".join(digit(day) for day in range(min(found), DAYS))


@given(market=markets, unshown=st.sets(st.integers(1, 40)), back=st.integers(0, DAYS + 1))
def test_each_coin_has_what_its_own_closes_say(market, unshown, back):
    coins = sorted(market.keys() - unshown)
    found = closes(market, coins)
    assert found.lines() == [line(market[coin]) for coin in coins]
    assert found.days_ago(back) == [known(market[coin]).get(DAYS - 1 - back) for coin in coins]


def test_a_line_shows_the_shape_and_the_gaps():
    market = {7: {2: 10.0, 3: 20.0, 5: 15.0, 8: 10.0}, 9: {8: 3.0}}
    assert closes(market, {7, 9}).lines() == ["0z-i--0", "i"]
