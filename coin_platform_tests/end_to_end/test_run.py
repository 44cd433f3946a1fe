"""`coin-platform run` as a user calls it: processes, exit codes, output and tables."""

import json
import random
import signal
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest

from coin_platform.contracts import curated, processed
from coin_platform.simulator.server import SimulatedMarket
from coin_platform_tests.end_to_end.support import Home

TAKEN_AT = datetime(2026, 5, 1, 12, 20, tzinfo=UTC)


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    home = Home(tmp_path / "home")
    yield home
    home.call("stop", "--force")


def capture(folder: Path, taken_at: datetime, coins: int = 30) -> Path:
    """An answer of the simulated market, as somebody would have captured it."""
    import requests

    with SimulatedMarket(seed=3, clock=lambda: taken_at) as market:
        answer = requests.get(
            f"{market.url}/v1/cryptocurrency/listings/latest",
            params={"limit": coins},
            headers={"X-CMC_PRO_API_KEY": "any"},
            timeout=30,
        )
    folder.mkdir(exist_ok=True)
    path = folder / f"{taken_at:%Y%m%d-%H%M}.json"
    path.write_bytes(answer.content)
    return path


@pytest.mark.slow
def test_a_run_fills_every_table_and_a_second_one_does_only_what_is_missing(
    home: Home,
) -> None:
    first = home.run("--hours", "3", "--coins", "20")
    assert len(first["hours"]) == 3
    assert first["checks"]["failed"] == 0
    assert first["checks"]["passed"] > 90
    for table in ("database", "raw", "processed"):
        assert first["tables"][f"{table}/coin_quotes"]["rows"] == 60
    assert first["tables"]["raw/coin_quotes"]["files"] >= 1
    assert first["tables"]["curated/market_overview"]["rows"] == 3
    assert set(home.table(processed.COIN_QUOTES)["source"]) == {"simulated"}

    again = home.run("--hours", "3", "--coins", "20")
    new = set(again["hours"]) - set(first["hours"])
    assert set(again["hours"]) == new  # the hour may have changed meanwhile
    more = home.run("--hours", "5", "--coins", "20")
    assert len(set(more["hours"]) & set(first["hours"])) == 0
    assert len(home.table(processed.COIN_QUOTES)) == 20 * len(
        {*first["hours"], *again["hours"], *more["hours"]}
    )
    assert home.processes() == {}


@pytest.mark.slow
def test_captures_are_replayed_in_time_order_with_every_digit(home: Home, tmp_path: Path) -> None:
    files = [
        capture(tmp_path / "captures", TAKEN_AT.replace(year=2021, hour=hour)) for hour in (12, 14)
    ]
    done = home.run("--source", f"replay:{tmp_path / 'captures'}")
    assert done["hours"] == ["2021-05-01T11:00:00Z", "2021-05-01T13:00:00Z"]
    quotes = home.table(processed.COIN_QUOTES)
    assert len(quotes) == 60
    for file, (_, rows) in zip(files, quotes.groupby("snapshot_hour"), strict=True):
        said = {
            coin["id"]: coin["quote"]["USD"]["price"]
            for coin in json.loads(file.read_text())["data"]
        }
        assert dict(zip(rows["coin_id"], rows["price"], strict=True)) == said
    assert len(home.table(curated.DAILY_COIN_PRICES)) == 30


def test_a_home_of_one_source_refuses_another(home: Home, tmp_path: Path) -> None:
    home.path.mkdir()
    (home.path / "home.json").write_text(
        '{"start": "2026-01-01T00:00:00Z", "source": "replay:x.json"}'
    )
    done = home.call("run", "--hours", "1", "--source", "simulated")
    assert done.returncode == 2
    assert "holds replay data" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--hours", "0"], "--hours"),
        (["--source", "binance"], "simulated, coinmarketcap, replay:FILE_OR_DIR"),
        (["--source", "replay:/no/such/file"], "/no/such/file"),
        (["--source", "coinmarketcap", "--hours", "2"], "COINMARKETCAP_API_KEY"),
        (["--moon"], "No such option"),
    ],
)
def test_wrong_usage_exits_2_with_a_plain_message(
    home: Home, arguments: list[str], words: str
) -> None:
    done = home.call("run", *arguments)
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert not (home.path / "postgres").exists()


@pytest.mark.slow
def test_a_run_killed_anywhere_and_run_again_leaves_the_tables_of_an_undisturbed_run(
    home: Home, tmp_path: Path
) -> None:
    """Killed at random points; the seed is printed, so that a failure can be played again."""
    folder = tmp_path / "captures"
    for hour in (12, 13, 14):
        capture(folder, TAKEN_AT.replace(hour=hour))
    arguments = ("run", "--json", "--source", f"replay:{folder}")
    undisturbed = Home(tmp_path / "undisturbed")
    expected = undisturbed.call(*arguments)
    assert expected.returncode == 0, expected.stderr

    seed = random.randrange(10**6)
    print("seed", seed)  # noqa: T201  shown when the test fails
    chance = random.Random(seed)
    for _ in range(4):
        process = home.start(*arguments)
        time.sleep(chance.uniform(2, 14))
        process.send_signal(signal.SIGKILL)
        process.communicate()
    final = home.call(*arguments)
    assert final.returncode == 0, final.stderr
    for name, rows in home.tables().items():
        pd.testing.assert_frame_equal(rows, undisturbed.tables()[name], obj=name)
    assert home.processes() == {}
