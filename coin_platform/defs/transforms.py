"""How an asset that is the work of a transform job is materialized, whatever the engine."""

import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import dagster as dg

from coin_platform.contracts.model import Table
from coin_platform.defs.failures import told_to_dagster
from coin_platform.defs.partitions import window_of
from coin_platform.defs.tables import ROWS
from coin_platform.resources.engine.interface import Engine


def partition_of(key: str) -> str:
    """The partition key of an outcome's key: `2026-11-22T13:00:00Z` or `2026-11-22`."""
    day, _, clock = key.partition("T")
    return f"{day}-{clock[:5]}" if clock else day


def materialize(
    context: dg.AssetExecutionContext, engine: Engine, table: Table, chunk_hours: int
) -> Iterator[dg.MaterializeResult[None]]:
    """Run the table's job over the step's window, a chunk at a time, and report rows by partition.

    A partition without data is materialized with no rows: that is what is known of it.
    """
    started = time.monotonic()
    rows: Counter[str] = Counter()
    facts: dict[str, Any] = {}
    for chunk in window_of(context).chunks(chunk_hours):
        with told_to_dagster():
            outcome = engine.run(table.id, chunk, context.log.info)
        for key, count in outcome.rows.items():
            rows[partition_of(key)] += count
        facts = dict(outcome.facts)
        context.log.info(f"{table.id}: {chunk}, {sum(outcome.rows.values())} rows")
    for partition in context.partition_keys:
        context.add_asset_metadata({ROWS: rows[partition]}, partition_key=partition)
    yield dg.MaterializeResult(metadata={**facts, "seconds": round(time.monotonic() - started, 3)})
