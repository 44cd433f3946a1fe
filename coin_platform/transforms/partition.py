"""Which partition a row belongs to, in the words that outcomes use.

`2026-11-22T13:00:00Z`; `2026-11-22` in curated, whose partitions are days.
"""

from datetime import date, datetime

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as fn

from coin_platform.contracts.model import Table
from coin_platform.partitions import Window, floor_hour, instant_text
from coin_platform.resources.lake.frames import predicate


def time_of(table: Table) -> str:
    """The column that places a row in time; versions of coins are placed by their beginning."""
    return table.time_column or "valid_from"


def of_window(rows: DataFrame, table: Table, window: Window) -> DataFrame:
    """The rows of a window."""
    return rows.filter(predicate(table, window, time_of(table)))


def day_of(hour: str) -> Column:
    """The UTC day of an instant's column.

    Not by a bare cast: Sail turns a filter on that into one on the hours, estimates that more
    rows pass than there are when the days reach beyond a file's hours, and gives up.
    """
    return fn.to_date(fn.date_trunc("day", fn.col(hour)))


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


def label(table: Table) -> Column:
    """The partition of a row."""
    time = fn.col(time_of(table))
    if is_daily(table):
        return fn.date_format(time, "yyyy-MM-dd")
    return fn.date_format(fn.date_trunc("hour", time), "yyyy-MM-dd'T'HH:mm:ss'Z'")
