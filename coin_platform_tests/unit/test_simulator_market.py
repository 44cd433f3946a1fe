"""The simulated market: a function of seed, coin and hour, as awkward as the real one."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coin_platform.settings import MOST_COINS
from coin_platform.simulator.catalogue import coins
from coin_platform.simulator.market import Market

MARKET = Market(7, 500)
NOW = 498_000  # an hour of 2026, counted from 1970

hours = st.integers(NOW - 20_000, NOW + 20_000)
rows = st.integers(0, 499)


@settings(deadline=None, max_examples=40)
@given(st.lists(rows, min_size=1, max_size=9), st.lists(hours, min_size=1, max_size=9))
def test_a_price_is_the_same_alone_and_in_any_company_and_order(some_rows, some_hours):
    together = MARKET.quotes(np.array(some_rows), np.array(some_hours))
    for at, row in enumerate(some_rows):
        for when, hour in enumerate(some_hours):
            alone = MARKET.quotes(np.array([row]), np.array([hour]))
            assert all(alone[name][0, 0] == together[name][at, when] for name in alone)


def test_another_seed_is_another_market_and_a_larger_one_only_adds_coins():
    where = np.arange(500), np.array([NOW])
    assert not np.any(Market(8, 500).prices(*where) == MARKET.prices(*where))
    assert np.array_equal(Market(7, 600).prices(*where), MARKET.prices(*where))
    assert coins(7, 600)[:500] == MARKET.coins


def test_changes_in_percent_follow_from_the_prices():
    rows_, now = np.arange(500), np.array([NOW])
    quotes = MARKET.quotes(rows_, now)
    spans = {"1h": 1, "24h": 24, "7d": 168, "30d": 720, "60d": 1440, "90d": 2160}
    for name, span in spans.items():
        then = MARKET.prices(rows_, now - span)
        expected = (quotes["price"] / then - 1) * 100
        assert np.allclose(quotes[f"percent_change_{name}"], expected, atol=1e-7)


def test_prices_are_positive_and_move_little_within_an_hour():
    prices = MARKET.prices(np.arange(500), np.arange(NOW, NOW + 200))
    assert np.all(prices > 0)
    assert np.all(np.abs(np.diff(np.log(prices), axis=1)) < 0.2)


def test_the_whole_market_has_what_breaks_careless_readers():
    everyone = coins(7, MOST_COINS)
    names, symbols = {coin.name for coin in everyone}, {coin.symbol for coin in everyone}
    assert {"Trailing Space ", "TRUE", "42", "00", "NA", "NULL", "( ͡° ͜ʖ ͡°)", "币安人生"} <= names
    assert "FCT,FCT2" in symbols
    assert len(symbols) < len(everyone)
    assert len({coin.id for coin in everyone}) == len({c.slug for c in everyone}) == len(everyone)
    assert {0.0, None} <= {coin.max_supply for coin in everyone}
    assert any(coin.total_supply == 0 for coin in everyone)
    assert any(coin.chain is None for coin in everyone[10:])
    assert min(coin.base_price for coin in everyone) < 3e-20
    assert max(coin.circulating_supply for coin in everyone) > 9.8e17


def test_a_few_coins_are_renamed_or_capped_at_hours_of_their_own():
    changed = {
        coin.position
        for coin in MARKET.coins
        for hour in range(NOW, NOW + 72)
        if coin.at(hour) != coin.at(hour + 1)
    }
    assert 5 <= len(changed) <= 20


def test_a_market_of_no_coins_or_too_many_is_refused():
    for count in (0, MOST_COINS + 1):
        with pytest.raises(ValueError, match="1 to 10,000 coins"):
            Market(7, count)
