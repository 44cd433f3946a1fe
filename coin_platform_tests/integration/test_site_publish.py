"""The market page made of a lake: what is shown, what is published, and what holds it."""

import re
import shutil
from dataclasses import replace
from datetime import timedelta
from html.parser import HTMLParser

import pytest

from coin_platform.contracts import curated, processed
from coin_platform.errors import TransientError
from coin_platform.partitions import HOUR, instant_text
from coin_platform.resources.lake import Lake
from coin_platform.site.evidence import Judged, State
from coin_platform.site.publish import (
    bring_up_to_date,
    is_outdated,
    known_missing_hours,
    survey,
    versions_of,
)
from coin_platform.site.releases import Releases
from coin_platform.site.script import value_of
from coin_platform.site.shown import missing_hours, shown
from coin_platform_tests.integration.site_lake import (
    HOSTILE,
    LAST,
    NOW,
    SiteLake,
    coin,
    data,
    due,
    evidence,
    failed,
    publish,
)

PAGES = ("index.html", "coins.html", "coin.html", "quality.html")


@pytest.fixture
def lake(tmp_path):
    return SiteLake(Lake(str(tmp_path / "lake")))


@pytest.fixture
def site(tmp_path):
    return Releases(tmp_path / "site", keep=3)


def page(site, name="index.html"):
    return site.content(site.pointer().release, name).decode()


class Elements(HTMLParser):
    """The elements of a page with their attributes, and its text."""

    def __init__(self, text):
        super().__init__()
        self.found, self.texts = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.texts.append(data)


def test_the_newest_days_are_shown_and_their_missing_hours_are_not(lake):
    lake.days = 5
    lake.missing = {LAST - 3 * HOUR, LAST - 30 * HOUR}
    what = shown(missing_hours(lake.fill().served), 3)
    assert what.hours == [hour for hour in lake.hours if hour in what.window]
    assert what.hour == LAST
    assert len(what.days) == 3
    assert what.since == lake.window.start


def test_an_empty_lake_shows_nothing_and_the_page_says_so(lake, site):
    assert shown(missing_hours(lake.served), 3) is None
    done = publish(site, lake)
    assert done.release is None
    assert done.held.reasons == ("curated has no hour yet: nothing can be shown",)
    assert site.entry.exists()


def test_gaps_are_gaps_in_the_series(lake, site):
    lake.missing = {LAST - 3 * HOUR}
    lake.absent = {(3, LAST.date() - timedelta(days=1))}
    publish(site, lake.fill())
    series = data(site, "overview")
    caps = series["total_market_cap"]
    assert caps[-4] is None
    assert None not in [*caps[:-4], *caps[-3:]]
    assert len(caps) == len(lake.hours) + 1
    closes = coin(site, 3)["close"]
    assert [close is None for close in closes] == [False, True, False]
    [row] = [row for row in data(site, "coins") if row[0] == 3]
    assert row[-1][1] == "-"


def test_a_coin_that_vanished_keeps_its_page_and_leaves_the_list(lake, site):
    lake.absent = {(2, LAST.date())}
    publish(site, lake.fill())
    assert coin(site, 2)["close"][-1] is None
    assert 2 not in [row[0] for row in data(site, "coins")]


def test_numbers_that_are_none_are_shown_as_none(lake, site):
    lake.fill()
    candles = [{**lake.candle(1, LAST.date()), "market_cap": float("nan")}]
    lake.write(curated.DAILY_COIN_PRICES, candles)
    publish(site, lake)
    [row] = data(site, "coins")
    assert row[6] is None


def test_a_change_is_counted_as_the_movers_count_it(lake, site):
    lake.days = 9
    publish(site, lake.fill())
    by_id = {row[0]: row for row in data(site, "coins")}
    assert by_id[2][4] == (2.04 / 2 - 1) * 100
    assert by_id[2][5] == 0  # the close of seven days ago is the same


def test_every_page_says_what_it_is_made_of(lake, site):
    done = publish(site, lake.fill())
    for name in PAGES:
        text = page(site, name)
        for words in ("Simulated data", "a-run", done.release, "3 May 2026, 11:00 UTC to 12:00"):
            assert words in text, (name, words)
        for table in (curated.DAILY_COIN_PRICES, processed.LEDGER):
            version = lake.lake.detail(table).version
            assert f"<code>{table.id}</code> <span>version {version}</span>" in text


