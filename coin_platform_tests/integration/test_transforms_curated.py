"""Curated numbers, against pandas and by hand."""

import math
import random
from datetime import timedelta

import numpy as np
import pandas as pd
import pytest

from coin_platform.contracts import curated, processed
from coin_platform.transforms import curated as curate
from coin_platform_tests.integration.lake_files import HOUR, H, frame, rows_of

DAY = timedelta(days=1)
FIRST = H.date()


def quote(coin_id, hour=H, **values):
    defaults = {"currency": "USD", "price": 1.0, "source": "simulated"}
    return {"snapshot_hour": hour, "coin_id": coin_id} | defaults | values


def version(coin_id, name, valid_from, valid_to=None):
    return {
        "coin_id": coin_id, "name": name, "symbol": name.upper(), "slug": name,
        "source": "simulated", "valid_from": valid_from, "valid_to": valid_to,
        "is_current": valid_to is None,
    }  # fmt: skip


def prices(quotes, coins=(), since=FIRST):
    begins = pd.Timestamp(since, tz="UTC").to_pydatetime()
    before = [row for row in quotes if row["snapshot_hour"] < begins]
    of_days = [row for row in quotes if row["snapshot_hour"] >= begins]
    data = curate.daily_coin_prices(
        curate.candles_of(frame(processed.COIN_QUOTES, of_days)),
        curate.closes_of(frame(processed.COIN_QUOTES, before)),
        frame(processed.COINS, list(coins)),
    )
    return rows_of(data, "day", "coin_id")


