"""Checks of curated: the contracts, and that each day is made of what is processed for it."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

import dagster as dg

from coin_platform.contracts import curated, processed
from coin_platform.contracts.measures import Measured
from coin_platform.contracts.model import Table
from coin_platform.defs.checks import CONTRACT, HAS_ROWS, Check, Verdict, report, specs_of
from coin_platform.defs.drift import RECENT, SCHEMA, with_schema
from coin_platform.defs.partitions import DAYS, day_keys, window_of
from coin_platform.partitions import Window
from coin_platform.resources.engine.interface import Engine
from coin_platform.resources.lake import Lake


def agrees_with_processed(measured: Measured) -> Verdict:
    missing = int(measured.facts.get("missing_keys", 0))
    extra = int(measured.facts.get("unexpected_keys", 0))
    different = int(measured.facts.get("different_rows", 0))
    return Verdict(
        not missing and not extra and not different,
        f"{measured.rows} rows; {missing} that processed asks for are missing, {extra} are not "
        f"founded on it, {different} have other values",
        {"missing": missing, "unexpected": extra, "different": different},
    )


AGREES = Check(
    "agrees_with_processed",
    "Every coin priced and every balanced hour quoted on the day is in the table, with the hours, "
    "last prices and counts that processed gives, and nothing else.",
    agrees_with_processed,
)
HOURLY = curated.MARKET_OVERVIEW  # the only table whose rows say which hour they are of
COMPLETE = (curated.DAILY_COIN_PRICES, curated.MARKET_OVERVIEW)
# A day without hours has no rows, and one of a single hour no movers.
CURATED = (*SCHEMA, *(check for check in CONTRACT if check is not HAS_ROWS))


def reaches_processed(measured: Measured, newest: datetime | None) -> Verdict:
    """Whether a day's newest hour is the newest one processed of it."""
    last = measured.facts.get("last")
    text = " and ".join(
        f"{layer} ends with {hour:%H:%M}" if hour else f"{layer} has no hour"
        for layer, hour in (("curated", last), ("processed", newest))
    )
    return Verdict(last == newest, text)


def newest_hours(lake: Lake, window: Window) -> dict[str, datetime]:
    """The newest hour processed of each day, by partition key."""
    hours = lake.rows(processed.COIN_QUOTES, ["snapshot_hour"], window)["snapshot_hour"]
    return {f"{hour:{DAYS.fmt}}": hour for hour in sorted(hours.unique().to_pylist())}


def checks_of(table: Table) -> dg.AssetChecksDefinition:
    """The checks of one curated table."""
    checks = (*CURATED, AGREES) if table in COMPLETE else CURATED
    if table is HOURLY:
        checks = (*checks, RECENT)

    @dg.multi_asset_check(
        name=f"check_curated_{table.name}",
        specs=specs_of(table, DAYS, checks, additional_deps=[processed.COIN_QUOTES]),
        can_subset=True,
    )
    def check(
        context: dg.AssetCheckExecutionContext,
        engine: dg.ResourceParam[Engine],
        lake: dg.ResourceParam[Lake],
    ) -> Iterator[dg.AssetCheckEvaluation | dg.Output[None]]:
        window = window_of(context)

        def measure() -> dict[str, Measured]:
            counted = engine.measure(table.id, window)
            if table is not HOURLY:
                return dict(counted)
            newest = newest_hours(lake, window)
            return {
                day: replace(
                    of, facts={**of.facts, RECENT.name: reaches_processed(of, newest.get(day))}
                )
                for day, of in counted.items()
            }

        measured = with_schema(lake, table, day_keys(window), measure)
        yield from report(context, table, checks, measured)

    return check


CHECKS = tuple(checks_of(table) for table in curated.TABLES)
