"""Hours and days, always UTC: the arithmetic of the partition grid.

Dagster's partition definitions are made in `defs/partitions.py`; nothing here imports Dagster.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def utc_now() -> datetime:
    """The present, UTC."""
    return datetime.now(UTC)


def floor_hour(instant: datetime) -> datetime:
    """The start of the hour that holds an aware instant, in UTC."""
    return instant.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def floor_day(instant: datetime) -> datetime:
    """Midnight UTC of the day that holds an aware instant."""
    return floor_hour(instant).replace(hour=0)


def last_closed_hour(now: datetime) -> datetime:
    """Start of the newest hour that is over at `now`."""
    return floor_hour(now) - HOUR


def instant_text(instant: datetime) -> str:
    """`2026-11-22T13:00:00Z`, the form used in reports."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(frozen=True, order=True)
class Window:
    """The half-open interval `[start, end)` of whole UTC hours; never empty."""

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        for instant in (self.start, self.end):
            if instant.tzinfo is None or instant != floor_hour(instant):
                message = f"a window is made of whole UTC hours, not {instant!r}"
                raise ValueError(message)
        if self.start >= self.end:
            message = f"a window must end after it starts: {self}"
            raise ValueError(message)

    @classmethod
    def of_hour(cls, hour: datetime) -> "Window":
        return cls(hour, hour + HOUR)

    @classmethod
    def of_days(cls, first: date, last: date) -> "Window":
        """From the first day's midnight to the end of the last day."""
        midnight = time(tzinfo=UTC)
        return cls(datetime.combine(first, midnight), datetime.combine(last, midnight) + DAY)

    @property
    def hours(self) -> list[datetime]:
        """The starts of its hours, ascending."""
        return [self.start + HOUR * n for n in range((self.end - self.start) // HOUR)]

    @property
    def days(self) -> list[date]:
        """The days it touches, ascending."""
        return sorted({hour.date() for hour in self.hours})

    def __contains__(self, instant: datetime) -> bool:
        return self.start <= instant < self.end

    def __str__(self) -> str:
        return f"{instant_text(self.start)} to {instant_text(self.end)}"

    def chunks(self, hours: int) -> Iterator["Window"]:
        """Consecutive windows of at most so many hours."""
        start = self.start
        while start < self.end:
            end = min(start + HOUR * hours, self.end)
            yield Window(start, end)
            start = end


def windows_of(hours: Sequence[datetime]) -> list[Window]:
    """The fewest windows that hold exactly these hours, ascending."""
    windows: list[Window] = []
    for hour in sorted(set(hours)):
        if windows and windows[-1].end == hour:
            windows[-1] = Window(windows[-1].start, hour + HOUR)
        else:
            windows.append(Window.of_hour(hour))
    return windows
