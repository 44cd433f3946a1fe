"""The market page as a reader's browser shows it, from files and from a server."""

import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest

from coin_platform.partitions import HOUR
from coin_platform.site.assets import assets
from coin_platform.site.pages import POLICY
from coin_platform.site.releases import Releases
from coin_platform_tests.integration.site_lake import (
    HOSTILE,
    NOW,
    evidence,
    failed,
    publish,
)

PAGES = ("index.html", "coins.html", "coin.html#1", "quality.html")


@pytest.fixture(scope="module")
def server(market_site):
    """The site over HTTP, with its policy as a header as well."""

    class Handler(SimpleHTTPRequestHandler):
        def end_headers(self):
            self.send_header("Content-Security-Policy", f"{POLICY}; frame-ancestors 'none'")
            super().end_headers()

        def log_message(self, *_):
            pass

    handler = partial(Handler, directory=str(market_site.root))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as http:
        threading.Thread(target=http.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{http.server_port}"
        http.shutdown()


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("name", PAGES)
def test_a_page_from_files_says_nothing_on_the_console_and_asks_for_nothing_else(
    page, market_site, name, theme
):
    browser = page(name, theme=theme)
    browser.run("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    assert browser.said() == []
    asked = browser.asked_for()
    assert asked
    assert [url for url in asked if not url.startswith((market_site.root.as_uri(), "about:"))] == []


@pytest.mark.parametrize("name", PAGES)
def test_a_page_from_a_server_keeps_the_policy_of_its_header(browser, server, name):
    browser.open(f"{server}/{name}")
    browser.settled()
    assert browser.said() == []
    assert [url for url in browser.asked_for() if not url.startswith((server, "about:"))] == []


def test_hostile_names_are_text_everywhere(page, market):
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


@pytest.mark.parametrize("width", [360, 900, 1440])
@pytest.mark.parametrize("name", PAGES)
def test_nothing_is_wider_than_the_window(page, name, width):
    browser = page(name, width=width)
    browser.run("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    root = "document.documentElement"
    assert browser.run(f"return {root}.scrollWidth - {root}.clientWidth") == 0


def test_a_held_page_says_since_when_and_why_and_an_old_release_that_it_is_old(
    browser,
    market,
    tmp_path,
):
    site = Releases(tmp_path / "site", keep=3)
    first = publish(site, market)
    publish(site, market, evidence(failed(HOSTILE[0])), NOW + HOUR)
    browser.open(site.entry.as_uri())
    browser.settled()
    banner = browser.wait(lambda: browser.text("#banner .held"))
    assert "Held since 3 May 2026, 13:20 UTC" in banner
    assert f"agrees_with_processed failed for 2026-05-03: {HOSTILE[0]}" in banner
    publish(site, market, evidence(failures=(failed(),)), NOW + 2 * HOUR)
    browser.open(f"{site.root.as_uri()}/releases/{first.release}/coin.html#7")
    browser.settled()
    assert "not the current release" in browser.wait(lambda: browser.text("#banner .other"))
    browser.driver.find_element("css selector", "#banner a").click()
    current = site.pointer().release
    browser.wait(lambda: f"{current}/coin.html#7" in browser.driver.current_url)


def test_before_the_first_release_the_way_in_says_why_there_is_none(
    browser,
    market,
    tmp_path,
):
    site = Releases(tmp_path / "site", keep=3)
    publish(site, market, evidence(failed(HOSTILE[0])))
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
