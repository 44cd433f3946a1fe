"""The files of a release: assets, data, and the pages last."""

from collections.abc import Iterator

from coin_platform.site import pages, series
from coin_platform.site.assets import assets
from coin_platform.site.evidence import Evidence
from coin_platform.site.market import Market
from coin_platform.site.quality import Quality
from coin_platform.site.release import Release
from coin_platform.site.script import script

OVERVIEW, COINS = "overview", "coins"


def files(
    release: Release, market: Market, quality: Quality, evidence: Evidence
) -> Iterator[tuple[str, bytes]]:
    """Every file of the release but its manifest, one after the other."""
    yield from assets().files.items()
    yield f"data/{OVERVIEW}.js", script(OVERVIEW, series.overview(market))
    yield f"data/{COINS}.js", script(COINS, series.coin_list(market))
    for part in range(series.PARTS):
        name = f"newest/{part}"
        yield f"data/{name}.js", script(name, series.newest(market, part))
    yield from pages.pages(release, market, quality, evidence).items()
