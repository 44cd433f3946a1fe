"""Checks of curated: the contracts, and that each day is made of what is processed for it."""

from collections.abc import Iterator

import dagster as dg

from coin_platform.contracts import curated, processed
from coin_platform.contracts.measures import Measured
from coin_platform.contracts.model import Table
from coin_platform.defs.checks import CONTRACT, HAS_ROWS, Check, Verdict, report, specs_of
from coin_platform.defs.partitions import DAYS, window_of
from coin_platform.resources.engine.interface import Engine


def agrees_with_processed(measured: Measured) -> Verdict:
    missing = int(measured.facts.get("missing_keys", 0))
    extra = int(measured.facts.get("unexpected_keys", 0))
    return Verdict(
        not missing and not extra,
        f"{measured.rows} rows; {missing} that processed asks for are missing, {extra} are not "
        "founded on it",
        {"missing": missing, "unexpected": extra},
    )


AGREES = Check(
    "agrees_with_processed",
    "Every coin priced and every hour quoted on the day is in the table, and nothing else.",
    agrees_with_processed,
)
COMPLETE = (curated.DAILY_COIN_PRICES, curated.MARKET_OVERVIEW)
# A day without hours has no rows, and one of a single hour no movers.
CURATED = tuple(check for check in CONTRACT if check is not HAS_ROWS)


def checks_of(table: Table) -> dg.AssetChecksDefinition:
    """The checks of one curated table."""
    checks = (*CURATED, AGREES) if table in COMPLETE else CURATED

    @dg.multi_asset_check(
        name=f"check_curated_{table.name}",
        specs=specs_of(table, DAYS, checks, additional_deps=[processed.COIN_QUOTES]),
        can_subset=True,
    )
    def check(
        context: dg.AssetCheckExecutionContext, engine: dg.ResourceParam[Engine]
    ) -> Iterator[dg.AssetCheckEvaluation | dg.Output[None]]:
        yield from report(context, table, checks, engine.measure(table.id, window_of(context)))

    return check


CHECKS = tuple(checks_of(table) for table in curated.TABLES)
