"""A Dagster instance of a home, and a market that is odd in every way with its page."""

import pytest

from coin_platform import home
from coin_platform.partitions import HOUR
from coin_platform.resources.lake import Lake
from coin_platform.settings import load
from coin_platform.site.releases import Releases
from coin_platform_tests.integration.site_lake import (
    COINS,
    HOSTILE,
    LAST,
    TINY,
    SiteLake,
    evidence,
    failed,
    publish,
)


@pytest.fixture(scope="module")
def instance(tmp_path_factory):
    """The Dagster instance of a home of the module's own, on its PostgreSQL."""
    settings = load(home=tmp_path_factory.mktemp("instance") / "home")
    with home.in_use(settings), home.open_instance(settings) as instance:
        yield instance


@pytest.fixture(scope="session")
def market(tmp_path_factory):
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


@pytest.fixture(scope="session")
def market_site(tmp_path_factory, market):
    site = Releases(tmp_path_factory.mktemp("market") / "site", keep=3)
    said = failed(HOSTILE[0])
    publish(site, market, evidence(failures=(said,)))
    return site


@pytest.fixture
def page(browser, market_site):
    """Opens a page of the site from its files, and waits until it is drawn."""

    def opened(name="index.html", **options):
        browser.open(f"{market_site.root.as_uri()}/{name}", **options)
        browser.settled()
        return browser

    return opened
