"""The partition grid as Dagster sees it: closed UTC hours, and days, that in progress included."""

import dagster as dg

from coin_platform import settings
from coin_platform.defs import previews
from coin_platform.partitions import Window, floor_day

_start = settings.load().start

HOURS = dg.HourlyPartitionsDefinition(start_date=_start)
# A day is a partition from its first hour on, so that it can be refreshed while it goes.
DAYS = dg.DailyPartitionsDefinition(start_date=floor_day(_start), end_offset=1)

# A day in progress has hours that do not exist yet.
with previews.accepted():
    OWN_HOURS = dg.TimeWindowPartitionMapping(allow_nonexistent_upstream_partitions=True)
    # The volatility of a day looks at the closes of the seven days before it.
    WEEK_OF_HOURS = dg.TimeWindowPartitionMapping(
        start_offset=-7, allow_nonexistent_upstream_partitions=True
    )


def window_of(context: dg.AssetExecutionContext | dg.AssetCheckExecutionContext) -> Window:
    """The hours that the step works on: one partition, or the range of a backfill."""
    op_context = (
        context.op_execution_context
        if isinstance(context, dg.AssetCheckExecutionContext)
        else context
    )
    window = op_context.partition_time_window
    return Window(window.start, window.end)


def hour_keys(window: Window) -> list[str]:
    """Partition keys of the window's hours, ascending."""
    return [hour.strftime(HOURS.fmt) for hour in window.hours]


def day_keys(window: Window) -> list[str]:
    """Partition keys of the days that the window touches, ascending."""
    return [day.strftime(DAYS.fmt) for day in window.days]
