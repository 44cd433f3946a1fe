"""From the database to raw: make sure that every row of some hours has arrived.

Works on the interfaces only, so that one piece of code waits for the local task and for DMS.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from coin_platform.contracts import database as market
from coin_platform.contracts import raw
from coin_platform.contracts.model import Table
from coin_platform.errors import PermanentError, TransientError
from coin_platform.partitions import Window, instant_text
from coin_platform.resources.database.interface import Database
from coin_platform.resources.lake import Lake, RawFile
from coin_platform.resources.replication.assessment import assess, next_run, next_start_type
from coin_platform.resources.replication.interface import Replication, StartType

if TYPE_CHECKING:
    import pandas as pd

COMMIT_TIME = "%Y-%m-%d %H:%M:%S.%f"  # the form of raw's commit timestamps
READS = 4  # of a file that is replaced meanwhile, before it counts as broken
EXAMPLES = 3
MAPPED_TABLES = tuple(table.name for table in market.TABLES)


@dataclass(frozen=True)
class Delivered:
    """What raw holds of one table for a window: rows by hour, and the files they are in.

    `versions` gives, by hour, when it last changed. A later change gives it a new version, which
    the replication sensor compares; loading the same rows anew does not.
    """

    rows: dict[datetime, int]
    files: list[str]
    versions: dict[datetime, str]


@dataclass(frozen=True)
class Difference:
    """How raw differs from the database: keys not there yet, and keys the database has deleted."""

    missing: "pd.DataFrame"
    deleted: "pd.DataFrame"

    def __bool__(self) -> bool:
        return bool(len(self.missing) or len(self.deleted))

    def __str__(self) -> str:
        parts = []
        for rows, words in (
            (self.missing, "not yet in raw"),
            (self.deleted, "deleted, but not in raw"),
        ):
            if len(rows):
                keys = [
                    "/".join(str(value) for value in key)
                    for key in rows.head(EXAMPLES).itertuples(index=False)
                ]
                parts.append(f"{len(rows)} rows {words}, e.g. {', '.join(keys)}")
        return "; ".join(parts) or "no difference"


def key_columns(table: Table) -> list[str]:
    return sorted({*table.key, "snapshot_hour"})


def compare(source: "pd.DataFrame", log: "pd.DataFrame", table: Table) -> Difference:
    """Compare a window of the database with the same window of its change log.

    Both frames hold the key columns and `loaded_at`; the log also `Op`, `commit_timestamp`,
    `change_seq` and `file`. A row has arrived when the log holds its key with the same `loaded_at`.
    """
    keys = key_columns(table)
    version = [*keys, "loaded_at"]
    arrived = source[version].merge(log[version].drop_duplicates(), how="left", indicator="found")
    missing = source[(arrived["found"] == "left_only").to_numpy()][keys]
    return Difference(missing, undelivered_deletes(source, log, list(table.key)))


def undelivered_deletes(
    source: "pd.DataFrame", log: "pd.DataFrame", key: list[str]
) -> "pd.DataFrame":
    """Keys that the log still holds and the database no longer does.

    Only where the hour is part of the key: a coin that is not among an hour's rows has not been
    deleted, a later hour changed it.
    """
    current = latest(log, key)
    if "snapshot_hour" not in key:
        return current.iloc[:0][key]
    merged = current.merge(source[key], how="left", on=key, indicator="found")
    return merged[merged["found"] == "left_only"][key]


def latest(log: "pd.DataFrame", key: Sequence[str]) -> "pd.DataFrame":
    """The newest row of each key that the log does not end by deleting."""
    order = ["commit_timestamp", "change_seq"]
    ordered = log.sort_values(order, na_position="first", kind="stable")
    newest = ordered.drop_duplicates(list(key), keep="last")
    return newest[newest["Op"] != "D"]


def read_log(lake: Lake, table: Table, files: Sequence[RawFile], window: Window) -> "pd.DataFrame":
    """The change log's keys, versions and change columns for a window, as the files now stand."""
    columns = (*key_columns(table), "loaded_at", "commit_timestamp", "change_seq")
    rows: pd.DataFrame = lake.raw_rows(table, files, columns, window).to_pandas()
    loaded = lake.load_started(table, files)
    # A load supersedes the changes before it.
    return rows if loaded is None else rows[rows["commit_timestamp"] >= loaded]


def files_of(lake: Lake, window: Window) -> dict[str, list[RawFile]]:
    """Each raw table's files that may speak of a window."""
    return {table.name: lake.raw_files(table, since=window.start) for table in raw.TABLES}


def read_logs(
    lake: Lake, files: Mapping[str, Sequence[RawFile]], window: Window, pause_seconds: float
) -> "dict[str, pd.DataFrame]":
    """Each raw table's change log, read again where a file was replaced meanwhile.

    A reload replaces the files of the last load; in S3 a reader then gets the length of the one and
    the bytes of the other. A file that cannot be read for long raises what Arrow says of it.
    """

    def logs_of(files: Mapping[str, Sequence[RawFile]]) -> "dict[str, pd.DataFrame]":
        return {t.name: read_log(lake, t, files[t.name], window) for t in raw.TABLES}

    for _ in range(READS - 1):
        try:
            return logs_of(files)
        except (OSError, ValueError):  # Arrow's errors are one or the other
            time.sleep(pause_seconds)
            files = files_of(lake, window)
    return logs_of(files)


