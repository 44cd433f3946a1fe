"""From processed to curated: the tables the business asks for, by day."""

from collections.abc import Iterator

import dagster as dg

from coin_platform.contracts import curated, processed
from coin_platform.contracts.model import Table
from coin_platform.defs.conditions import WHEN_CHECKED_DATA_ARRIVES
from coin_platform.defs.partitions import DAYS, WEEK_BEHIND
from coin_platform.defs.tables import key_of, spec_of
from coin_platform.defs.transforms import materialize
from coin_platform.resources.engine.interface import Engine

# A week a job: each day reads the seven before it, so longer chunks read less twice.
CHUNK_HOURS = 7 * 24

QUOTES = key_of(processed.COIN_QUOTES)
QUOTES_OF_A_WEEK = dg.AssetDep(QUOTES, partition_mapping=WEEK_BEHIND)
COINS = key_of(processed.COINS)
PRICES = key_of(curated.DAILY_COIN_PRICES)

DEPENDENCIES: dict[str, list[dg.AssetDep | dg.AssetKey]] = {
    curated.DAILY_COIN_PRICES.name: [QUOTES_OF_A_WEEK, COINS],
    curated.MARKET_OVERVIEW.name: [QUOTES],
    curated.DAILY_TOP_MOVERS.name: [PRICES],
    curated.TOP_CIRCULATING_SUPPLY.name: [QUOTES, COINS],
    curated.TOP_PRICES.name: [PRICES],
}


def curated_asset(table: Table) -> dg.AssetsDefinition:
    """The asset of a curated table: its job, over the days asked for."""

    @dg.multi_asset(
        name=f"curate_{table.name}",
        specs=[
            spec_of(
                table,
                deps=DEPENDENCIES[table.name],
                partitions=DAYS,
                condition=WHEN_CHECKED_DATA_ARRIVES,
                skippable=True,
            )
        ],
        backfill_policy=dg.BackfillPolicy.single_run(),
    )
    def curate(
        context: dg.AssetExecutionContext, engine: dg.ResourceParam[Engine]
    ) -> Iterator[dg.MaterializeResult[None]]:
        yield from materialize(context, engine, table, CHUNK_HOURS, publish_empty=False)

    return curate


ASSETS = [curated_asset(table) for table in curated.TABLES]
