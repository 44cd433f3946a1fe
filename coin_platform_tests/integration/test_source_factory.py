"""The source that the settings ask for: simulated, live, or replayed captures."""

import json
import threading
import urllib.request
from datetime import UTC, datetime

import pytest

from coin_platform.errors import PermanentError, SettingsError
from coin_platform.partitions import HOUR, Window
from coin_platform.resources.coinmarketcap import open_source
from coin_platform.resources.coinmarketcap.client import CoinMarketCap
from coin_platform.resources.coinmarketcap.replay import ReplayServer
from coin_platform.settings import Settings
from coin_platform.simulator.server import SimulatedMarket

AT_23 = datetime(2021, 6, 28, 23, tzinfo=UTC)


def settings_of(source, **more):
    return Settings(_env_file=None, source=source, **more)


def coin(identity, price, version=1):
    quote = {"price": price, "volume_24h": 1.0, "market_cap": 2.0}
    quote["last_updated"] = "2021-06-29T00:23:02.000Z"
    return {
        "id": identity,
        "name": f"Coin {identity}",
        "symbol": "C",
        "slug": f"coin-{identity}",
        "circulating_supply": 2,
        "quote": {"USD": quote} if version == 1 else [{"symbol": "USD", **quote}],
        "weights": {"unknown": 1},
    }


def capture(path, timestamp, *coins, **status):
    status = {"timestamp": timestamp, "error_code": 0, "credit_count": 5, **status}
    path.write_text(json.dumps({"status": status, "data": list(coins)}))
    return path


def servers():
    return [thread for thread in threading.enumerate() if thread.name == "loopback-http"]


def test_the_simulated_source_starts_its_server_when_asked_and_stops_it_when_closed():
    source = open_source(
        settings_of("simulated"), lambda: datetime(2026, 11, 22, 14, 5, tzinfo=UTC)
    )
    running = len(servers())
    hour = datetime(2026, 11, 22, 13, tzinfo=UTC)
    with source:
        assert len(servers()) == running
        [snapshot] = source.snapshots(Window.of_hour(hour), 30)
        assert len(servers()) == running + 1
        assert source.plan().name == "simulated"
        assert source.oldest_hour() is None
    assert len(servers()) == running
    [again] = source.snapshots(Window.of_hour(hour), 30)
    source.close()
    assert again.quotes.equals(snapshot.quotes)
    assert len(servers()) == running


def test_the_seed_chooses_the_market():
    at = datetime(2026, 11, 22, 14, 5, tzinfo=UTC)
    prices = []
    for seed in (7, 8):
        with open_source(settings_of("simulated", simulator_seed=seed), lambda: at) as source:
            [snapshot] = source.snapshots(Window.of_hour(at.replace(minute=0) - HOUR), 5)
            prices.append(snapshot.quotes.price.tolist())
    assert prices[0] != prices[1]


def test_the_live_source_is_keyless_without_a_key_and_asks_for_nothing_when_opened():
    with open_source(settings_of("coinmarketcap", coinmarketcap_api_key=None)) as source:
        assert isinstance(source, CoinMarketCap)
        assert source.plan().name == "keyless"


def test_a_replay_gives_every_price_of_the_capture_to_the_last_digit(tmp_path):
    prices = [34639.39567221676, 2.0052e-20, 0.1 + 0.2, 9.8e17, 5e-324]
    coins = [coin(number, price) for number, price in enumerate(prices, start=1)]
    file = capture(tmp_path / "a.json", "2021-06-29T00:23:45.130Z", *coins)
    with open_source(settings_of(f"replay:{file}")) as source:
        assert source.now() == datetime(2021, 6, 29, 0, 23, 45, 130000, tzinfo=UTC)
        assert source.oldest_hour() == AT_23
        [snapshot] = source.snapshots(Window.of_hour(AT_23), 5000)
    assert [repr(price) for price in snapshot.quotes.price] == [repr(price) for price in prices]
    assert set(snapshot.quotes.source) == {"coinmarketcap"}
    assert snapshot.credits == 5


def test_a_replayed_folder_serves_each_of_its_hours_and_the_last_capture_of_one_wins(tmp_path):
    capture(tmp_path / "1.json", "2021-06-29T00:23:00Z", coin(1, 1.0))
    capture(tmp_path / "2.json", "2021-06-29T00:59:00Z", coin(1, 2.0))
    capture(tmp_path / "3.json", "2021-06-29T01:10:00Z", coin(1, 3.0, version=3))
    with open_source(settings_of(f"replay:{tmp_path}")) as source:
        snapshots = list(source.snapshots(Window(AT_23, AT_23 + 2 * HOUR), 10))
        assert [snapshot.quotes.price[0] for snapshot in snapshots] == [2.0, 3.0]
        assert source.now() == datetime(2021, 6, 29, 1, 10, tzinfo=UTC)
        with pytest.raises(PermanentError, match="it has 2021-06-28T23:00:00Z, 2021-06-29T00"):
            source.snapshots(Window.of_hour(AT_23 + 5 * HOUR), 10)


def test_a_replay_honours_start_and_limit(tmp_path):
    coins = [coin(number, 1.0) for number in range(1, 8)]
    file = capture(tmp_path / "a.json", "2021-06-29T00:23:45Z", *coins)
    with ReplayServer(file) as server:
        base = server.url_of(server.captures[0]) + "/v3/cryptocurrency/listings/latest"
        with urllib.request.urlopen(f"{base}?start=6&limit=5") as answer:
            body = json.load(answer)
    assert [c["id"] for c in body["data"]] == [6, 7]
    with open_source(settings_of(f"replay:{file}")) as source:
        [snapshot] = source.snapshots(Window.of_hour(AT_23), 3)
    assert snapshot.quotes.coin_id.tolist() == [1, 2, 3]


def test_a_capture_of_the_simulated_market_stays_marked_as_simulated(tmp_path):
    at = datetime(2026, 11, 22, 14, 5, tzinfo=UTC)
    with SimulatedMarket(coins=5, clock=lambda: at) as market:
        url = f"{market.url}/public-api/v3/cryptocurrency/listings/latest"
        with urllib.request.urlopen(url) as answer:
            (tmp_path / "a.json").write_bytes(answer.read())
    with open_source(settings_of(f"replay:{tmp_path}")) as source:
        [snapshot] = source.snapshots(Window.of_hour(at.replace(minute=0) - HOUR), 5)
    assert set(snapshot.quotes.source) == {"simulated"}


def test_a_wrong_replay_path_is_told_at_the_first_call_and_not_before(tmp_path):
    source = open_source(settings_of(f"replay:{tmp_path / 'none.json'}"))
    with pytest.raises(SettingsError, match="cannot be read"):
        source.now()
