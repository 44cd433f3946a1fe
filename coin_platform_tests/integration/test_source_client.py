"""The client before the simulated market: which hours come from where, and what can go wrong."""

import math
from datetime import UTC, datetime, timedelta

import pandas as pd
import pyarrow as pa
import pytest

from coin_platform.errors import PermanentError, TransientError
from coin_platform.partitions import HOUR, Window
from coin_platform.resources.coinmarketcap.client import (
    DEPRECATED_LISTING_PATH,
    LISTING_PATH,
    CoinMarketCap,
)
from coin_platform.resources.coinmarketcap.history import HISTORY_PATH
from coin_platform.resources.coinmarketcap.transport import Transport
from coin_platform.simulator.faults import MISSING, BadValue, Fault, MovingRanking
from coin_platform.simulator.server import SimulatedMarket

LATEST = datetime(2026, 11, 22, 13, tzinfo=UTC)
OF_HISTORY = [
    "coin_id", "currency", "snapshot_hour", "last_updated", "price", "volume_24h", "market_cap",
    "volume_change_24h", "circulating_supply", "total_supply", "percent_change_1h",
    "percent_change_24h", "percent_change_90d",
]  # fmt: skip


class Moment:
    """A clock that a test moves."""

    def __init__(self):
        self.now = LATEST + HOUR + timedelta(minutes=23)

    def __call__(self):
        return self.now


@pytest.fixture
def moment():
    return Moment()


def open_market(moment, *faults, coins=200):
    return SimulatedMarket(coins=coins, clock=moment, faults=faults)


def client_of(market, moment, key="key", **options):
    return CoinMarketCap(Transport(market.url, key), clock=moment, **options)


def latest(client, coins=200):
    [snapshot] = client.snapshots(Window.of_hour(LATEST), coins)
    return snapshot


def test_a_window_is_served_ascending_past_hours_from_history_and_the_last_from_the_listing(moment):
    with open_market(moment) as market:
        window = Window(LATEST - 3 * HOUR, LATEST + HOUR)
        snapshots = list(client_of(market, moment).snapshots(window, 50))
    assert [snapshot.hour for snapshot in snapshots] == window.hours
    assert [snapshot.endpoint for snapshot in snapshots] == [HISTORY_PATH] * 3 + [LISTING_PATH]
    assert market.requests == [LISTING_PATH, HISTORY_PATH]
    for snapshot in snapshots:
        assert snapshot.coins.coin_id.tolist() == snapshot.quotes.coin_id.tolist()
        assert snapshot.coins.coin_id.is_monotonic_increasing
        assert len(snapshot.quotes) == 50
        assert set(snapshot.quotes.snapshot_hour) == set(snapshot.coins.snapshot_hour)
        assert set(snapshot.quotes.source) == set(snapshot.coins.source) == {"simulated"}
    assert sum(s.credits for s in snapshots) == 1 + math.ceil(50 * 3 / 100)
    assert snapshots[0].quotes.cmc_rank.isna().all()
    assert sorted(snapshots[-1].quotes.cmc_rank.dropna())[:2] == [1, 2]


def test_an_hour_is_the_same_from_the_listing_then_and_from_history_later(moment):
    with open_market(moment) as market:
        then = latest(client_of(market, moment))
        moment.now += 5 * HOUR
        later = latest(client_of(market, moment))
    assert (then.endpoint, later.endpoint) == (LISTING_PATH, HISTORY_PATH)
    pd.testing.assert_frame_equal(then.quotes[OF_HISTORY], later.quotes[OF_HISTORY])


def test_v1_and_v3_answers_give_the_same_frames(moment):
    with open_market(moment) as market:
        v3 = latest(client_of(market, moment))
        v1 = latest(client_of(market, moment, listing_path=DEPRECATED_LISTING_PATH))
    assert (v3.endpoint, v1.endpoint) == (LISTING_PATH, DEPRECATED_LISTING_PATH)
    pd.testing.assert_frame_equal(v1.quotes, v3.quotes)
    pd.testing.assert_frame_equal(v1.coins, v3.coins)


@pytest.mark.parametrize(
    ("listed", "wanted", "pages"),
    [(200, 120, 3), (200, 100, 2), (190, 500, 4), (200, 500, 5), (30, 500, 1)],
)
def test_pages_end_with_as_many_coins_as_wanted_or_with_a_short_page(moment, listed, wanted, pages):
    with open_market(moment, coins=listed) as market:
        snapshot = latest(client_of(market, moment, page_size=50), wanted)
    assert len(snapshot.quotes) == min(listed, wanted)
    assert len(market.requests) == pages


def test_a_coin_that_comes_on_two_pages_is_kept_once_with_its_newest_quote(moment):
    with open_market(moment) as market:
        calm = latest(client_of(market, moment), 100).quotes
    with open_market(moment, MovingRanking(by=2)) as market:
        moved = latest(client_of(market, moment, page_size=50), 100).quotes
    assert len(moved) == 98
    assert moved.coin_id.is_unique
    at_the_edge = calm[calm.cmc_rank.isin([49, 50])].coin_id
    joined = calm.merge(moved, on="coin_id")
    newer = joined[joined.last_updated_y > joined.last_updated_x].coin_id
    assert set(at_the_edge) <= set(newer)


def test_a_coin_that_slips_between_pages_is_missing_this_hour(moment):
    with open_market(moment, MovingRanking(by=-2)) as market:
        moved = latest(client_of(market, moment, page_size=50), 100).quotes
    assert len(moved) == 100
    assert not {51, 52} & set(moved.cmc_rank)


