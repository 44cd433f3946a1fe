"""From PostgreSQL to the raw layer: the change log that the replication task writes."""

import time
from collections.abc import Iterator

import dagster as dg

from coin_platform.contracts import database, raw
from coin_platform.defs.failures import told_to_dagster
from coin_platform.defs.partitions import HOURS, hour_keys, window_of
from coin_platform.defs.tables import ROWS, key_of, spec_of
from coin_platform.delivery import deliver
from coin_platform.resources.database.interface import Database
from coin_platform.resources.lake import Lake
from coin_platform.resources.replication.interface import Replication
from coin_platform.resources.replication.layout import Format
from coin_platform.settings import Settings

# When the hour last changed in the database; the sensor asks for an hour once for each.
VERSION = "raw_version"


@dg.multi_asset(
    name="replicate_market",
    specs=[
        spec_of(log, deps=[key_of(table)], partitions=HOURS)
        for table, log in zip(database.TABLES, raw.TABLES, strict=True)
    ],
    backfill_policy=dg.BackfillPolicy.single_run(),
)
def replicate_market(
    context: dg.AssetExecutionContext,
    replication: dg.ResourceParam[Replication],
    database: dg.ResourceParam[Database],
    lake: dg.ResourceParam[Lake],
    settings: dg.ResourceParam[Settings],
) -> Iterator[dg.MaterializeResult[None]]:
    """Have every row of the hours that the database holds in raw; at once if they already are."""
    with told_to_dagster():
        started = time.monotonic()
        files: dict[str, set[str]] = {table.name: set() for table in raw.TABLES}
        for chunk in window_of(context).chunks(settings.chunk_hours):
            arrived = deliver(
                replication,
                database,
                lake,
                chunk,
                settings.delivery_timeout_seconds,
                context.log.info,
            )
            for table in raw.TABLES:
                there = arrived[table.name]
                files[table.name].update(there.files)
                for hour, partition in zip(chunk.hours, hour_keys(chunk), strict=True):
                    facts = {ROWS: there.rows.get(hour, 0), VERSION: there.versions.get(hour, "")}
                    context.add_asset_metadata(
                        facts, asset_key=key_of(table), partition_key=partition
                    )
        task = replication.describe()
        for table in raw.TABLES:
            names = sorted(files[table.name])
            yield dg.MaterializeResult(
                asset_key=key_of(table),
                metadata={
                    "folder": dg.MetadataValue.path(lake.uri(table)),
                    "files": len(names),
                    "first_file": names[0] if names else None,
                    "last_file": names[-1] if names else None,
                    "task": task.identifier,
                    "task_status": task.status,
                    "migration_type": task.migration_type,
                    "seconds": round(time.monotonic() - started, 3),
                },
            )


def in_format(raw_format: Format) -> dg.AssetsDefinition:
    """The assets with the format of the files that the task writes as their kind."""
    return replicate_market.map_asset_specs(
        lambda spec: spec.replace_attributes(kinds={raw_format})
    )
