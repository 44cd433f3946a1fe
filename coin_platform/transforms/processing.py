"""The jobs of processed: from raw to typed tables, with what is wrong kept apart.

Both begin by reopening the ledger of their hours: until it is closed again, curated leaves them
out. Quarantine is written before the table, so that a row is never in neither.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as fn

from coin_platform.contracts import processed, raw
from coin_platform.contracts.model import Table
from coin_platform.errors import PermanentError
from coin_platform.partitions import Window, instant_text, windows_of
from coin_platform.resources.engine.interface import Outcome
from coin_platform.resources.lake import Lake, RawFile
from coin_platform.transforms import coins, quarantine, quotes
from coin_platform.transforms.held import held
from coin_platform.transforms.latest import latest
from coin_platform.transforms.outcomes import outcome
from coin_platform.transforms.partition import labels, of_window
from coin_platform.transforms.rules import is_wrong, judge

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa


def coin_quotes(spark: SparkSession, lake: Lake, window: Window, run_id: str) -> Outcome:
    """Replace the window's quotes with the latest versions in raw; wrong ones go to quarantine.

    Hours with a row that breaks a failing rule stay as they are, and are said in the outcome.
    """
    table, kept_out = processed.COIN_QUOTES, processed.QUARANTINED_COIN_QUOTES
    stopped = {}
    with lake.writing(table):  # a run that listed files earlier must not write later
        files = raw_files(lake, raw.COIN_QUOTES, window)
        reopen(lake, table, window)
        rows = lake.read_raw(spark, raw.COIN_QUOTES, files, window)
        judged = quotes.current(rows, lake.load_started(raw.COIN_QUOTES, files))
        if has_wrong(rows, table):
            found = quarantine.verdicts(judged, releases(lake, window))
            stopped = found.stopped
            good = with_released(spark, judged, found)
            for span in windows_of([hour for hour in window.hours if hour not in stopped]):
                wrong = inside(found, span)
                quarantine.write(lake, kept_out, raw.COIN_QUOTES, files, wrong, span, run_id)
                lake.replace(table, quotes.written(good), span)
        else:
            quarantine.write(lake, kept_out, raw.COIN_QUOTES, files, None, window, run_id)
            lake.replace(table, quotes.written(judged), window)
    done = outcome(lake, table, window, files)
    done.quarantined.update(counted(lake, kept_out, window))
    done.stopped.update({instant_text(hour): reason for hour, reason in stopped.items()})
    return done


def coin_history(spark: SparkSession, lake: Lake, window: Window, run_id: str) -> Outcome:
    """Merge the changes that raw holds since the window's start into the coins' history.

    A change that breaks a rule makes no version; what was known before stands.
    """
    table, kept_out = processed.COINS, processed.QUARANTINED_COINS
    with lake.writing(table):
        files = raw_files(lake, raw.COINS, window)
        reopen(lake, table, window)
        # A file made since may bring older changes again. They are not newer than what is known
        # of the time between: that is read as well.
        since = min({window.start} | commits(lake, files))
        files = lake.raw_files(raw.COINS, since=since)
        started = lake.load_started(raw.COINS, files)
        load_is_new = started is not None and instant(started) >= since
        lake.ensure(table)
        known = lake.read(spark, table)
        wrong = None
        if files:
            rows = committed_since(lake.read_raw(spark, raw.COINS, files), since)
            if has_wrong(rows, table):
                changes = latest(of_window(rows.filter("Op <> 'D'"), raw.COINS, window),
                                 kept_out.key, started)  # fmt: skip
                wrong = quarantine.verdicts(judge(changes, table.rules)).quarantined
            versions = coins.history(known, coins.judged(rows), started, load_is_new=load_is_new)
            with held(versions.exceptAll(known)) as news:
                if not news.isEmpty():
                    lake.merge(spark, table, news)
        quarantine.write(lake, kept_out, raw.COINS, files, wrong, window, run_id)
    done = outcome(lake, table, window, files)
    done.quarantined.update(counted(lake, kept_out, window))
    return done


def has_wrong(rows: DataFrame, table: Table) -> bool:
    """Whether any change breaks a rule of weight: a narrow pass, before anything is sorted."""
    return not judge(rows.filter("Op <> 'D'"), table.rules).filter(is_wrong()).isEmpty()


def with_released(spark: SparkSession, judged: DataFrame, found: quarantine.Verdicts) -> DataFrame:
    """The judged rows that may be written."""
    good = judged.filter(~is_wrong())
    if not found.released.num_rows:
        return good
    return good.unionByName(spark.createDataFrame(found.released.select(judged.columns)))


def inside(found: quarantine.Verdicts, span: Window) -> "pa.Table":
    """The quarantined rows of a span."""
    hours = found.quarantined["snapshot_hour"].to_pandas()
    return found.quarantined.filter(((hours >= span.start) & (hours < span.end)).to_numpy())


def releases(lake: Lake, window: Window) -> "pd.DataFrame | None":
    """What people released of the window."""
    table = processed.RELEASES
    if not lake.exists(table):
        return None
    frame: pd.DataFrame = lake.rows(table, [*table.key, "price", "rules"], window).to_pandas()
    return frame


def reopen(lake: Lake, table: Table, window: Window) -> None:
    """What the ledger said of these hours holds no longer."""
    lake.remove(processed.LEDGER, window, f"table_name = '{table.name}'")


def counted(lake: Lake, table: Table, window: Window) -> dict[str, int]:
    """Rows of an hourly table, by the labels of the window's hours."""
    hours = lake.rows(table, ["snapshot_hour"], window)["snapshot_hour"].to_pylist()
    rows = dict.fromkeys(labels(table, window), 0)
    for hour in hours:
        rows[instant_text(hour)] += 1
    return rows


def raw_files(lake: Lake, table: Table, window: Window) -> list[RawFile]:
    """The files that can hold what the window depends on.

    Raises `PermanentError` when raw holds nothing of the table at all.
    """
    files = lake.raw_files(table, since=window.start)
    if not files and not lake.raw_files(table):
        message = f"{lake.uri(table)} holds no files: materialize {table.id} for {window} first"
        raise PermanentError(message)
    return files


def commits(lake: Lake, files: Sequence[RawFile]) -> set[datetime]:
    """When the changes of coins in these files were committed."""
    name = raw.COMMIT_TIMESTAMP.name
    rows = lake.raw_rows(raw.COINS, [file for file in files if file.is_change], [name])
    return {instant(text) for text in rows[name].unique().to_pylist()}


def committed_since(rows: DataFrame, since: datetime) -> DataFrame:
    """The full load's rows, and the changes committed at `since` or later."""
    start = f"{since:%Y-%m-%d %H:%M:%S.%f}"
    return rows.filter(fn.col("change_seq").isNull() | (fn.col("commit_timestamp") >= start))


def instant(commit_timestamp: str) -> datetime:
    return datetime.fromisoformat(commit_timestamp).replace(tzinfo=UTC)
