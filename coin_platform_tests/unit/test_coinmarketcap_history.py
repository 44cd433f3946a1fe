"""Which hour a historical point shows, and what is asked for."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from coin_platform.errors import PermanentError
from coin_platform.partitions import HOUR, Window
from coin_platform.resources.coinmarketcap.history import fetch_history
from coin_platform.resources.coinmarketcap.transport import Answer, Transport

START = datetime(2026, 11, 22, 10, tzinfo=UTC)
WINDOW = Window(START, START + 3 * HOUR)


class Canned(Transport):
    """Answers every request with the same points of each coin, and notes what was asked."""

    def __init__(self, points, coins=None):
        super().__init__("http://127.0.0.1:9", "key")
        self.points = points
        self.coins = coins
        self.asked = []

    def get(self, path, params=None):
        self.asked.append(params)
        ids = self.coins or params["id"].split(",")
        data = {str(i): {"id": int(i), "quotes": self.points} for i in ids}
        return Answer(path, data, credits=3, timestamp=None, simulated=False)


def point(at, price=1.0):
    quote = {"price": price, "volume_24h": 1.0, "market_cap": 2.0, "circulating_supply": 2}
    return {"timestamp": at.isoformat(), "quote": {"USD": quote}}


def fetch(transport, ids=(1,), window=WINDOW):
    return fetch_history(transport, window, list(ids), "USD", lambda _: None)


@given(st.integers(-90 * 60, 4 * 3600))
@example(3600 + 600)
@example(3600 + 601)
@example(3600 - 600)
@example(3600 - 601)
def test_a_point_counts_for_the_hour_whose_end_is_at_most_ten_minutes_away(seconds):
    at = START + timedelta(seconds=seconds)
    near = [hour for hour in WINDOW.hours if abs(hour + HOUR - at) <= timedelta(minutes=10)]
    assert list(fetch(Canned([point(at)])).by_hour) == near


def test_of_two_points_at_one_hours_end_the_nearest_counts():
    end = START + HOUR
    points = [point(end - timedelta(minutes=4), 4.0), point(end + timedelta(minutes=1), 1.0)]
    assert fetch(Canned(points)).by_hour[START]["price"].to_pylist() == [1.0]


def test_points_near_no_hours_end_are_ignored_and_counted():
    history = fetch(Canned([point(START + HOUR / 2), point(START + HOUR)]))
    assert history.off_grid == 1
    assert list(history.by_hour) == [START]


def test_a_pass_asks_in_calls_of_at_most_ten_thousand_points_and_sums_their_credits():
    transport = Canned([point(START + HOUR)])
    day = Window(START, START + 24 * HOUR)
    history = fetch(transport, range(1, 1001), day)
    sizes = [len(asked["id"].split(",")) for asked in transport.asked]
    assert all(size * asked["count"] <= 10_000 for size, asked in zip(sizes, transport.asked))  # noqa: B905
    assert sum(sizes) == 1000
    assert history.credits == 3 * len(sizes)
    assert history.by_hour[START].num_rows == 1000


def test_coins_that_nobody_asked_for_are_left_out():
    history = fetch(Canned([point(START + HOUR)], coins=["1", "2"]), ids=[1])
    assert history.by_hour[START]["coin_id"].to_pylist() == [1]


def test_a_point_without_a_time_raises_and_names_the_coin():
    with pytest.raises(PermanentError, match=r"coin 1, field quotes\.timestamp"):
        fetch(Canned([{"quote": {"USD": {"price": 1.0}}}]))


def test_a_window_too_long_for_one_call_a_coin_is_refused():
    with pytest.raises(PermanentError, match="cut it into chunks"):
        fetch(Canned([]), window=Window(START, START + 10_000 * HOUR))


def test_no_points_at_all_is_an_empty_history():
    assert fetch(Canned([])).by_hour == {}
