"""From curated to files of a day that leave the platform: exported when all checks passed."""

import time
from collections.abc import Iterator
from datetime import date
from typing import Any

import dagster as dg

from coin_platform.contracts import curated
from coin_platform.contracts.serving import DAILY_EXPORTS
from coin_platform.defs.conditions import WHEN_CHECKED_DAYS_CHANGE
from coin_platform.defs.curated.checks import CHECKS as CURATED_CHECKS
from coin_platform.defs.failures import told_to_dagster
from coin_platform.defs.partitions import DAYS, day_keys, window_of
from coin_platform.defs.tables import ROWS, key_of, spec_of
from coin_platform.exports import Exports
from coin_platform.partitions import Window
from coin_platform.running.plan import passed

BLOCKING = [spec.key for check in CURATED_CHECKS for spec in check.check_specs if spec.blocking]


@dg.multi_asset(
    name="export_days",
    specs=[
        spec_of(
            DAILY_EXPORTS,
            deps=[key_of(table) for table in curated.TABLES],
            partitions=DAYS,
            condition=WHEN_CHECKED_DAYS_CHANGE,
        )
    ],
    backfill_policy=dg.BackfillPolicy.single_run(),
)
def daily_exports(
    context: dg.AssetExecutionContext, exports: dg.ResourceParam[Exports]
) -> Iterator[dg.MaterializeResult[None] | dg.AssetMaterialization]:
    """Export each day whose checks passed; the others keep the files that they have, and fail."""
    started = time.monotonic()
    window = window_of(context)
    good = passed(context.instance, BLOCKING, set(day_keys(window)))
    exported: dict[str, dict[str, Any]] = {}
    try:
        for key, day in days(window):
            if key in good:
                exported[key] = exported_day(context, exports, day)
        refuse([key for key in day_keys(window) if key not in good])
    except dg.Failure:  # a failing step reports nothing else of what it did
        for key, metadata in exported.items():
            yield dg.AssetMaterialization(key_of(DAILY_EXPORTS), metadata=metadata, partition=key)
        raise
    for key, metadata in exported.items():
        context.add_asset_metadata(metadata, partition_key=key)
    yield dg.MaterializeResult(metadata={"seconds": round(time.monotonic() - started, 3)})


def refuse(held: list[str]) -> None:
    """Fail, and name the days that are not exported; nothing without any."""
    if held:
        raise dg.Failure(
            "not exported, since a blocking check of curated failed or has yet to look at it: "
            f"{', '.join(held)}. What was exported before stays; materialize the day's curated "
            "tables again (job `day`)",
            allow_retries=False,
        )


def days(window: Window) -> list[tuple[str, date]]:
    """The partition keys of the days, each with its day."""
    return list(zip(day_keys(window), window.days, strict=True))


def exported_day(context: dg.AssetExecutionContext, exports: Exports, day: date) -> dict[str, Any]:
    """Export a day; what an operator reads of it."""
    with told_to_dagster():
        manifest = exports.write(day)
    rows = sum(entry["rows"] for entry in manifest if entry["file"].endswith(".csv"))
    context.log.info(f"{day}: {rows} rows in {len(manifest)} files")
    return {
        ROWS: rows,
        "files": len(manifest),
        "folder": dg.MetadataValue.path(exports.address(day)),
    }


ASSETS = (daily_exports,)
