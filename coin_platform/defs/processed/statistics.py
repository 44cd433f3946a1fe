"""Statistical checks of processed/coin_quotes: whether each hour is as the hours before it.

They warn and never block: what is unusual may be true. How it is judged, and by which thresholds,
is `coin_platform/quality/`'s.
"""

from collections.abc import Iterator

import dagster as dg

from coin_platform.contracts import database, processed
from coin_platform.contracts.measures import Measured
from coin_platform.defs.checks import Verdict, fact_check, report, specs_of
from coin_platform.defs.drift import with_schema
from coin_platform.defs.partitions import HOURS, hour_keys, window_of
from coin_platform.partitions import Window
from coin_platform.quality.findings import Finding, markdown
from coin_platform.quality.limits import Limits
from coin_platform.resources.lake import Lake
from coin_platform.settings import Settings

# Those that come from outside; what the platform adds of its own may well be null.
NULLABLE = tuple(column.name for column in database.COIN_QUOTES.columns if column.nullable)
STATISTICS = (
    fact_check(
        "row_count_is_usual",
        "The hour has about as many rows as the hours before it.",
        blocking=False,
    ),
    fact_check(
        "null_shares_are_usual",
        "No column has a larger share of nulls than in the hours before.",
        blocking=False,
    ),
    fact_check(
        "price_jumps_are_usual",
        "Prices moved since the hour before as they usually do, the market's and each coin's.",
        blocking=False,
    ),
    fact_check(
        "same_coins_as_before",
        "No more coins appeared or vanished since the hour before than usual, and no large one.",
        blocking=False,
    ),
)


def verdict_of(finding: Finding) -> Verdict:
    """The finding as the UI shows it, the worst offenders as a table."""
    metadata = dict[str, object](finding.numbers)
    if finding.worst:
        metadata["worst"] = dg.MetadataValue.md(markdown(finding.worst))
    return Verdict(finding.passed, finding.text, metadata)


def against_hours_before(lake: Lake, window: Window, limits: Limits) -> dict[str, Measured]:
    """What is found of each hour of the window, by partition key; the look-back is read with it."""
    from coin_platform.quality.statistics import judge

    reach = Window(window.start - limits.look_back, window.end)
    quotes = lake.rows(processed.COIN_QUOTES, ["snapshot_hour", "coin_id", *NULLABLE], reach)
    found = judge(quotes.to_pandas(), window.hours, NULLABLE, database.LISTING_ONLY, limits)
    return {
        partition: Measured(facts={name: verdict_of(of) for name, of in found[hour].items()})
        for hour, partition in zip(window.hours, hour_keys(window), strict=True)
    }


@dg.multi_asset_check(
    name="compare_processed_coin_quotes",
    specs=specs_of(processed.COIN_QUOTES, HOURS, STATISTICS),
    can_subset=True,
)
def coin_quotes(
    context: dg.AssetCheckExecutionContext,
    lake: dg.ResourceParam[Lake],
    settings: dg.ResourceParam[Settings],
) -> Iterator[dg.AssetCheckEvaluation | dg.Output[None]]:
    """Judge the hours a chunk at a time, so that memory does not grow with the range."""
    window = window_of(context)

    def measure() -> dict[str, Measured]:
        measured: dict[str, Measured] = {}
        for chunk in window.chunks(settings.chunk_hours):
            measured |= against_hours_before(lake, chunk, Limits())
        return measured

    measured = with_schema(lake, processed.COIN_QUOTES, hour_keys(window), measure)
    yield from report(context, processed.COIN_QUOTES, STATISTICS, measured)


CHECKS = (coin_quotes,)