def deliver(  # noqa: PLR0913  three systems, what is wanted, how long, and whom to tell
    replication: Replication,
    database: Database,
    lake: Lake,
    window: Window,
    timeout_seconds: float,
    progress: Callable[[str], None],
) -> Mapping[str, Delivered]:
    """Start or resume the task if needed and wait until raw holds every row of the window.

    Returns what was delivered by table name, at once if all was there already. Raises
    `PermanentError` when the task fails, when a finished task cannot bring what is missing, or
    when the database holds nothing of an hour; `TransientError` when time runs out.
    """
    sources = {table.name: rows_of(database, table, window) for table in market.TABLES}
    require_hours(sources[market.COIN_QUOTES.name], window)
    deadline = time.monotonic() + timeout_seconds
    started_at: datetime | None = None
    seen: object = None
    reported = ""
    differences: dict[str, Difference] = {}
    while True:
        # The task is looked at before the files: what it says it did must then be visible.
        task, statistics = replication.describe(), replication.table_statistics()
        files = files_of(lake, window)
        if (task, statistics, files) != seen:
            logs = read_logs(lake, files, window, replication.poll_seconds)
            seen = task, statistics, files
            differences = {t.name: compare(sources[t.name], logs[t.name], t) for t in market.TABLES}
            if not any(differences.values()):
                return {name: delivered(log) for name, log in logs.items()}
        differing = "; ".join(f"{name}: {diff}" for name, diff in differences.items() if diff)
        if differing != reported:
            progress(f"waiting for replication: {differing}")
            reported = differing
        if time.monotonic() > deadline:
            raise TransientError(
                f"{window} is not in raw after {timeout_seconds:.0f} s ({differing}). Task "
                f"{task.identifier} is {task.status}; see `coin-platform replication status`. "
                "After a TRUNCATE `coin-platform replication reload` loads everything anew; a cdc "
                "task never brings rows older than its first start."
            )
        assessment = assess(task, statistics, MAPPED_TABLES, started_at)
        start_type = next_start_type(task)
        if started_at is None and start_type is not None:
            progress(f"task {task.identifier} is {task.status}: {start_type}")
            started_at = next_run(task)
            start(replication, start_type)
            # What it stands on may have had to be made first, which takes its own time.
            deadline = time.monotonic() + timeout_seconds
        elif assessment.verdict == "running":
            time.sleep(replication.poll_seconds)
        elif assessment.verdict == "failed":
            raise PermanentError(f"replication task {task.identifier}: {assessment.reason}")
        else:
            raise PermanentError(
                f"task {task.identifier} is done and did not bring everything: {differing}. "
                "See `coin-platform replication status`."
            )


def start(replication: Replication, start_type: StartType) -> None:
    """Start the task, unless somebody else does at the same moment."""
    try:
        replication.start(start_type)
    except PermanentError:
        if next_start_type(replication.describe()) is not None:
            raise


def start_before_the_first_row(replication: Replication, timeout_seconds: float) -> None:
    """Have a task that only captures changes do so before there are any, or it never sees them.

    A start is asked for, and comes to pass later: the task captures once it tells of every table.
    Raises `TransientError` when time runs out; what else goes wrong with it is told by `deliver`.
    """
    task = replication.describe()
    if task.migration_type != "cdc":
        return
    if task.status == "ready":
        start(replication, "start-replication")
    deadline = time.monotonic() + timeout_seconds
    while (task := replication.describe()).status in ("ready", "starting", "running"):
        known = {table.table_name for table in replication.table_statistics()}
        if task.status == "running" and known.issuperset(MAPPED_TABLES):
            return
        if time.monotonic() > deadline:
            raise TransientError(
                f"task {task.identifier} is {task.status} and captures no changes after "
                f"{timeout_seconds:.0f} s, so no row is written yet; see "
                "`coin-platform replication status`"
            )
        time.sleep(replication.poll_seconds)


def rows_of(database: Database, table: Table, window: Window) -> "pd.DataFrame":
    """The keys and versions that the database holds of a window."""
    columns = (*key_columns(table), "loaded_at")
    rows: pd.DataFrame = database.rows(table, window, columns).to_pandas()
    return rows


def require_hours(quotes: "pd.DataFrame", window: Window) -> None:
    """Raise `PermanentError` for hours that the database does not hold."""
    held = {hour.to_pydatetime() for hour in quotes["snapshot_hour"].unique()}
    absent = [hour for hour in window.hours if hour not in held]
    if absent:
        raise PermanentError(
            f"the database holds no quotes of {len(absent)} hours from {instant_text(absent[0])} "
            "on: materialize database/coin_quotes for them first"
        )


def delivered(log: "pd.DataFrame") -> Delivered:
    """Counts and versions from a window's change log."""
    return Delivered(
        rows={
            instant(hour): int(rows) for hour, rows in log.groupby("snapshot_hour").size().items()
        },
        files=sorted(log["file"].unique()),
        versions=versions(log),
    )


def versions(log: "pd.DataFrame") -> dict[datetime, str]:
    """When each hour last changed: its newest `loaded_at`, or the commit of a later delete.

    Of a log in parts, the greatest text of an hour is the version.
    """
    import pandas as pd

    deleted = log["Op"] == "D"
    loaded_at = log[~deleted].groupby("snapshot_hour")["loaded_at"].max()
    deleted_at = log[deleted].groupby("snapshot_hour")["commit_timestamp"].max()
    texts = pd.concat([loaded_at.dropna().dt.strftime(COMMIT_TIME), deleted_at])
    newest = texts.groupby(level=0).max()
    return {instant(hour): str(version) for hour, version in newest.items()}


def instant(hour: object) -> datetime:
    """A group's key, which pandas gives as a Timestamp, as a datetime."""
    import pandas as pd

    at: datetime = pd.Timestamp(hour).to_pydatetime()  # type: ignore[arg-type]
    return at
