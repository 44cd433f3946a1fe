"""Upkeep as assets: Delta tables of few files, and Dagster's records of bounded size.

What they say of themselves is how many files, bytes and records there were before and after.
"""

import dataclasses
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import dagster as dg

from coin_platform.contracts import curated, delta, operations, processed
from coin_platform.defs.failures import told_to_dagster
from coin_platform.defs.tables import OWNERS, key_of
from coin_platform.partitions import utc_now
from coin_platform.resources.lake import Lake
from coin_platform.settings import Settings

LAYER = "maintenance"
DELTA_TABLES = dg.AssetKey([LAYER, "delta_tables"])
DAGSTER_RECORDS = dg.AssetKey([LAYER, "dagster_records"])
TABLES = (*delta.TABLES, *operations.TABLES)  # those that are there


@dg.asset(
    key=DELTA_TABLES,
    description=(
        "The Delta tables of the lake with the small files of past days merged, and without files "
        "that only versions older than a week need. Readers see the same rows."
    ),
    group_name=LAYER,
    owners=OWNERS,
    kinds={"deltalake"},
    deps=[key_of(table) for table in (*processed.TABLES, *curated.TABLES)],
)
def delta_tables(
    context: dg.AssetExecutionContext, lake: dg.ResourceParam[Lake]
) -> dg.MaterializeResult[None]:
    """Go over the tables one by one; a table that a writer holds is waited for."""
    started = time.monotonic()
    metadata: dict[str, Any] = {}
    for table in TABLES:
        with told_to_dagster():
            before = lake.detail(table)
            if before is None:
                continue
            merged = lake.compact(table)
            gone = lake.vacuum(table)
            after = lake.detail(table) or before
        metadata |= {
            f"{table.id}/files": after.files,
            f"{table.id}/files_before": before.files,
            f"{table.id}/days_merged": len(merged),
            f"{table.id}/files_deleted": len(gone),
            f"{table.id}/bytes": after.bytes,
        }
        context.log.info(
            f"{table.id}: {before.files} files became {after.files}, {len(gone)} old ones deleted"
        )
    metadata["seconds"] = round(time.monotonic() - started, 3)
    return dg.MaterializeResult(metadata=metadata)


@dg.asset(
    key=DAGSTER_RECORDS,
    description=(
        "Dagster's events, check results and runs, without those that are old and say nothing of "
        "what is there now. The newest of each partition stay for ever."
    ),
    group_name=LAYER,
    owners=OWNERS,
    kinds={"postgres"},
)
def dagster_records(
    context: dg.AssetExecutionContext, settings: dg.ResourceParam[Settings]
) -> Iterator[dg.MaterializeResult[None]]:
    """Prune what is older than the setting says."""
    from coin_platform.defs.maintenance.records import prune

    before = utc_now() - timedelta(days=settings.records_kept_days)
    pruned = prune(context.instance, before)
    if pruned is None:
        context.log.info("Dagster does not keep its records in PostgreSQL here: nothing is pruned")
    yield dg.MaterializeResult(metadata=dataclasses.asdict(pruned) if pruned else {})


ASSETS = (delta_tables, dagster_records)
