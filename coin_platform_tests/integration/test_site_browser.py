"""The market page as a reader's browser shows it, from files and from a server."""

import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from itertools import chain
from random import Random

import pytest
from deltalake import DeltaTable

from coin_platform.contracts import curated
from coin_platform.partitions import HOUR
from coin_platform.resources.lake import Lake
from coin_platform.site import numbers
from coin_platform.site.assets import assets
from coin_platform.site.pages import POLICY
from coin_platform.site.releases import Releases
from coin_platform_tests.integration.site_lake import (
    HOSTILE,
    LAST,
    NOW,
    SiteLake,
    evidence,
    failed,
    publish,
)

PAGES = ("index.html", "coins.html", "coin.html#1", "quality.html")
COINS = 250
TINY = 2.0e-20


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    """Gaps, hostile names, a coin that costs next to nothing, and one that vanished."""
    names = ["Alpha", "Beta", *HOSTILE, *(f"Coin {n}" for n in range(COINS - 2 - len(HOSTILE)))]
    return SiteLake(
        Lake(str(tmp_path_factory.mktemp("market") / "lake")),
        days=12,
        names=names,
        missing={LAST - 5 * HOUR, LAST - 6 * HOUR, LAST - 30 * HOUR},
        prices={2: TINY},
        absent={(20, LAST.date()), (1, (LAST - 96 * HOUR).date())},
    ).fill()


@pytest.fixture(scope="module")
def site(tmp_path_factory, lake):
    site = Releases(tmp_path_factory.mktemp("market") / "site", keep=3)
    said = failed(HOSTILE[0])
    publish(site, lake, evidence(failures=(said,)))
    return site


@pytest.fixture
def page(browser, site):
    """Opens a page of the site from its files, and waits until it is drawn."""

    def opened(name="index.html", **options):
        browser.open(f"{site.root.as_uri()}/{name}", **options)
        browser.settled()
        return browser

    return opened


