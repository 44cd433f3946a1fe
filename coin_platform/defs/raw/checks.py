"""Checks of raw: that the change log is well formed, and holds every row of the database."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

import dagster as dg

from coin_platform.contracts import database as market
from coin_platform.contracts import raw
from coin_platform.contracts.measures import Measured
from coin_platform.contracts.model import Table
from coin_platform.contracts.schema import Difference, merged
from coin_platform.defs.checks import Verdict, fact_check, report, specs_of
from coin_platform.defs.drift import SCHEMA, schema_facts, unmeasured
from coin_platform.defs.partitions import HOURS, hour_keys, window_of
from coin_platform.delivery import compare, key_columns, latest, read_log, rows_of
from coin_platform.partitions import Window
from coin_platform.resources.database.interface import Database
from coin_platform.resources.lake import Lake
from coin_platform.settings import Settings

if TYPE_CHECKING:
    import pandas as pd

COMMIT_TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}")
CHANGE_SEQ = re.compile(r"\d{35}")

CHECKED = (
    *SCHEMA,
    fact_check("agrees_with_database", "Every row of the database is in raw, in its last version."),
    fact_check(
        "changes_are_well_formed",
        "Op is I, U or D; commit times and change sequences have the form that orders them.",
    ),
)


def well_formed(log: "pd.DataFrame") -> Verdict:
    """Judge the change columns of every row."""
    wrong = {
        "Op": ~log["Op"].isin(raw.OP.values),
        "commit_timestamp": ~log["commit_timestamp"].astype(str).str.fullmatch(COMMIT_TIMESTAMP),
        "change_seq": log["change_seq"].notna()
        & ~log["change_seq"].astype(str).str.fullmatch(CHANGE_SEQ),
    }
    counts = {column: int(rows.sum()) for column, rows in wrong.items() if rows.any()}
    if not counts:
        return Verdict(True, f"{len(log)} changes are well formed")
    return Verdict(False, f"malformed: {', '.join(counts)}", counts)


def measure(
    table: Table, log_table: Table, database: Database, lake: Lake, window: Window
) -> dict[str, Measured]:
    """The verdicts for each hour of the window, by partition key."""
    files = lake.raw_files(log_table, since=window.start)
    drift = lake.raw_drift(log_table, files)
    unread = unmeasured([d for of_file in drift.values() for d in of_file if is_needed(d, table)])
    if unread:
        every = merged(d for of_file in drift.values() for d in of_file)
        facts = {**schema_facts(every), **unread}
        return {partition: Measured(facts=facts) for partition in hour_keys(window)}
    log = read_log(lake, log_table, files, window)
    source = rows_of(database, table, window)
    measured = {}
    for hour, partition in zip(window.hours, hour_keys(window), strict=True):
        # A delete may carry no hour; it then belongs to every hour's log.
        of_hour = log[(log["snapshot_hour"] == hour) | log["snapshot_hour"].isna()]
        difference = compare(source[source["snapshot_hour"] == hour], of_hour, table)
        agrees = Verdict(
            not difference,
            str(difference),
            {"rows_missing": len(difference.missing), "rows_deleted": len(difference.deleted)},
        )
        # Files that hold nothing but former versions of rows no longer matter.
        current = latest(of_hour, table.key)["file"].unique()
        measured[partition] = Measured(
            rows=len(of_hour),
            facts={
                "agrees_with_database": agrees,
                "changes_are_well_formed": well_formed(of_hour),
                **schema_facts(merged(d for name in current for d in drift.get(name, ()))),
            },
        )
    return measured


def is_needed(difference: Difference, table: Table) -> bool:
    """Whether a row without that column can be told neither apart nor in order."""
    return difference.column in {
        *(column.name for column in (raw.OP, raw.COMMIT_TIMESTAMP, raw.CHANGE_SEQ)),
        *key_columns(table),
        "loaded_at",
    }


def checks_of(table: Table, log_table: Table) -> dg.AssetChecksDefinition:
    """The checks of one raw table."""

    @dg.multi_asset_check(
        name=f"check_raw_{log_table.name}",
        specs=specs_of(log_table, HOURS, CHECKED),
        can_subset=True,
    )
    def check(
        context: dg.AssetCheckExecutionContext,
        database: dg.ResourceParam[Database],
        lake: dg.ResourceParam[Lake],
        settings: dg.ResourceParam[Settings],
    ) -> Iterator[dg.AssetCheckEvaluation | dg.Output[None]]:
        measured: dict[str, Measured] = {}
        for chunk in window_of(context).chunks(settings.chunk_hours):
            measured |= measure(table, log_table, database, lake, chunk)
        yield from report(context, log_table, CHECKED, measured)

    return check


CHECKS = tuple(checks_of(table, log) for table, log in zip(market.TABLES, raw.TABLES, strict=True))
