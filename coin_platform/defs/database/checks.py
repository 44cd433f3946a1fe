"""Checks of the database: what the API brought, before anything is made of it."""

from collections.abc import Iterator

import dagster as dg

from coin_platform.contracts.database import COIN_QUOTES, COINS
from coin_platform.contracts.measures import Measured
from coin_platform.defs.checks import (
    CONTRACT,
    HAS_ROWS,
    Check,
    Verdict,
    report,
    specs_of,
)
from coin_platform.defs.partitions import HOURS, hour_keys, window_of
from coin_platform.partitions import Window
from coin_platform.resources.database.interface import Database


def quotes_are_fresh(measured: Measured) -> Verdict:
    """The newest quote of an hour must have been computed within that hour or later."""
    newest, hour = measured.facts.get("newest"), measured.facts.get("hour")
    if newest is None or hour is None:
        return Verdict(False, "no quote says when it was computed")
    return Verdict(
        newest >= hour,
        f"the newest quote was computed at {newest:%Y-%m-%d %H:%M:%S}",
        {"newest": newest.isoformat(), "hour": hour.isoformat()},
    )


QUOTE_CHECKS = (
    *CONTRACT,
    Check(
        "quotes_are_fresh",
        "The vendor computed the hour's newest quote within the hour, not before it.",
        quotes_are_fresh,
        blocking=False,
    ),
)
# An hour in which no coin changed brings no rows of its own.
COIN_CHECKS = tuple(check for check in CONTRACT if check is not HAS_ROWS)


@dg.multi_asset_check(
    name="check_database_coin_quotes",
    specs=specs_of(COIN_QUOTES, HOURS, QUOTE_CHECKS),
    can_subset=True,
)
def coin_quotes(
    context: dg.AssetCheckExecutionContext, database: dg.ResourceParam[Database]
) -> Iterator[dg.AssetCheckEvaluation | dg.Output[None]]:
    """Judge each hour's quotes by one query."""
    measured = database.measure(
        COIN_QUOTES,
        window_of(context),
        {"newest": "max(last_updated)", "hour": "max(snapshot_hour)"},
    )
    by_key = {hour_keys(Window.of_hour(hour))[0]: of for hour, of in measured.items()}
    yield from report(context, COIN_QUOTES, QUOTE_CHECKS, by_key)


@dg.multi_asset_check(
    name="check_database_coins", specs=specs_of(COINS, HOURS, COIN_CHECKS), can_subset=True
)
def coins(
    context: dg.AssetCheckExecutionContext, database: dg.ResourceParam[Database]
) -> Iterator[dg.AssetCheckEvaluation | dg.Output[None]]:
    """Judge the coins that each hour changed."""
    measured = database.measure(COINS, window_of(context), {})
    by_key = {hour_keys(Window.of_hour(hour))[0]: of for hour, of in measured.items()}
    yield from report(context, COINS, COIN_CHECKS, by_key)


CHECKS = (coin_quotes, coins)