@pytest.fixture(scope="module")
def server(site):
    """The site over HTTP, with its policy as a header as well."""

    class Handler(SimpleHTTPRequestHandler):
        def end_headers(self):
            self.send_header("Content-Security-Policy", f"{POLICY}; frame-ancestors 'none'")
            super().end_headers()

        def log_message(self, *_):
            pass

    handler = partial(Handler, directory=str(site.root))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as http:
        threading.Thread(target=http.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{http.server_port}"
        http.shutdown()


def table(lake, contract):
    return DeltaTable(lake.lake.uri(contract)).to_pandas()


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("name", PAGES)
def test_a_page_from_files_says_nothing_on_the_console_and_asks_for_nothing_else(
    page, site, name, theme
):
    browser = page(name, theme=theme)
    browser.run("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    assert browser.said() == []
    asked = browser.asked_for()
    assert asked
    assert [url for url in asked if not url.startswith((site.root.as_uri(), "about:"))] == []


@pytest.mark.parametrize("name", PAGES)
def test_a_page_from_a_server_keeps_the_policy_of_its_header(browser, server, name):
    browser.open(f"{server}/{name}")
    browser.settled()
    assert browser.said() == []
    assert [url for url in browser.asked_for() if not url.startswith((server, "about:"))] == []


def test_the_key_numbers_are_those_of_a_query_on_curated(page, lake):
    browser = page()
    overview = table(lake, curated.MARKET_OVERVIEW).sort_values("snapshot_hour")
    now = overview.iloc[-1]
    before = overview[overview["snapshot_hour"] == LAST - 24 * HOUR].iloc[0]
    cap, volume = now["total_market_cap"], now["total_volume_24h"]
    shares = now["largest_dominance"], now["second_dominance"]
    assert [float(v) for v in browser.values(".card .value data")] == [cap, volume, *shares]
    assert browser.texts(".card .value") == [
        numbers.amount(cap),
        numbers.amount(volume),
        *map(numbers.percent, shares),
    ]
    moved = [float(value) for value in browser.values(".card .moved data")]
    assert moved[0] == (cap / before["total_market_cap"] - 1) * 100
    assert moved[2] == shares[0] - before["largest_dominance"]


def test_the_rankings_and_movers_are_those_of_a_query_on_curated(page, lake):
    browser = page()
    for selector, contract, column in (
        ("#highest", curated.TOP_PRICES, "price"),
        ("#supplies", curated.TOP_CIRCULATING_SUPPLY, "circulating_supply"),
    ):
        rows = table(lake, contract)
        rows = rows[rows["day"] == LAST.date()].sort_values("rank")
        assert [float(v) for v in browser.values(f"{selector} data")] == list(rows[column])
        ids = browser.run(
            f"return [...document.querySelectorAll('{selector} a')].map((a) => a.hash)"
        )
        assert ids == [f"#{coin}" for coin in rows["coin_id"]]
    rows = table(lake, curated.DAILY_TOP_MOVERS).sort_values("rank")
    changes = [
        change for way in ("up", "down") for change in rows[rows["direction"] == way]["change"]
    ]
    assert [float(v) for v in browser.values(".movers td:last-child data")] == changes


def test_the_series_behind_the_charts_are_curated_s_and_break_where_an_hour_is_missing(page, lake):
    browser = page()
    overview = table(lake, curated.MARKET_OVERVIEW).sort_values("snapshot_hour")
    known = dict(zip(overview["snapshot_hour"], overview["total_market_cap"], strict=True))
    drawn = browser.run("return document.getElementById('chart-cap').data[0].y")
    hours = [lake.window.start + n * HOUR for n in range(len(drawn))]
    assert drawn == [known.get(hour) for hour in hours]
    assert [hour for hour, cap in zip(hours, drawn, strict=True) if cap is None] == sorted(
        lake.missing
    )
    lines = browser.run("return document.querySelectorAll('#chart-dominance .js-line').length")
    assert lines == 2 * 3  # two gaps make three lines of each
    areas = browser.run("return document.getElementById('chart-cap').data.slice(2).map((a) => a.y)")
    assert [None in area for area in areas] == [False] * 3
    assert [*chain(*areas)] == [cap for cap in drawn if cap is not None]
    browser.run("document.querySelector('details[data-table=cap]').open = true")
    browser.wait(lambda: browser.values("details[data-table=cap] data"))
    shown = browser.values("details[data-table=cap] td:nth-child(2) data")
    assert [float(cap) for cap in reversed(shown)] == list(overview["total_market_cap"])


@pytest.mark.parametrize("name", ["index.html", "coin.html#1"])
def test_times_are_utc_wherever_the_reader_is(page, name):
    def read(zone):
        browser = page(name, zone=zone)
        browser.run("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
        browser.wait(lambda: browser.texts("details[data-table] td"))
        drawn = "[...document.querySelectorAll('.cartesianlayer path, .xtick text')]"
        return (
            browser.texts(".xtick text"),
            browser.texts("details[data-table] tbody th"),
            browser.run(f"return {drawn}.map((e) => e.getAttribute('d') ?? e.getAttribute('x'))"),
            browser.run(f"return {drawn}.map((e) => e.getAttribute('transform'))"),
        )

    here = read("UTC")
    assert all(len(part) > 2 for part in here)
    assert read("Pacific/Auckland") == here
    assert read("America/St_Johns") == here


def test_a_coin_s_page_shows_its_candles(page, lake):
    browser = page("coin.html#1")
    prices = table(lake, curated.DAILY_COIN_PRICES)
    prices = prices[prices["coin_id"] == 1].sort_values("day")
    assert browser.text("#name") == "Alpha"
    assert float(browser.values("#cards data")[0]) == prices["close"].iloc[-1]
    candles = browser.run("return document.getElementById('chart-candles').data[0]")
    for column in ("open", "high", "low", "close"):
        assert [value for value in candles[column] if value is not None] == list(prices[column])
    assert candles["close"].count(None) == 1
    days = [day for day, value in zip(candles["x"], candles["close"], strict=True) if value]
    assert days == [str(day) for day in prices["day"]]


def test_a_price_next_to_nothing_is_drawn_and_read(page):
    browser = page("coin.html#2")
    assert browser.text("#cards .value") == numbers.price(TINY * 1.02)
    ticks = browser.texts("#chart-candles .ytick text")
    assert len(ticks) >= 2
    assert all(tick.startswith("$0.0₁₉") for tick in ticks)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("coin.html", "No coin was asked for"),
        ("coin.html#x<img>", "No coin was asked for"),
        ("coin.html#../../current", "No coin was asked for"),
        ("coin.html#999999", "There is no coin of id 999999"),
        ("coin.html#20", "This coin has no price on 2026-05-03; its last one is of 2026-05-02"),
    ],
)
def test_a_coin_that_is_not_there_is_said_to_be_so(page, name, words):
    browser = page(name)
    browser.wait(lambda: words in browser.text("#problem"))


def test_all_coins_are_listed_searched_and_sorted(page, lake):
    browser = page("coins.html")
    prices = table(lake, curated.DAILY_COIN_PRICES)
    prices = prices[prices["day"] == LAST.date()].sort_values("market_cap", ascending=False)
    assert len(browser.texts("#coins tbody tr")) == 100  # a part at a time
    browser.run("document.getElementById('more').click(); document.getElementById('more').click()")
    assert [float(v) for v in browser.values("#coins td:nth-child(3) data")] == list(
        prices["close"]
    )
    assert browser.text("#found") == f"{COINS - 1} coins"

    def sort(label):
        script = "[...document.querySelectorAll('.sort')].find((b) => b.innerText == arguments[0])"
        browser.run(f"{script}.click()", label)
        return browser.run(f"return {script}.parentElement.getAttribute('aria-sort')", label)

    def first():
        return browser.values("#coins tbody tr:first-child data")[0]

    assert sort("Price") == "descending"
    assert float(first()) == prices["close"].max()
    assert sort("Price") == "ascending"
    assert float(first()) == prices["close"].min()
    sorted_by = browser.run("return document.querySelectorAll('[aria-sort=ascending]').length")
    assert sorted_by == 1
    box = browser.driver.find_element("id", "search")
    box.send_keys("coin 77")
    assert browser.texts("#coins tbody th") == ["Coin 77 Coin 77"]
    assert browser.text("#found") == f"1 of {COINS - 1} coins"


def test_a_page_carries_no_more_than_it_shows(page):
    """The list of all coins, and their candles, are loaded by the pages that show them."""
    for name, wanted in (
        ("index.html", ["overview.js"]),
        ("coins.html", ["coins.js"]),
        ("coin.html#7", ["7.js"]),
        ("quality.html", []),
    ):
        asked = page(name).asked_for()
        data = [url.rpartition("/")[2] for url in asked if "/data/" in url]
        assert data == wanted
        charts = any("plotly.min" in url for url in asked)
        assert charts == (name in ("index.html", "coin.html#7"))
        if charts:  # and Plotly after everything else
            assert "plotly.min" in asked[-1]


def test_hostile_names_are_text_everywhere(page, lake):
    browser = page("coins.html")
    box = browser.driver.find_element("id", "search")
    for name in HOSTILE[:4]:
        box.clear()
        box.send_keys(name[:20])
        shown = browser.run("return document.querySelector('#coins bdi').textContent")
        assert shown == name
    for coin in range(3, 3 + len(HOSTILE)):
        browser = page(f"coin.html#{coin}")
        shown = browser.run("return document.getElementById('name').textContent")
        assert shown == HOSTILE[coin - 3]
        assert (
            browser.run("return document.querySelectorAll('img, [onload], [onerror]').length") == 0
        )
        assert browser.said() == []
    browser = page("quality.html")
    assert HOSTILE[0] in browser.text("#main")
    assert browser.run("return document.querySelectorAll('img').length") == 0


def test_numbers_read_the_same_from_the_server_s_and_the_browser_s_hand(page):
    chance = Random(5)
    values = [chance.uniform(-1, 1) * 10 ** chance.uniform(-30, 25) for _ in range(3000)]
    values += [0.0, 0.125, 0.5, 1.005, 999.995, 999_999.5, 999_995_000.0, 1e15, 5e-324, 1.7e308]
    browser = page("coins.html")
    for form in ("price", "amount", "quantity", "percent", "change"):
        there = browser.run(f"return arguments[0].map(numbers.{form})", values)
        here = [getattr(numbers, form)(value) for value in values]
        assert [pair for pair in zip(values, here, there, strict=True) if pair[1] != pair[2]] == []


@pytest.mark.parametrize("width", [360, 900, 1440])
@pytest.mark.parametrize("name", PAGES)
def test_nothing_is_wider_than_the_window(page, name, width):
    browser = page(name, width=width)
    browser.run("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    root = "document.documentElement"
    assert browser.run(f"return {root}.scrollWidth - {root}.clientWidth") == 0


def test_a_held_page_says_since_when_and_why_and_an_old_release_that_it_is_old(
    browser,
    lake,
    tmp_path,
):
    site = Releases(tmp_path / "site", keep=3)
    first = publish(site, lake)
    publish(site, lake, evidence(failed(HOSTILE[0])), NOW + HOUR)
    browser.open(site.entry.as_uri())
    browser.settled()
    banner = browser.wait(lambda: browser.text("#banner .held"))
    assert "Held since 3 May 2026, 13:20 UTC" in banner
    assert f"agrees_with_processed failed for 2026-05-03: {HOSTILE[0]}" in banner
    publish(site, lake, evidence(failures=(failed(),)), NOW + 2 * HOUR)
    browser.open(f"{site.root.as_uri()}/releases/{first.release}/coin.html#7")
    browser.settled()
    assert "not the current release" in browser.wait(lambda: browser.text("#banner .other"))
    browser.driver.find_element("css selector", "#banner a").click()
    current = site.pointer().release
    browser.wait(lambda: f"{current}/coin.html#7" in browser.driver.current_url)


def test_before_the_first_release_the_way_in_says_why_there_is_none(
    browser,
    lake,
    tmp_path,
):
    site = Releases(tmp_path / "site", keep=3)
    publish(site, lake, evidence(failed(HOSTILE[0])))
    browser.open(site.entry.as_uri())
    reason = browser.wait(lambda: browser.texts("#reasons li"))
    assert HOSTILE[0] in reason[0]
    assert browser.text("#state") == "Nothing has been published yet."
    assert browser.said() == []


def test_the_theme_is_the_reader_s_choice_and_stays(page):
    browser = page(theme="light")
    background = "return getComputedStyle(document.body).backgroundColor"
    light = browser.run(background)
    browser.driver.find_element("id", "theme").click()
    dark = browser.run(background)
    assert dark != light
    browser = page("quality.html", theme="light")
    assert browser.run(background) == dark
    browser.driver.find_element("id", "theme").click()
    assert browser.run(background) == light
    browser.run("localStorage.clear()")


def test_a_page_can_be_used_by_keyboard(page):
    from selenium.webdriver import ActionChains, Keys

    browser = page("coins.html")

    def focused():
        return browser.run("return document.activeElement.innerText || document.activeElement.id")

    reached = []
    for _ in range(20):
        ActionChains(browser.driver).send_keys(Keys.TAB).perform()
        reached.append(focused())
    assert reached[0] == "Skip to content"
    assert reached[1:5] == ["coin_platform", "Market", "Coins", "Data quality"]
    assert {"theme", "search", "Price", "Market cap"} <= set(reached)


def test_plotly_keeps_its_styles_to_itself(page):
    """The elements that keep it from adding style elements are there, and no such element is."""
    assert assets().guards
    browser = page()
    assert browser.run("return document.querySelectorAll('style').length") == 0
    position = "return getComputedStyle(document.querySelector('#chart-cap .main-svg')).position"
    assert browser.run(position) == "absolute"


def test_paper_is_light_whatever_the_theme(page):
    browser = page(theme="dark")
    text = "return getComputedStyle(document.querySelector('#chart-cap .xtick text')).fill"
    dark = browser.run(text)
    features = [{"name": "prefers-color-scheme", "value": "dark"}]
    media = {"media": "print", "features": features}
    browser.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
    browser.wait(lambda: browser.run(text) != dark)
    shown = browser.run("return getComputedStyle(document.body).backgroundColor")
    assert shown == "rgb(255, 255, 255)"
    assert browser.run("return getComputedStyle(document.querySelector('nav')).display") == "none"
    browser.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "", "features": []})
