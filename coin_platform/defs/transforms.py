"""How an asset that is the work of a transform job is materialized, whatever the engine."""

import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

import dagster as dg

from coin_platform.contracts.model import Table
from coin_platform.defs.failures import told_to_dagster
from coin_platform.defs.partitions import window_of
from coin_platform.defs.tables import ROWS, key_of
from coin_platform.resources.engine.interface import Engine


def partition_of(key: str) -> str:
    """The partition key of an outcome's key: `2026-11-22T13:00:00Z` or `2026-11-22`."""
    day, _, clock = key.partition("T")
    return f"{day}-{clock[:5]}" if clock else day


def materialize(
    context: dg.AssetExecutionContext,
    engine: Engine,
    table: Table,
    chunk_hours: int,
    quarantine: Table | None = None,
) -> Iterator[dg.MaterializeResult[None] | dg.AssetMaterialization]:
    """Run the table's job over the step's window, a chunk at a time, and report rows by partition.

    Chunks have as many hours as memory holds, or as it takes to be worth the engine's start.
    A partition without data is materialized with no rows: that is what is known of it. When some
    partitions cannot be written, the others are recorded and the step fails, saying why.
    """
    started = time.monotonic()
    facts: dict[str, Any] = {}
    done: dict[str, dict[str, Any]] = defaultdict(lambda: {ROWS: 0})
    kept_out: Counter[str] = Counter()
    stopped: dict[str, str] = {}
    for chunk in window_of(context).chunks(max(chunk_hours, engine.least_hours)):
        try:
            with told_to_dagster():
                outcome = engine.run(table.id, chunk, context.log.info, context.run.run_id, context)
        except dg.Failure:
            yield from recorded(table, done, quarantine, kept_out)
            raise
        facts = dict(outcome.facts)
        stopped |= {partition_of(key): reason for key, reason in outcome.stopped.items()}
        for key, count in outcome.rows.items():
            partition = partition_of(key)
            if partition not in stopped:
                done[partition][ROWS] += count
                done[partition] |= outcome.details.get(key, {})
                kept_out[partition] += outcome.quarantined.get(key, 0)
        context.log.info(f"{table.id}: {chunk}, {sum(outcome.rows.values())} rows")
    if stopped:
        yield from recorded(table, done, quarantine, kept_out)
        reasons = "; ".join(stopped.values())
        raise dg.Failure(
            f"{table.id}: nothing was written for {len(stopped)} partitions, because {reasons}. "
            "See docs/runbooks/failing_rules.md",
            allow_retries=False,
        )
    for partition, metadata in done.items():
        context.add_asset_metadata(metadata, asset_key=key_of(table), partition_key=partition)
    facts["seconds"] = round(time.monotonic() - started, 3)
    yield dg.MaterializeResult(asset_key=key_of(table), metadata=facts)
    if quarantine is not None:
        for partition in done:
            rows = {ROWS: kept_out[partition]}
            context.add_asset_metadata(rows, asset_key=key_of(quarantine), partition_key=partition)
        yield dg.MaterializeResult(asset_key=key_of(quarantine))


def recorded(
    table: Table,
    done: Mapping[str, Mapping[str, Any]],
    quarantine: Table | None,
    kept_out: Mapping[str, int],
) -> Iterator[dg.AssetMaterialization]:
    """What was written before, or beside, what failed: a failing step reports nothing else."""
    for partition, metadata in done.items():
        yield dg.AssetMaterialization(key_of(table), metadata=metadata, partition=partition)
        if quarantine is not None:
            rows = {ROWS: kept_out[partition]}
            yield dg.AssetMaterialization(key_of(quarantine), metadata=rows, partition=partition)
