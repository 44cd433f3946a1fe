"""The vendor's answers change their fields: what is gone on with, and what stops."""

import json
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest

from coin_platform.contracts.schema import Change
from coin_platform.errors import PermanentError
from coin_platform.partitions import HOUR, Window
from coin_platform.resources.coinmarketcap.client import CoinMarketCap
from coin_platform.resources.coinmarketcap.replay import Replay
from coin_platform.resources.coinmarketcap.transport import Transport
from coin_platform.simulator.faults import MISSING, BadValue
from coin_platform.simulator.server import SimulatedMarket

LATEST = datetime(2026, 11, 22, 13, tzinfo=UTC)
NOW = LATEST + HOUR + timedelta(minutes=23)
PAST_AND_LATEST = Window(LATEST - HOUR, LATEST + HOUR)


def snapshots(*faults, window=PAST_AND_LATEST):
    """The hours of a window, from a market of 30 coins with these faults."""
    with SimulatedMarket(coins=30, clock=lambda: NOW, faults=faults) as market:
        client = CoinMarketCap(Transport(market.url, "key"), clock=lambda: NOW)
        return list(client.snapshots(window, 30))


def said(snapshot):
    return [str(difference) for difference in snapshot.drift]


def test_an_ordinary_answer_has_no_drift_not_even_of_fields_that_only_a_listing_carries():
    past, latest = snapshots()
    assert past.drift == latest.drift == ()


def test_an_unknown_field_is_ignored_and_said_with_how_many_coins_carry_it():
    past, latest = snapshots(BadValue(None, "moon_phase", "full"))
    # The attributes of coins in past hours are the listing's, so its surprises are theirs.
    for snapshot in (past, latest):
        assert said(snapshot) == [
            "/v3/cryptocurrency/listings/latest: moon_phase is new in 30 of them "
            "(ignore: it is left out)"
        ]
        assert "moon_phase" not in snapshot.coins.columns


@pytest.mark.parametrize("field", ["percent_change_24h", "total_supply"])
def test_a_field_that_no_coin_carries_any_more_is_null_and_said(field):
    past, latest = snapshots(BadValue(None, field, MISSING))
    for snapshot in (past, latest):
        assert snapshot.quotes[field].isna().all()
        [difference] = snapshot.drift
        assert (difference.column, difference.change) == (field, Change.REMOVED)
        assert difference.where == snapshot.endpoint


def test_a_field_of_the_listing_alone_is_missed_there_and_not_in_history():
    past, latest = snapshots(BadValue(None, "percent_change_60d", MISSING))
    assert past.drift == ()
    assert [difference.column for difference in latest.drift] == ["percent_change_60d"]


@pytest.mark.parametrize(
    ("field", "window"),
    [
        ("price", Window.of_hour(LATEST)),
        ("price", Window.of_hour(LATEST - HOUR)),
        ("market_cap", PAST_AND_LATEST),
        ("symbol", PAST_AND_LATEST),
    ],
)
def test_a_field_that_must_be_there_stops_before_anything_is_handed_out(field, window):
    with pytest.raises(PermanentError) as raised:
        snapshots(BadValue(None, field, MISSING), window=window)
    assert f": {field} is gone (stop" in str(raised.value)
    assert "contracts/database.py" in str(raised.value)


def test_a_field_that_some_coins_lack_is_no_drift():
    past, latest = snapshots(BadValue(1, "price", MISSING), BadValue(2, "total_supply", MISSING))
    assert past.drift == latest.drift == ()


def test_texts_in_place_of_numbers_are_followed_counted_and_said():
    calm = snapshots()
    ids = [int(coin_id) for coin_id in calm[0].quotes["coin_id"][:3]]
    texts = ("1.5", "1.5", "soon")
    faults = [BadValue(n, "percent_change_7d", text) for n, text in zip(ids, texts, strict=True)]
    for before, after in zip(calm, snapshots(*faults), strict=True):
        changes = pa.array(after.quotes["percent_change_7d"]).to_pylist()
        assert changes[:3] == [1.5, 1.5, None]
        assert changes[3:] == pa.array(before.quotes["percent_change_7d"]).to_pylist()[3:]
        assert said(after) == [
            f"{after.endpoint}: percent_change_7d is text, not double in 3 of them, "
            f"e.g. coin {ids[0]}: '1.5' (evolve: values are converted where nothing is lost, "
            "others are null)"
        ]


def test_a_listing_used_twice_says_the_same_twice():
    with SimulatedMarket(
        coins=30, clock=lambda: NOW, faults=[BadValue(1, "cmc_rank", "x")]
    ) as market:
        client = CoinMarketCap(Transport(market.url, "key"), clock=lambda: NOW)
        window = Window.of_hour(LATEST)
        first, again = (list(client.snapshots(window, 30)) for _ in range(2))
        assert len(market.requests) == 1
    assert said(first[0]) == said(again[0])
    assert first[0].drift[0].values == 1


def test_a_capture_with_a_field_of_its_owner_s_making_is_replayed_and_said(tmp_path):
    quote = {
        "price": 1.0,
        "volume_24h": 2.0,
        "market_cap": 3.0,
        "last_updated": "2021-06-29T00:23:02Z",
    }
    coin = {
        "id": 1, "name": "One", "symbol": "O", "slug": "one", "circulating_supply": 3,
        "quote": {"USD": quote}, "weights": {"of": "somebody"}, "self_reported_market_cap": None,
    }  # fmt: skip
    status = {"timestamp": "2021-06-29T00:23:45.130Z", "error_code": 0}
    file = tmp_path / "capture.json"
    file.write_text(json.dumps({"status": status, "data": [coin]}))
    with Replay(file) as source:
        [snapshot] = source.snapshots(Window.of_hour(source.oldest_hour()), 5)
    found = {difference.column: difference.change for difference in snapshot.drift}
    assert found["weights"] is Change.NEW
    assert "self_reported_market_cap" not in found
    assert {name for name, change in found.items() if change is Change.REMOVED} >= {
        "infinite_supply",
        "volume_change_24h",
    }
