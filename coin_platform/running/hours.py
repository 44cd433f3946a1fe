"""Which hours a run is asked for."""

from datetime import datetime

from coin_platform.partitions import HOUR, Window


def closed_hours(start: datetime, last: datetime, hours: int) -> list[datetime]:
    """The last hours of the grid up to and with `last`, ascending; fewer where the grid begins."""
    first = max(start, last - HOUR * (hours - 1))
    return Window(first, last + HOUR).hours if first <= last else []
