"""The market page from the command line: a run names it, a browser shows what the tables hold."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from coin_platform.contracts import curated
from coin_platform_tests.chromium import Browser
from coin_platform_tests.end_to_end.support import Home


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    home = Home(tmp_path / "home")
    yield home
    home.call("stop", "--force")


@pytest.mark.slow
def test_a_run_ends_with_a_page_of_its_numbers_that_can_be_rolled_back(
    home: Home, browser: Browser
) -> None:
    done = home.run("--hours", "3", "--coins", "20")
    page = done["page"]
    assert page["held"] == []
    assert page["path"] == str(home.path / "site" / "index.html")
    assert done["tables"]["serving/market_site"]["rows"] == 20

    opened = home.call("open")
    assert opened.returncode == 0
    assert opened.stdout.strip() == Path(page["path"]).as_uri()
    browser.open(opened.stdout.strip())
    browser.settled()
    overview, prices = home.table(curated.MARKET_OVERVIEW), home.table(curated.DAILY_COIN_PRICES)
    assert float(browser.values(".card .value data")[0]) == overview["total_market_cap"].iloc[-1]
    assert browser.said() == []
    newest = prices[prices["day"] == prices["day"].max()]
    browser.open(opened.stdout.strip().replace("index", "coins"))
    browser.settled()
    shown = browser.values("#coins td:nth-child(3) data")
    assert sorted(map(float, shown)) == sorted(newest["close"])

    again = home.run("--hours", "3", "--coins", "20")
    if not again["hours"]:  # otherwise an hour has closed meanwhile
        assert again["page"]["release"] == page["release"]
        assert again["tables"]["serving/market_site"]["rows"] == 0
    more = home.run("--hours", "4", "--coins", "20")
    assert more["page"]["release"] > page["release"]

    listed = home.call("site", "releases").stdout
    assert page["release"] in listed
    assert "current" in listed
    back = home.call("site", "rollback", "--to", page["release"])
    assert back.returncode == 0
    assert page["release"] in back.stdout
    kept = home.run("--hours", "4", "--coins", "20")
    if not kept["hours"]:
        assert kept["page"]["release"] == page["release"]
    assert home.processes() == {}


@pytest.mark.slow
def test_a_failed_first_hour_leaves_no_page_and_the_way_in_says_so(
    home: Home, browser: Browser
) -> None:
    home.path.mkdir()
    (home.path / "lake").write_text("in the way")
    done = home.call("run", "--hours", "1", "--coins", "20", "--json")
    assert done.returncode == 1
    page = json.loads(done.stdout)["page"]
    assert page["release"] is None
    assert page["held"] == ["curated has no hour yet: nothing can be shown"]
    browser.open(Path(page["path"]).as_uri())
    assert browser.wait(lambda: browser.texts("#reasons li")) == page["held"]


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["open"], 1, "holds no data yet: `coin-platform run` first"),
        (["site", "rollback"], 2, "no release before"),
        (["site", "rollback", "--to", "x"], 2, "no release x; there are none"),
        (["site", "publish"], 2, "No such command"),
    ],
)
def test_what_cannot_be_done_is_said_plainly(
    home: Home, arguments: list[str], code: int, words: str
) -> None:
    done = home.call(*arguments)
    assert done.returncode == code
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert not (home.path / "postgres").exists()