def test_texts_from_outside_are_texts_in_every_file(lake, site):
    lake.names = HOSTILE
    said = failed(HOSTILE[0])
    lake.fill()
    lake.write(
        processed.LEDGER,
        [
            {
                "snapshot_hour": LAST,
                "table_name": "coins",
                "balanced": False,
                "examples": HOSTILE[1],
            },
            {"snapshot_hour": LAST, "table_name": HOSTILE[0]},
        ],
    )
    publish(site, lake, evidence(failures=(said,)))
    release = site.current()
    for name in release.files:
        if name.endswith(".html"):
            elements = Elements(page(site, name))
            tags = [tag for tag, _ in elements.found]
            assert "img" not in tags
            for tag, attributes in elements.found:
                assert not [a for a in attributes if a.startswith("on") or a == "style"], name
                target = attributes.get("src") or attributes.get("href") or ""
                assert not re.match(r"(?i)[a-z]+:", target), target
                assert tag != "script" or "src" in attributes
        elif name.startswith("data/"):
            assert b"<" not in site.content(release.id, name)
            value_of(site.content(release.id, name))
    assert site.history(release.history).files
    for name in site.history(release.history).files:
        assert b"<" not in site.histories.content(release.history, name)
        value_of(site.histories.content(release.history, name))
    shown_texts = "".join(Elements(page(site)).texts)
    for name in HOSTILE[:4]:
        assert name in shown_texts
    assert HOSTILE[0] in "".join(Elements(page(site, "quality.html")).texts)
    held = publish(site, lake, evidence(said), NOW + HOUR)
    assert HOSTILE[0] in held.held.reasons[0]
    assert b"<" not in (site.root / "current.js").read_bytes()


def test_a_failed_check_holds_the_page_and_passing_it_publishes(lake, site):
    good = publish(site, lake.fill())
    lake.prices = {1: 5.0}
    lake.fill()
    held = publish(site, lake, evidence(failed()), NOW + HOUR)
    assert held.release == good.release
    assert held.held.since == instant_text(NOW + HOUR)
    assert held.held.reasons == (
        "curated/daily_coin_prices: agrees_with_processed failed for 2026-05-03: 3 rows differ",
    )
    assert coin(site, 1)["open"][0] == 1.0
    still = publish(site, lake, evidence(failed("4 rows differ")), NOW + 2 * HOUR)
    assert still.held.since == held.held.since
    better = publish(site, lake, evidence(), NOW + 3 * HOUR)
    assert better.held is None
    assert site.pointer().held is None
    assert coin(site, 1)["open"][0] == 5.0


def test_checks_that_have_not_looked_hold_the_page_too(lake, site):
    def one(state, hour):
        return Judged("processed/ledger", "ledger_balances", hour, state)

    lake.fill()
    done = publish(
        site,
        lake,
        evidence(*(one(State.NEVER, f"2026-05-03-0{n}:00") for n in range(5)),
                 one(State.STALE, "2026-05-03-09:00")),
    )  # fmt: skip
    assert done.held.reasons == (
        "processed/ledger: ledger_balances has never looked for 2026-05-03-04:00, "
        "2026-05-03-03:00, 2026-05-03-02:00 and 2 more",
        "processed/ledger: ledger_balances has not looked at what was written since for "
        "2026-05-03-09:00",
    )


def test_a_site_is_due_only_while_something_behind_it_changed(lake, site):
    lake.fill()
    assert due(site, lake)
    publish(site, lake)
    assert not due(site, lake)
    assert due(site, lake, evidence(failures=(failed(),)))  # the quality page says so
    assert due(site, lake, evidence(failed()))
    publish(site, lake, evidence(failed()))
    assert not due(site, lake, evidence(failed()))
    assert due(site, lake)
    publish(site, lake)
    lake.fill()  # new versions of the tables
    assert due(site, lake)


def test_a_site_is_outdated_by_its_tables_alone_unless_it_is_held(lake, site):
    assert not is_outdated(site, lake.fill().served)  # there is none yet
    publish(site, lake)
    assert not is_outdated(site, lake.served)
    lake.fill()
    assert is_outdated(site, lake.served)
    publish(site, lake, evidence(failed()))
    assert not is_outdated(site, lake.served)  # what a hold waits for, the checks say
    publish(site, lake, now=NOW + HOUR)
    assert not is_outdated(site, lake.served)


