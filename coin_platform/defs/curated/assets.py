"""From processed to curated: the tables the business asks for, by day."""

from collections.abc import Iterator

import dagster as dg

from coin_platform.contracts import curated, processed
from coin_platform.contracts.model import Table
from coin_platform.defs.conditions import WHEN_CHECKED_DATA_ARRIVES
from coin_platform.defs.partitions import DAYS, OWN_HOURS, WEEK_OF_HOURS
from coin_platform.defs.tables import key_of, spec_of
from coin_platform.defs.transforms import materialize
from coin_platform.resources.engine.interface import Engine

# One step at a time writes the layer, where the deployment limits pools (`home.py`).
POOL = "curated"
# A month a job: each day reads the seven before it, so longer chunks read less twice.
CHUNK_HOURS = 31 * 24

QUOTES, COINS = key_of(processed.COIN_QUOTES), key_of(processed.COINS)
LEDGER = key_of(processed.LEDGER)  # says which hours may be used
QUOTES_OF_THE_DAY = dg.AssetDep(QUOTES, partition_mapping=OWN_HOURS)
QUOTES_OF_A_WEEK = dg.AssetDep(QUOTES, partition_mapping=WEEK_OF_HOURS)
COINS_OF_THE_DAY = dg.AssetDep(COINS, partition_mapping=OWN_HOURS)
LEDGER_OF_THE_DAY = dg.AssetDep(LEDGER, partition_mapping=OWN_HOURS)
LEDGER_OF_A_WEEK = dg.AssetDep(LEDGER, partition_mapping=WEEK_OF_HOURS)
PRICES = key_of(curated.DAILY_COIN_PRICES)

DEPENDENCIES: dict[str, list[dg.AssetDep | dg.AssetKey]] = {
    curated.DAILY_COIN_PRICES.name: [QUOTES_OF_A_WEEK, COINS_OF_THE_DAY, LEDGER_OF_A_WEEK],
    curated.MARKET_OVERVIEW.name: [QUOTES_OF_THE_DAY, LEDGER_OF_THE_DAY],
    curated.DAILY_TOP_MOVERS.name: [PRICES],
    curated.TOP_CIRCULATING_SUPPLY.name: [
        QUOTES_OF_THE_DAY,
        COINS_OF_THE_DAY,
        LEDGER_OF_THE_DAY,
    ],
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
            )
        ],
        backfill_policy=dg.BackfillPolicy.single_run(),
        pool=POOL,
    )
    def curate(
        context: dg.AssetExecutionContext, engine: dg.ResourceParam[Engine]
    ) -> Iterator[dg.MaterializeResult[None] | dg.AssetMaterialization]:
        yield from materialize(context, engine, table, CHUNK_HOURS)

    return curate


ASSETS = [curated_asset(table) for table in curated.TABLES]
