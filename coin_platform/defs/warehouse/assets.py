"""From curated to the warehouse: days whose checks passed; their rows are then counted there."""

import time
from dataclasses import replace

import dagster as dg

from coin_platform.contracts import curated
from coin_platform.contracts.model import Table
from coin_platform.defs.conditions import WHEN_CHECKED_DAYS_CHANGE
from coin_platform.defs.failures import told_to_dagster
from coin_platform.defs.partitions import DAYS, day_keys, window_of
from coin_platform.defs.serving.exports import BLOCKING
from coin_platform.defs.tables import OWNERS, ROWS, column_schema, key_of
from coin_platform.resources.lake.served import ServedLake
from coin_platform.resources.warehouse.interface import Warehouse
from coin_platform.running.plan import passed

LAYER = "warehouse"


def warehouse_asset(table: Table) -> dg.AssetsDefinition:
    """A curated table in the warehouse."""
    mirrored = replace(table, layer=LAYER)

    @dg.multi_asset(
        name=f"publish_{table.name}",
        specs=[
            dg.AssetSpec(
                key=key_of(mirrored),
                description=f"In the warehouse: {table.description}",
                deps=[key_of(table)],
                group_name=LAYER,
                owners=OWNERS,
                kinds={"redshift"},
                partitions_def=DAYS,
                automation_condition=WHEN_CHECKED_DAYS_CHANGE,
                metadata={"dagster/column_schema": column_schema(table)},
            )
        ],
        backfill_policy=dg.BackfillPolicy.single_run(),
        pool=LAYER,
    )
    def publish(
        context: dg.AssetExecutionContext,
        warehouse: dg.ResourceParam[Warehouse],
        served: dg.ResourceParam[ServedLake],
    ) -> dg.MaterializeResult[None]:
        started, window = time.monotonic(), window_of(context)
        own = [key for key in BLOCKING if key.asset_key == key_of(table)]
        good = passed(context.instance, own, set(day_keys(window)))
        held = [key for key in day_keys(window) if key not in good]
        if held:
            raise dg.Failure(
                f"not published, since a blocking check of {table.id} failed or has yet to look at "
                f"it: {', '.join(held)}. What the warehouse held before stays",
                allow_retries=False,
            )
        with told_to_dagster():
            rows = served.rows(table, table.column_names, window)
            counted = warehouse.publish(table, rows, window)
        if counted != rows.num_rows:
            raise dg.Failure(
                f"the warehouse has {counted} rows of {table.id} in {window}, the lake has "
                f"{rows.num_rows}",
                allow_retries=False,
            )
        return dg.MaterializeResult(
            asset_key=key_of(mirrored),
            metadata={ROWS: counted, "seconds": round(time.monotonic() - started, 3)},
        )

    return publish


ASSETS = tuple(warehouse_asset(table) for table in curated.TABLES)
