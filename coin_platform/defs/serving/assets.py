"""From curated to the market page: published when what it shows was checked, held otherwise."""

import time

import dagster as dg

from coin_platform.contracts import curated, processed
from coin_platform.defs.conditions import WHEN_SHOWN_DATA_CHANGES
from coin_platform.defs.failures import told_to_dagster
from coin_platform.defs.serving.evidence import evidence
from coin_platform.defs.tables import OWNERS, ROWS, key_of
from coin_platform.partitions import utc_now
from coin_platform.resources.lake.served import ServedLake
from coin_platform.settings import Settings
from coin_platform.site.publish import bring_up_to_date, survey
from coin_platform.site.releases import Releases

MARKET_SITE = dg.AssetKey(["serving", "market_site"])
# Curated is what it shows; processed says how good that is, by accounts, quarantines and checks.
BEHIND = (*curated.TABLES, *processed.TABLES)


@dg.asset(
    key=MARKET_SITE,
    deps=[key_of(table) for table in BEHIND],
    group_name="serving",
    owners=OWNERS,
    kinds={"jinja", "plotly"},
    automation_condition=WHEN_SHOWN_DATA_CHANGES,
    pool="market_site",  # one publication at a time, where the deployment limits pools
    description=(
        "The market page: overview, coins, and the quality of the data behind them, as a static "
        "site. A release is published whole, and only if the blocking checks of what it shows "
        "passed; otherwise the last one stays, with a banner that says since when and why."
    ),
)
def market_site(
    context: dg.AssetExecutionContext,
    served: dg.ResourceParam[ServedLake],
    site: dg.ResourceParam[Releases],
    settings: dg.ResourceParam[Settings],
) -> dg.MaterializeResult[None]:
    """Publish a release, or hold the current one and fail with the reasons."""
    started, now = time.monotonic(), utc_now()
    with told_to_dagster():
        found = survey(
            site,
            served,
            settings.site_days,
            settings.currency,
            lambda what: evidence(context.instance, what, now),
        )
        done = bring_up_to_date(site, served, found, settings.currency, context.run.run_id, now)
    if done.held:
        raise dg.Failure(
            f"the page stays at {done.release or 'nothing'}, since {done.held.since}: "
            + "; ".join(done.held.reasons),
            allow_retries=False,
        )
    return dg.MaterializeResult(
        metadata={
            **done.facts,
            ROWS: done.facts.get("coins", 0),
            "release": done.release,
            "page": dg.MetadataValue.path(site.address),
            "seconds": round(time.monotonic() - started, 3),
        }
    )


ASSETS = (market_site,)
