"""The days before the newest one: shared by the releases of a day, made again when they change."""

import shutil

import pytest

from coin_platform.contracts import curated
from coin_platform.errors import PermanentError
from coin_platform.partitions import DAY, HOUR, Window
from coin_platform.resources.lake import Lake
from coin_platform.site.publish import bring_up_to_date, survey
from coin_platform.site.releases import Releases
from coin_platform_tests.integration.site_lake import (
    LAST,
    NOW,
    SiteLake,
    coin,
    due,
    evidence,
    publish,
)


@pytest.fixture
def lake(tmp_path):
    return SiteLake(Lake(str(tmp_path / "lake")))


@pytest.fixture
def site(tmp_path):
    return Releases(tmp_path / "site", keep=3)


def test_the_hours_of_a_day_share_the_days_before_it(lake, site):
    publish(site, lake.fill())
    lake.refresh(LAST.date(), close=7.0)
    publish(site, lake, now=NOW + HOUR)
    newer, older = site.all()
    assert newer.history == older.history
    assert [path.name for path in (site.root / "history").iterdir()] == [newer.history]
    assert coin(site, 1)["close"] == [1.01, 1.01, 7.0]
    assert site.broken(newer) == site.broken(older) == []


def test_a_closed_day_that_changes_is_shown_and_coins_that_did_not_are_linked(lake, site):
    publish(site, lake.fill())
    lake.prices = {1: 5.0}
    lake.refresh(LAST.date() - DAY)
    publish(site, lake, now=NOW + HOUR)
    newer, older = (site.history(release.history) for release in site.all())
    assert newer.id != older.id
    assert coin(site, 1)["open"] == [1.0, 5.0, 1.0]
    assert {name for name in newer.files if newer.files[name] != older.files[name]} == {"1.js"}
    inodes = {(site.root / "history" / of.id / "2.js").stat().st_ino for of in (newer, older)}
    assert len(inodes) == 1


def test_a_day_that_begins_closes_the_one_before(lake, site):
    publish(site, lake.fill())
    lake.refresh(LAST.date() + DAY, close=7.0)
    rows = [lake.publication(table, LAST.date() + DAY) | {"hours": 1, "hours_missing": None}
            for table in curated.TABLES]  # fmt: skip
    lake.write(curated.PUBLICATIONS, rows, Window.of_days(LAST.date() + DAY, LAST.date() + DAY))
    publish(site, lake, now=NOW + DAY)
    assert coin(site, 1)["close"] == [1.01, 1.01, 1.01, 7.0]
    newer, older = site.all()
    assert newer.history != older.history


def test_a_history_goes_with_the_last_release_that_shows_it(lake, site):
    for number in range(6):
        lake.refresh(LAST.date() - DAY, close=float(number + 1)) if number else lake.fill()
        publish(site, lake, now=NOW + number * HOUR)
    shown_now = {release.history for release in site.all()}
    assert len(shown_now) == site.keep
    assert {path.name for path in (site.root / "history").iterdir()} == shown_now


def test_what_is_lost_of_a_history_is_named_and_cannot_be_gone_back_to(lake, site):
    publish(site, lake.fill())
    lake.refresh(LAST.date() - DAY, close=2.0)
    publish(site, lake, now=NOW + HOUR)
    newer, older = site.all()
    (site.root / "history" / older.history / "2.js").write_bytes(b"other")
    assert site.broken(older) == [f"history/{older.history}/2.js"]
    with pytest.raises(PermanentError, match="not whole"):
        site.roll_back(None, NOW)
    shutil.rmtree(site.root / "history" / newer.history)
    assert site.broken(newer) == [f"history/{newer.history}"]
    assert due(site, lake)
    publish(site, lake, now=NOW + 2 * HOUR)  # makes it anew
    assert site.broken(site.current()) == []


def test_a_page_of_one_day_has_no_days_before_it(lake, site):
    surveyed = survey(site, lake.fill().served, 1, "USD", lambda _: evidence())
    bring_up_to_date(site, lake.served, surveyed, "USD", "a-run", NOW)
    assert site.history(site.current().history).files == {}
    assert len(coin(site, 1)["close"]) == 1


def test_the_first_day_of_all_has_no_days_before_it(lake, site):
    lake.days = 1
    publish(site, lake.fill())
    assert site.history(site.current().history).files == {}
    assert coin(site, 1)["close"] == [1.01]


def test_files_made_anew_of_the_same_rows_make_no_other_history(lake, site):
    publish(site, lake.fill())
    version = lake.lake.version(curated.DAILY_COIN_PRICES)
    rows = lake.served.rows(curated.DAILY_COIN_PRICES, curated.DAILY_COIN_PRICES.column_names)
    lake.lake.replace_rows(curated.DAILY_COIN_PRICES, rows, lake.window)
    assert lake.lake.version(curated.DAILY_COIN_PRICES) > version
    publish(site, lake, now=NOW + HOUR)
    newer, older = site.all()
    assert newer.history == older.history
