"""What a reader's browser shows is what a query on curated gives, gaps and odd prices included."""

import re
from itertools import chain
from random import Random

import pytest
from deltalake import DeltaTable

from coin_platform.contracts import curated
from coin_platform.partitions import HOUR
from coin_platform.site import numbers
from coin_platform_tests.integration.site_lake import (
    COINS,
    LAST,
    TINY,
)


def table(market, contract):
    return DeltaTable(market.lake.uri(contract)).to_pandas()


def test_the_key_numbers_are_those_of_a_query_on_curated(page, market):
    browser = page()
    overview = table(market, curated.MARKET_OVERVIEW).sort_values("snapshot_hour")
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


def test_the_rankings_and_movers_are_those_of_a_query_on_curated(page, market):
    browser = page()
    for selector, contract, column in (
        ("#highest", curated.TOP_PRICES, "price"),
        ("#supplies", curated.TOP_CIRCULATING_SUPPLY, "circulating_supply"),
    ):
        rows = table(market, contract)
        rows = rows[rows["day"] == LAST.date()].sort_values("rank")
        assert [float(v) for v in browser.values(f"{selector} data")] == list(rows[column])
        ids = browser.run(
            f"return [...document.querySelectorAll('{selector} a')].map((a) => a.hash)"
        )
        assert ids == [f"#{coin}" for coin in rows["coin_id"]]
    rows = table(market, curated.DAILY_TOP_MOVERS).sort_values("rank")
    changes = [
        change for way in ("up", "down") for change in rows[rows["direction"] == way]["change"]
    ]
    assert [float(v) for v in browser.values(".movers td:last-child data")] == changes


def test_the_series_of_charts_are_curated_s_and_break_where_an_hour_is_missing(page, market):
    browser = page()
    overview = table(market, curated.MARKET_OVERVIEW).sort_values("snapshot_hour")
    known = dict(zip(overview["snapshot_hour"], overview["total_market_cap"], strict=True))
    drawn = browser.run("return document.getElementById('chart-cap').data[0].y")
    hours = [market.window.start + n * HOUR for n in range(len(drawn))]
    assert drawn == [known.get(hour) for hour in hours]
    assert [hour for hour, cap in zip(hours, drawn, strict=True) if cap is None] == sorted(
        market.missing
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


def test_a_coin_s_page_shows_its_candles(page, market):
    browser = page("coin.html#1")
    prices = table(market, curated.DAILY_COIN_PRICES)
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


def test_all_coins_are_listed_searched_and_sorted(page, market):
    browser = page("coins.html")
    prices = table(market, curated.DAILY_COIN_PRICES)
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
        ("coin.html#7", ["7.js", "7.js"]),  # of the history, and of the newest day
        ("quality.html", []),
    ):
        asked = page(name).asked_for()
        data = [url.rpartition("/")[2] for url in asked if re.search("/(data|history)/", url)]
        assert data == wanted
        charts = any("plotly.min" in url for url in asked)
        assert charts == (name in ("index.html", "coin.html#7"))
        if charts:  # and Plotly after everything else
            assert "plotly.min" in asked[-1]


def test_numbers_read_the_same_from_the_server_s_and_the_browser_s_hand(page):
    chance = Random(5)
    values = [chance.uniform(-1, 1) * 10 ** chance.uniform(-30, 25) for _ in range(3000)]
    values += [0.0, 0.125, 0.5, 1.005, 999.995, 999_999.5, 999_995_000.0, 1e15, 5e-324, 1.7e308]
    browser = page("coins.html")
    for form in ("price", "amount", "quantity", "percent", "change"):
        there = browser.run(f"return arguments[0].map(numbers.{form})", values)
        here = [getattr(numbers, form)(value) for value in values]
        assert [pair for pair in zip(values, here, there, strict=True) if pair[1] != pair[2]] == []
