"""Keeping Delta tables small in files: compaction by day, and removal of what no reader needs.

Sail writes a checkpoint of the log every ten commits and the `deltalake` package every hundred, so
that opening a table does not cost more with each; old entries of the log are removed here.
"""

from collections import defaultdict
from collections.abc import Mapping
from datetime import date, datetime, timedelta

from coin_platform.contracts.model import Table
from coin_platform.errors import TransientError
from coin_platform.partitions import HOUR, Window, floor_day, floor_hour
from coin_platform.resources.lake import tables

KEEP = timedelta(days=7)
TARGET_BYTES = 128 << 20
# Few hours of a day's file, so that a reader of one hour reads little more than that.
ROW_GROUP = 20_000


def compact(table: Table, uri: str, options: Mapping[str, str], before: datetime) -> list[Window]:
    """Make one file of those that lie within a day, of days that ended by `before`; their spans.

    Rows stay the same, ordered by the table's time and key, and those of an hour are still found by
    statistics: no file is made that reaches over midnight, and one that does is left as it is. Of a
    table without a time small files are merged. Holds a day in memory, and commits each day by
    itself, so that a kill loses none.
    """
    from deltalake import DeltaTable

    if table.time_column is None:
        found = DeltaTable(uri, storage_options=dict(options))
        found.optimize.compact(target_size=TARGET_BYTES)
        return []
    spans = scattered(table, uri, options, before)
    for span in spans:
        rewrite(table, uri, options, span)
    return spans


def scattered(table: Table, uri: str, options: Mapping[str, str], before: datetime) -> list[Window]:
    """The spans, each within a closed day, whose rows are in several files of their own."""
    import pyarrow as pa
    from deltalake import DeltaTable

    files = pa.table(DeltaTable(uri, storage_options=dict(options)).get_add_actions(flatten=True))
    bounds = [f"{bound}.{table.time_column}" for bound in ("min", "max")]
    if not set(bounds) <= set(files.column_names):
        return []
    times = zip(*(files[name].to_pylist() for name in bounds), strict=True)
    held = [covered(least, most) for least, most in times if least is not None]
    within: dict[date, list[Window]] = defaultdict(list)
    for window in held:
        if len(window.days) == 1 and window.end <= floor_day(before):
            within[window.days[0]].append(window)
    spans = [
        Window(min(w.start for w in of_day), max(w.end for w in of_day))
        for of_day in within.values()
        if len(of_day) > 1
    ]
    wide = [window for window in held if len(window.days) > 1]
    return sorted(
        span
        for span in spans
        if not any(file.start < span.end and span.start < file.end for file in wide)
    )


def covered(least: date, most: date) -> Window:
    """The hours, or days, from one time to another, both included."""
    if isinstance(least, datetime) and isinstance(most, datetime):
        return Window(floor_hour(least), floor_hour(most) + HOUR)
    return Window.of_days(least, most)


def rewrite(table: Table, uri: str, options: Mapping[str, str], window: Window) -> None:
    """Write the window's rows anew, in order, as one file.

    Raises `TransientError` when somebody has written them since they were read.
    """
    from deltalake import DeltaTable, WriterProperties, write_deltalake
    from deltalake.exceptions import CommitFailedError

    found = DeltaTable(uri, storage_options=dict(options))
    columns = [field.name for field in found.schema().fields]
    rows = tables.rows_of(found, table, uri, options, columns, window)
    order = dict.fromkeys([str(table.time_column), *table.key])
    try:
        write_deltalake(
            found,  # at the version that was read, so that a commit in between is a conflict
            rows.sort_by([(name, "ascending") for name in order]),
            mode="overwrite",
            predicate=tables.predicate(table, window),
            target_file_size=TARGET_BYTES,
            writer_properties=WriterProperties(max_row_group_size=ROW_GROUP),
        )
    except CommitFailedError as error:
        message = f"{table.id}: {window} was written while its files were merged: try again"
        raise TransientError(message) from error


def vacuum(uri: str, options: Mapping[str, str], keep: timedelta = KEEP) -> list[str]:
    """Delete files that no version within `keep` needs, and entries of the log that expired.

    Gives the paths of the files. Older versions are lost.
    """
    from deltalake import DeltaTable

    found = DeltaTable(uri, storage_options=dict(options))
    hours = int(keep / timedelta(hours=1))
    removed = list(found.vacuum(hours, dry_run=False, enforce_retention_duration=False))
    found.cleanup_metadata()
    return removed
