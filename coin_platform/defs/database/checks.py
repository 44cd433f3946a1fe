"""Checks of the database: what the API brought, before anything is made of it."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

import dagster as dg

from coin_platform.contracts.database import COIN_QUOTES, COINS
from coin_platform.contracts.database import SCHEMA as SCHEMA_NAME
from coin_platform.contracts.measures import Measured
from coin_platform.contracts.model import Table
from coin_platform.contracts.schema import Difference, differences, stopping
from coin_platform.defs.checks import CONTRACT, HAS_ROWS, report, specs_of
from coin_platform.defs.drift import (
    RECENT,
    SCHEMA,
    api_drift,
    recency,
    schema_facts,
    unmeasured,
)
from coin_platform.defs.partitions import HOURS, hour_keys, window_of
from coin_platform.defs.tables import key_of
from coin_platform.partitions import Window
from coin_platform.resources.database.interface import Database

QUOTE_CHECKS = (*SCHEMA, *CONTRACT, RECENT)
# An hour in which no coin changed brings no rows of its own.
COIN_CHECKS = (*SCHEMA, *(check for check in CONTRACT if check is not HAS_ROWS))


def measure(
    table: Table,
    database: Database,
    window: Window,
    aggregates: Mapping[str, str],
    of_api: Mapping[str, list[Difference]],
) -> dict[str, Measured]:
    """Each hour by partition key: the schema, and one query's counts where it can be asked."""
    drift = differences(table, database.columns(table), f"{SCHEMA_NAME}.{table.name}")
    unasked = unmeasured(stopping(drift))
    counted = {} if unasked else database.measure(table, window, aggregates)
    measured = {}
    for hour, partition in zip(window.hours, hour_keys(window), strict=True):
        of_hour = counted.get(hour, Measured())
        facts = {
            **of_hour.facts,
            **unasked,
            **schema_facts(drift, of_api.get(partition, ())),
            **recency(of_hour.facts.get("newest"), hour),
        }
        if unasked:
            del facts[RECENT.name]
        measured[partition] = replace(of_hour, facts=facts)
    return measured


@dg.multi_asset_check(
    name="check_database_coin_quotes",
    specs=specs_of(COIN_QUOTES, HOURS, QUOTE_CHECKS),
    can_subset=True,
)
def coin_quotes(
    context: dg.AssetCheckExecutionContext, database: dg.ResourceParam[Database]
) -> Iterator[dg.AssetCheckEvaluation | dg.Output[None]]:
    """Judge each hour's quotes by one query, and what the API's answers for it looked like."""
    step = context.op_execution_context
    of_api = api_drift(step.instance, key_of(COIN_QUOTES), step.partition_keys)
    newest = {"newest": "max(last_updated)"}
    measured = measure(COIN_QUOTES, database, window_of(context), newest, of_api)
    yield from report(context, COIN_QUOTES, QUOTE_CHECKS, measured)


@dg.multi_asset_check(
    name="check_database_coins", specs=specs_of(COINS, HOURS, COIN_CHECKS), can_subset=True
)
def coins(
    context: dg.AssetCheckExecutionContext, database: dg.ResourceParam[Database]
) -> Iterator[dg.AssetCheckEvaluation | dg.Output[None]]:
    """Judge the coins that each hour changed."""
    measured = measure(COINS, database, window_of(context), {}, {})
    yield from report(context, COINS, COIN_CHECKS, measured)


CHECKS = (coin_quotes, coins)