def test_hours_that_have_not_closed_are_refused_before_any_request(moment):
    with open_market(moment) as market:
        with pytest.raises(PermanentError, match="have not closed"):
            client_of(market, moment).snapshots(Window.of_hour(LATEST + HOUR), 5)
        assert market.requests == []


def test_keyless_serves_the_last_closed_hour_and_refuses_others_before_any_request(moment):
    with open_market(moment) as market:
        client = client_of(market, moment, key=None)
        assert client.oldest_hour() == LATEST
        with pytest.raises(PermanentError, match="COINMARKETCAP_API_KEY"):
            client.snapshots(Window(LATEST - HOUR, LATEST + HOUR), 5)
        assert market.requests == []
        assert latest(client, 5).endpoint == "/public-api" + LISTING_PATH
        assert client.plan().name == "keyless"


def test_the_basic_plan_reaches_thirty_days_back(moment):
    with open_market(moment) as market:
        client = client_of(market, moment)
        assert client.oldest_hour() == LATEST + HOUR - timedelta(days=30)
        plan = client.plan()
    assert (plan.name, plan.credits_monthly, plan.credits_left) == ("Basic", 15_000, 15_000)


def test_an_hour_without_any_points_raises_and_says_which_plan_reaches_how_far(moment):
    with open_market(moment) as market:
        first_listed = min(coin.date_added for coin in market.market.coins)
        before = first_listed.replace(minute=0, second=0, microsecond=0) - 2 * HOUR
        snapshots = client_of(market, moment).snapshots(Window(before, before + 9 * HOUR), 200)
        with pytest.raises(PermanentError, match="Basic plan serves"):
            next(snapshots)


def test_prices_of_a_listing_read_across_the_end_of_the_next_hour_are_refused(moment):
    with open_market(moment) as market:
        snapshots = client_of(market, moment).snapshots(Window.of_hour(LATEST), 5)
        moment.now = LATEST + 2 * HOUR
        with pytest.raises(TransientError, match="the hour changed"):
            next(snapshots)


def test_a_listing_from_before_the_hours_end_is_refused(moment):
    slow = Moment()
    slow.now = LATEST + 50 * timedelta(minutes=1)
    with (
        SimulatedMarket(coins=5, clock=slow) as market,
        pytest.raises(TransientError, match="before the hour"),
    ):
        latest(client_of(market, moment), 5)


def test_the_listing_of_the_last_minute_is_used_again_and_an_older_one_is_not(moment):
    with open_market(moment) as market:
        client = client_of(market, moment)
        costs = [latest(client).credits, latest(client).credits]
        moment.now += timedelta(minutes=1)
        costs.append(latest(client).credits)
        more = latest(client, coins=201)
    assert costs == [1, 0, 1]
    assert more.credits == 1
    assert len(market.requests) == 3


def test_an_empty_listing_is_transient(moment):
    with (
        open_market(moment, Fault("empty")) as market,
        pytest.raises(TransientError, match="no coins at all"),
    ):
        latest(client_of(market, moment))


@pytest.mark.parametrize("value", [None, MISSING, -1.0, math.nan, math.inf])
def test_a_bad_price_arrives_as_it_is_for_the_row_rules_to_judge(moment, value):
    window = Window(LATEST - HOUR, LATEST + HOUR)
    with open_market(moment, BadValue(1, "price", value)) as market:
        for snapshot in client_of(market, moment).snapshots(window, 200):
            price = pa.array(snapshot.quotes.price)[0].as_py()
            assert snapshot.quotes.coin_id[0] == 1
            assert repr(price) == repr(None if value is MISSING else value)


@pytest.mark.parametrize(
    ("field", "value", "named"),
    [
        ("price", "12.5", "coin 1, field price"),
        ("id", None, "without a valid id"),
        ("name", 42, "coin 1, field name"),
        ("quote", [], None),
        ("name", MISSING, None),
    ],
)
def test_an_odd_coin_is_either_named_or_kept_and_never_dropped(moment, field, value, named):
    with open_market(moment, BadValue(1, field, value)) as market:
        client = client_of(market, moment)
        if named:
            with pytest.raises(PermanentError, match=named):
                latest(client)
        else:
            assert 1 in set(latest(client).quotes.coin_id)


def test_data_of_another_form_is_permanent(moment):
    with open_market(moment, Fault("empty", path="historical")) as market:
        window = Window.of_hour(LATEST - HOUR)
        with pytest.raises(PermanentError, match="not a map by coin id"):
            list(client_of(market, moment).snapshots(window, 5))


def test_faults_on_the_way_do_not_change_what_arrives(moment):
    window = Window(LATEST - 2 * HOUR, LATEST + HOUR)
    with open_market(moment) as market:
        calm = list(client_of(market, moment).snapshots(window, 50))
    faults = Fault("html"), Fault("cut_off", path="historical"), Fault(1008, retry_after=0)
    with open_market(moment, *faults) as market:
        transport = Transport(market.url, "key", sleep=lambda _: None)
        rough = list(CoinMarketCap(transport, clock=moment).snapshots(window, 50))
    for one, other in zip(calm, rough, strict=True):
        pd.testing.assert_frame_equal(one.quotes, other.quotes)
        pd.testing.assert_frame_equal(one.coins, other.coins)


def test_progress_tells_of_each_pass(moment):
    said = []
    with open_market(moment) as market:
        list(client_of(market, moment).snapshots(Window.of_hour(LATEST - HOUR), 50, said.append))
    assert said == ["listing of 50 coins", "history of 50 of 50 coins"]
