"""From raw to processed: the latest version of every row, typed, as Delta tables.

Rows that break a rule of weight go to the quarantine; the ledger then accounts for every key.
"""

import time
from collections.abc import Iterator
from typing import Any

import dagster as dg

from coin_platform.contracts import database as market
from coin_platform.contracts import processed, raw
from coin_platform.contracts.model import Table
from coin_platform.defs.conditions import WHEN_PROCESSED_CHANGES
from coin_platform.defs.failures import told_to_dagster
from coin_platform.defs.partitions import HOURS, hour_keys, window_of
from coin_platform.defs.tables import ROWS, key_of, spec_of
from coin_platform.defs.transforms import materialize
from coin_platform.resources.database.interface import Database
from coin_platform.resources.engine.interface import Engine
from coin_platform.resources.lake import Lake
from coin_platform.settings import Settings

# One step at a time writes the layer, where the deployment limits pools (`home.py`).
POOL = "processed"

ACCOUNTED = (
    *market.TABLES,
    *raw.TABLES,
    *(table for table in processed.TABLES if table is not processed.LEDGER),
)


def processed_asset(table: Table, quarantine: Table, log: Table) -> dg.AssetsDefinition:
    """A processed table and its quarantine, made of a change log by one job."""

    @dg.multi_asset(
        name=f"process_{table.name}",
        specs=[spec_of(made, deps=[key_of(log)], partitions=HOURS) for made in (table, quarantine)],
        backfill_policy=dg.BackfillPolicy.single_run(),
        pool=POOL,
    )
    def process(
        context: dg.AssetExecutionContext,
        engine: dg.ResourceParam[Engine],
        settings: dg.ResourceParam[Settings],
    ) -> Iterator[dg.MaterializeResult[None] | dg.AssetMaterialization]:
        yield from materialize(context, engine, table, settings.chunk_hours, quarantine)

    return process


@dg.multi_asset(
    name="close_ledger",
    specs=[
        spec_of(
            processed.LEDGER,
            deps=[key_of(table) for table in ACCOUNTED],
            partitions=HOURS,
            condition=WHEN_PROCESSED_CHANGES,
        )
    ],
    backfill_policy=dg.BackfillPolicy.single_run(),
    pool=POOL,
)
def ledger(
    context: dg.AssetExecutionContext,
    database: dg.ResourceParam[Database],
    lake: dg.ResourceParam[Lake],
    settings: dg.ResourceParam[Settings],
) -> Iterator[dg.MaterializeResult[None]]:
    """Account for every key of the hours, from the database to quarantine."""
    from coin_platform.accounting import close_ledger

    started = time.monotonic()
    for chunk in window_of(context).chunks(settings.chunk_hours):
        with told_to_dagster():
            rows = close_ledger(database, lake, chunk)
        for hour, partition in zip(chunk.hours, hour_keys(chunk), strict=True):
            of_hour = [row for row in rows if row["snapshot_hour"] == hour]
            context.add_asset_metadata(account_of(of_hour), partition_key=partition)
        context.log.info(f"{chunk}: {sum(row['balanced'] for row in rows)} of {len(rows)} balance")
    yield dg.MaterializeResult(metadata={"seconds": round(time.monotonic() - started, 3)})


def account_of(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """An hour's account, as an operator reads it."""
    metadata: dict[str, Any] = {ROWS: len(rows)}
    for row in rows:
        name = row["table_name"]
        metadata |= {f"{name}/{count}": row[count] for count in ("current", "quarantined")}
        metadata[f"{name}/balanced"] = row["balanced"]
    return metadata


ASSETS = (
    processed_asset(processed.COIN_QUOTES, processed.QUARANTINED_COIN_QUOTES, raw.COIN_QUOTES),
    processed_asset(processed.COINS, processed.QUARANTINED_COINS, raw.COINS),
    ledger,
)