def test_a_release_remembers_the_hours_that_its_tables_lack_until_these_change(lake, site):
    lake.days, lake.missing = 3, {LAST - 2 * HOUR, LAST - 30 * HOUR}
    publish(site, lake.fill())
    missing, newest = missing_hours(lake.served), site.newest()
    assert (LAST - 2 * HOUR).hour in missing[LAST.date()]
    assert known_missing_hours(newest, versions_of(lake.served)) == missing
    lake.fill()
    assert known_missing_hours(newest, versions_of(lake.served)) == {}


def test_publishing_what_is_published_changes_nothing(lake, site):
    first = publish(site, lake.fill())
    again = publish(site, lake, now=NOW + HOUR)
    assert again.release == first.release
    assert len(site.names()) == 1


def test_a_rollback_holds_until_the_data_changes(lake, site):
    first = publish(site, lake.fill())
    lake.fill()
    publish(site, lake, now=NOW + HOUR)
    site.roll_back(None, NOW + HOUR)
    assert not due(site, lake)
    assert site.current().id == first.release
    lake.fill()
    assert due(site, lake)


def test_a_release_whose_folder_was_removed_is_made_anew(lake, site):
    publish(site, lake.fill())
    shutil.rmtree(site.root / "releases")
    assert due(site, lake)
    publish(site, lake, now=NOW + HOUR)
    assert site.broken(site.current()) == []


def test_a_table_that_changes_while_it_is_read_is_not_published(lake, site):
    surveyed = survey(site, lake.fill().served, 90, "USD", lambda _: evidence())
    lake.fill()
    with pytest.raises(TransientError, match="changed while"):
        bring_up_to_date(site, lake.served, surveyed, "USD", "a-run", NOW)
    assert site.current() is None


def test_the_page_shows_so_many_days_and_no_older_ones(lake, site):
    lake.days = 6
    lake.fill()
    surveyed = survey(site, lake.served, 2, "USD", lambda _: evidence())
    bring_up_to_date(site, lake.served, surveyed, "USD", "a-run", NOW)
    assert len(coin(site, 1)["close"]) == 2
    assert len(data(site, "overview")["coins"]) == 36


def test_hours_left_out_are_named_with_their_reason(lake, site):
    lake.missing = {LAST - 2 * HOUR}
    lake.fill()
    rows = [
        {"snapshot_hour": LAST - 2 * HOUR, "table_name": "coin_quotes", "balanced": False,
         "missing": 3, "examples": "in raw only: coin_id 7"},
    ]  # fmt: skip
    lake.write(processed.LEDGER, rows)
    publish(site, lake)
    text = page(site, "quality.html")
    assert "3 May 2026, 09:00 UTC" in text
    assert "in raw only: coin_id 7" in text
    assert text.count('class="unbalanced" title="2026-05-03 09:00') == 1
    assert text.count('class="missing" title') == 0


def test_quarantined_rows_are_counted_by_rule(lake, site):
    lake.fill()
    lake.write(
        processed.QUARANTINED_COIN_QUOTES,
        [
            {"snapshot_hour": LAST, "coin_id": coin, "currency": "USD", "rules": rules,
             "source_file": "f", "source_row": 1, "run_id": "r"}
            for coin, rules in ((1, "price_is_missing"), (2, "price_is_missing,odd"))
        ],
    )  # fmt: skip
    publish(site, lake)
    text = page(site, "quality.html")
    assert "<code>price_is_missing</code></td><td>" in text
    assert re.search(r"price_is_missing.*?<data value=\"2\">2</data>", text, re.DOTALL)
    assert '<data id="quarantined" value="2">' in text


def test_both_sources_are_named(lake, site):
    lake.fill()
    rows = [{**lake.total(n, hour), "source": "coinmarketcap"} for n, hour in enumerate(lake.hours)]
    lake.write(curated.MARKET_OVERVIEW, rows)
    publish(site, lake)
    assert "CoinMarketCap and Simulated data" in page(site)
    candles = [{**lake.candle(1, LAST.date()), "source": "coinmarketcap"}]
    lake.write(curated.DAILY_COIN_PRICES, candles)
    days = [lake.publication(curated.DAILY_COIN_PRICES, day) for day in lake.window.days]
    lake.write(curated.PUBLICATIONS, days)
    publish(site, lake, now=NOW + HOUR)
    assert "Simulated" not in page(site)
    assert replace(site.current()).facts["sources"] == ["coinmarketcap"]