@pytest.fixture(scope="module")
def market():
    """Ten days of twelve coins with gaps, nulls, NaN and infinities, and one coin's missing day."""
    draw = random.Random(5)

    def number():
        odd = draw.choices([None, math.nan, math.inf], k=1)[0]
        return odd if draw.random() < 0.06 else draw.lognormvariate(8, 4)

    names = ("price", "volume_24h", "market_cap", "circulating_supply")
    return [
        quote(coin_id, H + n * HOUR, **{name: number() for name in names})
        for n in range(24 * 10)
        for coin_id in range(1, 13)
        if draw.random() > 0.1 and not (coin_id == 3 and n // 24 == 4)
    ]


@pytest.fixture(scope="module")
def usable(market):
    """The same in pandas, whatever is not a number as NaN."""
    rows = pd.DataFrame(market).replace({None: math.nan}).replace([math.inf, -math.inf], math.nan)
    rows = rows.astype({"price": float, "volume_24h": float, "market_cap": float})
    return rows.assign(day=rows["snapshot_hour"].dt.date)


def same(found, expected):
    """Equal but for the last digits; null is NaN."""
    values = [math.nan if value is None else value for value in found]
    np.testing.assert_allclose(values, np.asarray(expected, float), rtol=1e-12)


def test_candles_agree_with_pandas(market, usable):
    found = prices(market)
    priced = usable[usable["price"].notna()].sort_values("snapshot_hour")
    groups = priced.groupby(["day", "coin_id"])
    assert [(row["day"], row["coin_id"]) for row in found] == sorted(groups.groups)
    for name, values in {
        "open": groups["price"].agg(lambda values: values.iloc[0]),
        "high": groups["price"].max(),
        "low": groups["price"].min(),
        "close": groups["price"].agg(lambda values: values.iloc[-1]),
        "market_cap": groups["market_cap"].agg(lambda values: values.iloc[-1]),
        "hours": groups.size(),
    }.items():
        assert pd.Series([row[name] for row in found], dtype=float).equals(
            values.reset_index(drop=True).astype(float)
        ), name
    same([row["average_volume_24h"] for row in found], groups["volume_24h"].mean())


def test_dominance_is_the_share_of_the_caps_at_the_last_hour_of_the_day(market, usable):
    priced = usable[usable["price"].notna()]
    closing = priced[
        priced.groupby("day")["snapshot_hour"].transform("max") == priced["snapshot_hour"]
    ]
    closing = closing.set_index(["day", "coin_id"])["market_cap"]
    shares = closing / closing.groupby("day").transform("sum") * 100
    for row in prices(market):
        expected = shares.get((row["day"], row["coin_id"]), math.nan)
        same([row["dominance"]], [expected])


def test_volatility_looks_back_on_seven_daily_returns(market, usable):
    priced = usable[usable["price"].notna()].sort_values("snapshot_hour")
    closes = priced.pivot_table("price", "day", "coin_id", aggfunc="last")
    expected = np.log(closes).diff().rolling(7, min_periods=3).std()
    found = prices(market)
    assert any(row["volatility_7d"] is not None for row in found)
    assert {row["volatility_7d"] for row in found if row["day"] == FIRST + 2 * DAY} == {None}
    for row in found:
        same([row["volatility_7d"]], [expected.loc[row["day"], row["coin_id"]]])


def test_days_before_the_window_are_looked_at_but_not_given(market):
    since = FIRST + 8 * DAY
    assert prices(market, since=since) == [row for row in prices(market) if row["day"] >= since]


def test_results_do_not_depend_on_the_order_of_rows(market):
    shuffled = random.Random(1).sample(market, len(market))
    assert prices(shuffled) == prices(market)
    assert overview(shuffled) == overview(market)


def overview(quotes):
    data = curate.market_overview(frame(processed.COIN_QUOTES, quotes))
    return rows_of(data, "snapshot_hour")


def test_the_overview_agrees_with_pandas(market, usable):
    found = overview(market)
    by_hour = usable.groupby("snapshot_hour")
    assert [row["coins"] for row in found] == by_hour.size().tolist()
    same([row["total_market_cap"] for row in found], by_hour["market_cap"].sum())
    same([row["total_volume_24h"] for row in found], by_hour["volume_24h"].sum())
    largest = usable.loc[by_hour["market_cap"].idxmax()]
    assert [row["largest_coin_id"] for row in found] == largest["coin_id"].tolist()
    shares = largest["market_cap"].to_numpy() / by_hour["market_cap"].sum().to_numpy() * 100
    same([row["largest_dominance"] for row in found], shares)
    assert all(row["second_dominance"] <= row["largest_dominance"] for row in found)


def test_equal_caps_are_ranked_by_coin_id_and_a_market_without_caps_has_no_leader():
    tied = [quote(coin_id, market_cap=50.0) for coin_id in (9, 4, 7)]
    capless = [quote(coin_id, H + HOUR) for coin_id in (1, 2)]
    first, second = overview(tied + capless)
    assert (first["largest_coin_id"], first["second_coin_id"]) == (4, 7)
    assert second["largest_coin_id"] is None
    assert second["total_market_cap"] is None
    assert second["coins"] == 2


def test_one_simulated_hour_makes_the_day_simulated():
    hours = [quote(1, source="coinmarketcap"), quote(1, H + HOUR, source="simulated")]
    assert [row["source"] for row in prices(hours)] == ["simulated"]


def test_a_coin_has_the_name_that_held_as_the_day_ended_or_else_its_first():
    renamed = H + 30 * HOUR
    coins = [
        version(1, "old", H, renamed),
        version(1, "new", renamed),
        version(2, "late", H + 50 * DAY),
        version(3, "gone", H, H + HOUR),
    ]
    quotes = [quote(coin_id, H + n * DAY) for coin_id in (1, 2, 3, 4) for n in (0, 1)]
    found = [(row["coin_id"], row["name"]) for row in prices(quotes, coins)]
    assert found == [
        (1, "old"), (2, "late"), (3, "gone"), (4, None),
        (1, "new"), (2, "late"), (3, "gone"), (4, None),
    ]  # fmt: skip


def test_a_name_that_begins_at_midnight_is_the_next_days():
    coins = [version(1, "old", H, H + DAY), version(1, "new", H + DAY)]
    found = prices([quote(1), quote(1, H + DAY)], coins)
    assert [row["name"] for row in found] == ["old", "new"]


def daily(coin_id, opened, closed, volume=1e6, **values):
    return {
        "day": FIRST, "coin_id": coin_id, "currency": "USD", "open": opened, "close": closed,
        "average_volume_24h": volume, "source": "simulated", "name": f"n{coin_id}",
    } | values  # fmt: skip


def test_movers_are_the_ten_largest_changes_each_way_among_traded_coins():
    rises = [daily(n, 100.0, 100.0 + n) for n in range(1, 13)]
    falls = [daily(20 + n, 100.0, 100.0 - n) for n in range(1, 4)]
    others = [
        daily(40, 100.0, 100.0),
        daily(41, 1.0, 99.0, volume=49_999.0),
        daily(42, 1.0, 99.0, volume=None),
        daily(43, 0.0, 5.0),
        daily(44, 1e-300, 1e300),
    ]
    data = curate.daily_top_movers(frame(curated.DAILY_COIN_PRICES, rises + falls + others))
    found = rows_of(data, "direction", "rank")
    assert [(row["direction"], row["rank"], row["coin_id"]) for row in found] == [
        *(("down", rank, 24 - rank) for rank in (1, 2, 3)),
        *(("up", rank, 13 - rank) for rank in range(1, 11)),
    ]
    assert found[0]["change"] == pytest.approx(-3)


def test_the_highest_prices_are_ranked_by_close_then_coin_id():
    data = [daily(n, 1.0, float(n // 2)) for n in range(1, 15)]
    found = rows_of(curate.top_prices(frame(curated.DAILY_COIN_PRICES, data)), "rank")
    assert [row["coin_id"] for row in found] == [14, 12, 13, 10, 11, 8, 9, 6, 7, 4]
    assert found[0]["price"] == 7.0


def test_supply_is_ranked_as_the_day_closed_without_unknown_ones():
    quotes = [
        quote(1, circulating_supply=900.0),
        quote(1, H + HOUR, circulating_supply=10.0),
        quote(2, circulating_supply=20.0),
        quote(3, circulating_supply=0.0),
        quote(4, circulating_supply=math.inf),
        quote(5, price=None, circulating_supply=15.0),
    ]
    data = curate.top_circulating_supply(
        frame(processed.COIN_QUOTES, quotes), frame(processed.COINS, [version(2, "two", H)])
    )
    found = rows_of(data, "rank")
    assert [(row["coin_id"], row["name"]) for row in found] == [(2, "two"), (5, None), (1, None)]
