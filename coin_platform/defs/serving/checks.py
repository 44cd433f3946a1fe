"""Checks of the market page: that its release is whole, says what curated says, and is the newest.

They look at the published files, as a reader's browser gets them.
"""

from collections.abc import Iterator
from datetime import datetime

import dagster as dg

from coin_platform.contracts import curated
from coin_platform.defs.checks import Verdict
from coin_platform.defs.serving.assets import MARKET_SITE
from coin_platform.defs.tables import OWNERS
from coin_platform.partitions import HOUR, Window, instant_text
from coin_platform.resources.lake.served import ServedLake
from coin_platform.settings import Settings
from coin_platform.site import build
from coin_platform.site.release import Release
from coin_platform.site.releases import Releases
from coin_platform.site.script import value_of
from coin_platform.site.shown import missing_hours, shown

EXAMPLES = 5

DESCRIPTIONS = {
    "release_is_whole": "Every file of the current release is there, as it was written.",
    "page_agrees_with_curated": (
        "The newest hour's totals and every closing price in the page's files are curated's."
    ),
    "page_is_current": "The page is of the newest hour that curated has.",
}
BLOCKING = {"release_is_whole", "page_agrees_with_curated"}


def release_is_whole(site: Releases, release: Release) -> Verdict:
    broken = site.broken(release)
    if broken:
        some = ", ".join(sorted(broken)[:EXAMPLES])
        return Verdict(False, f"{len(broken)} of {len(release.files)} files are not whole: {some}")
    return Verdict(True, f"{len(release.files)} files are whole", {"files": len(release.files)})


def page_agrees_with_curated(
    site: Releases, release: Release, served: ServedLake, currency: str
) -> Verdict:
    """Compare the published files with what curated holds of the newest hour and its day."""
    behind = (curated.DAILY_COIN_PRICES, curated.MARKET_OVERVIEW)
    changed = [
        table.id
        for table in behind
        if (detail := served.detail(table)) is None
        or detail.version != release.facts["versions"].get(table.id)
    ]
    if changed:
        # After a rollback, or when a day was refreshed meanwhile.
        return Verdict(True, f"not compared: {' and '.join(changed)} changed since it was built")
    overview = value_of(site.content(release.id, f"data/{build.OVERVIEW}.js"))
    coins = value_of(site.content(release.id, f"data/{build.COINS}.js"))
    newest = Window(*newest_hour(release))
    day = Window.of_days(newest.start.date(), newest.start.date())
    totals = [
        row
        for row in served.rows(
            curated.MARKET_OVERVIEW, ["currency", "total_market_cap", "total_volume_24h"], newest
        ).to_pylist()
        if row["currency"] == currency
    ]
    closes = {
        row["coin_id"]: row["close"]
        for row in served.rows(
            curated.DAILY_COIN_PRICES, ["coin_id", "currency", "close"], day
        ).to_pylist()
        if row["currency"] == currency
    }
    shown_closes = {coin[0]: coin[3] for coin in coins}
    different = sorted(
        coin
        for coin in closes.keys() | shown_closes.keys()
        if closes.get(coin) != shown_closes.get(coin)
    )
    unlike = [
        name
        for name in ("total_market_cap", "total_volume_24h")
        if not totals or totals[0][name] != overview[name][-1]
    ]
    text = f"{len(shown_closes)} closing prices, {len(different)} of them unlike curated's"
    if different:
        text += f", e.g. of coins {', '.join(map(str, different[:EXAMPLES]))}"
    if unlike:
        text += f"; {' and '.join(unlike)} of {release.hour} are not curated's"
    return Verdict(not different and not unlike, text, {"different": len(different)})


def newest_hour(release: Release) -> tuple[datetime, datetime]:
    """The hour that the release is of."""
    start = datetime.fromisoformat(release.hour)
    return start, start + HOUR


def page_is_current(release: Release, served: ServedLake) -> Verdict:
    newest = shown(missing_hours(served), 1)
    hour = instant_text(newest.hour) if newest else "none"
    return Verdict(
        release.hour == hour, f"the page is of {release.hour}, curated's newest is {hour}"
    )


@dg.multi_asset_check(
    name="check_serving_market_site",
    specs=[
        dg.AssetCheckSpec(
            name=name,
            asset=MARKET_SITE,
            description=description,
            blocking=name in BLOCKING,
            metadata={
                "owner": OWNERS[0],
                "runbook": dg.MetadataValue.path(f"docs/runbooks/{name}.md"),
            },
        )
        for name, description in DESCRIPTIONS.items()
    ],
    can_subset=True,
)
def market_site(
    context: dg.AssetCheckExecutionContext,
    served: dg.ResourceParam[ServedLake],
    site: dg.ResourceParam[Releases],
    settings: dg.ResourceParam[Settings],
) -> Iterator[dg.AssetCheckResult]:
    """Judge the current release by its files."""
    release = site.current()
    verdicts: dict[str, Verdict] = {}
    if release is None:
        verdicts = dict.fromkeys(DESCRIPTIONS, Verdict(False, "nothing has been published"))
    else:
        verdicts["release_is_whole"] = release_is_whole(site, release)
        verdicts["page_agrees_with_curated"] = (
            page_agrees_with_curated(site, release, served, settings.currency)
            if verdicts["release_is_whole"].passed
            else Verdict(False, "not judged, since the release is not whole")
        )
        verdicts["page_is_current"] = page_is_current(release, served)
    for key in context.selected_asset_check_keys:
        verdict = verdicts[key.name]
        yield dg.AssetCheckResult(
            asset_key=MARKET_SITE,
            check_name=key.name,
            passed=verdict.passed,
            description=verdict.description,
            metadata={
                **verdict.metadata,
                "runbook": dg.MetadataValue.path(f"docs/runbooks/{key.name}.md"),
            },
            severity=dg.AssetCheckSeverity.ERROR
            if key.name in BLOCKING
            else dg.AssetCheckSeverity.WARN,
        )


CHECKS = (market_site,)
