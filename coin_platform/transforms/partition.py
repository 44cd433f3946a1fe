"""Which partition a row belongs to, in the words that outcomes use.

`2026-11-22T13:00:00Z`; `2026-11-22` in curated, whose partitions are days.
"""

from datetime import date, datetime, timedelta

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as fn

from coin_platform.contracts.model import Table, Type
from coin_platform.partitions import DAY, HOUR, Window, floor_hour, instant_text
from coin_platform.resources.lake.frames import predicate

SECOND = timedelta(seconds=1)


def time_of(table: Table) -> str:
    """The column that places a row in time; versions of coins are placed by their beginning."""
    return table.time_column or "valid_from"


def of_window(rows: DataFrame, table: Table, window: Window) -> DataFrame:
    """The rows of a window."""
    return rows.filter(predicate(table, window, time_of(table)))


def day_of(time: str) -> Column:
    """The UTC day of an instant's column.

    By arithmetic: Sail's `date_trunc` takes ten times as long. And not by a bare cast: Sail turns a
    filter on that into one on the hours, estimates that more rows pass than there are when the days
    reach beyond a file's hours, and gives up.
    """
    return fn.date_from_unix_date(units_since_1970(time, DAY).cast("int"))


def hour_of(time: str) -> Column:
    """The UTC hour in which an instant of the column lies."""
    return fn.timestamp_seconds(units_since_1970(time, HOUR) * (HOUR // SECOND))


def units_since_1970(time: str, unit: timedelta) -> Column:
    return fn.floor(fn.unix_seconds(fn.col(time)) / (unit // SECOND))


def is_daily(table: Table) -> bool:
    return table.layer == "curated"


def labels(table: Table, window: Window) -> list[str]:
    """The partitions of a window, ascending."""
    if is_daily(table):
        return [day.isoformat() for day in window.days]
    return [instant_text(hour) for hour in window.hours]


def label_of(table: Table, time: date) -> str:
    """The partition of a row whose time that is: an instant, or a date."""
    if not isinstance(time, datetime):
        return time.isoformat()
    return time.date().isoformat() if is_daily(table) else instant_text(floor_hour(time))


def partition_of(table: Table) -> Column:
    """The partition of a row as a date or an instant, of which `label_of` makes the label."""
    time = time_of(table)
    if not is_daily(table):
        return hour_of(time)
    return fn.col(time) if table.column(time).type is Type.DATE else day_of(time)
