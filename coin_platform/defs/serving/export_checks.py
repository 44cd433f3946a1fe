"""Checks of the exports: that their files are whole and can be read, and say what curated says."""

import csv
import io
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg

from coin_platform.contracts import curated
from coin_platform.contracts.measures import Measured
from coin_platform.contracts.serving import DAILY_EXPORTS
from coin_platform.defs.checks import Verdict, fact_check, report, specs_of
from coin_platform.defs.partitions import DAYS, day_keys, window_of
from coin_platform.errors import PermanentError
from coin_platform.exports import LINE_END, Exports, rows_of_day, sha256
from coin_platform.query.formats import write_csv
from coin_platform.resources.lake.served import ServedLake

if TYPE_CHECKING:
    import pyarrow as pa

TABLES = {table.name: table for table in curated.TABLES}

READABLE = fact_check(
    "files_are_readable",
    "Every file of the day is there as the manifest says, and has the rows and columns it says.",
)
AGREES = fact_check(
    "exports_agree_with_curated",
    "The rows of the day's files are those of curated.",
)
CHECKS_OF_EXPORTS = (READABLE, AGREES)


def files_are_readable(exports: Exports, day: date) -> Verdict:
    """Read every file by itself, CSV as any program would, and compare it with the manifest."""
    wrong = {}
    manifest = exports.manifest(day)
    for entry in manifest:
        path = exports.folder_of(day) / entry["file"]
        found = trouble(path, entry)
        if found:
            wrong[path.name] = found
    absent = {table.name for table in curated.TABLES} - {entry["table_name"] for entry in manifest}
    wrong |= dict.fromkeys(absent, "is not in the manifest")
    text = "; ".join(f"{name} {words}" for name, words in wrong.items())
    return Verdict(not wrong, text or f"{len(manifest)} files are whole", {"wrong": len(wrong)})


def trouble(path: Path, entry: dict[str, Any]) -> str:
    """What is wrong with a file; empty if nothing is."""
    table = TABLES.get(entry["table_name"])
    if table is None or not path.is_file():
        return "is gone" if table else f"is of {entry['table_name']}, which is no curated table"
    if sha256(path) != entry["sha256"]:
        return "is not as it was written"
    columns, rows = read_csv(path) if path.suffix == ".csv" else read_parquet(path)
    if columns != list(table.column_names):
        return f"has the columns {', '.join(columns)}"
    return "" if rows == entry["rows"] else f"has {rows} rows, not {entry['rows']}"


def read_csv(path: Path) -> tuple[list[str], int]:
    with path.open(encoding="utf-8", newline="") as file:
        columns, *rows = csv.reader(file, strict=True)
    return columns, len(rows)


def read_parquet(path: Path) -> tuple[list[str], int]:
    import pyarrow.parquet as pq

    rows = pq.read_table(path)
    return rows.column_names, rows.num_rows


def agree_with_curated(exports: Exports, lake: ServedLake, day: date) -> Verdict:
    """Compare the day's files with curated as it is now, written out in the same way."""
    import pyarrow.parquet as pq

    different = []
    for table in curated.TABLES:
        detail = lake.detail(table)
        if detail is None:
            different.append(table.name)
            continue
        now = as_csv(rows_of_day(lake, table, day, detail.version))
        folder = exports.folder_of(day)
        in_csv = (folder / f"{table.name}.csv").read_bytes()
        in_parquet = as_csv(pq.read_table(folder / f"{table.name}.parquet"))
        if not now == in_csv == in_parquet:
            different.append(table.name)
    text = f"{', '.join(different)} differ" if different else "every table is as in curated"
    return Verdict(not different, text, {"different": len(different)})


def as_csv(rows: "pa.Table") -> bytes:
    """The rows as they are exported; equal rows give equal bytes, NaN included."""
    file = io.BytesIO()
    write_csv(rows.schema, rows.to_batches(), file, LINE_END)
    return file.getvalue()


def judged(exports: Exports, lake: ServedLake, day: date) -> Measured:
    """Both verdicts on a day."""
    exports.bring_here(day)
    try:
        readable = files_are_readable(exports, day)
    except PermanentError as error:
        readable = Verdict(False, str(error))
    agrees = (
        agree_with_curated(exports, lake, day)
        if readable.passed
        else Verdict(False, "not compared, since the files are not whole")
    )
    return Measured(facts={READABLE.name: readable, AGREES.name: agrees})


@dg.multi_asset_check(
    name="check_serving_daily_exports",
    specs=specs_of(DAILY_EXPORTS, DAYS, CHECKS_OF_EXPORTS),
    can_subset=True,
)
def daily_exports(
    context: dg.AssetCheckExecutionContext, exports: dg.ResourceParam[Exports]
) -> Iterator[dg.AssetCheckEvaluation | dg.Output[None]]:
    """Judge each day by its files."""
    window = window_of(context)
    measured = {
        key: judged(exports, exports.lake, day)
        for key, day in zip(day_keys(window), window.days, strict=True)
    }
    yield from report(context, DAILY_EXPORTS, CHECKS_OF_EXPORTS, measured)


CHECKS = (daily_exports,)
