"""Which hours and days the page shows: those that curated was made of, the newest days of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from coin_platform.contracts import curated
from coin_platform.partitions import Window
from coin_platform.resources.lake.served import ServedLake

# The days that curated has hours of, and which hours of each it lacks.
Missing = Mapping[date, set[int]]


@dataclass(frozen=True)
class Shown:
    """The days from the first to the newest, those that have hours, and these hours; ascending.

    `since` is the first hour that curated has at all.
    """

    window: Window
    days: list[date]
    hours: list[datetime]
    since: datetime

    @property
    def hour(self) -> datetime:
        """The hour that the page is of: the newest one."""
        return self.hours[-1]


def missing_hours(lake: ServedLake) -> Missing:
    """What curated says of itself."""
    if not lake.exists(curated.PUBLICATIONS):
        return {}
    columns = ["day", "hours", "hours_missing"]
    missing: dict[date, set[int]] = {}
    for row in lake.rows(curated.PUBLICATIONS, columns).to_pylist():
        if row["hours"]:
            absent = {int(hour) for hour in (row["hours_missing"] or "").split(",") if hour}
            # An hour is shown as soon as one table has it, and what is shown is judged.
            missing[row["day"]] = missing.get(row["day"], absent) & absent
    return missing


def shown(missing: Missing, days: int) -> Shown | None:
    """The newest so many days of curated; None where curated has no hour yet."""
    if not missing:
        return None
    newest = max(missing)
    window = Window.of_days(newest - timedelta(days=days - 1), newest)

    def hours_of(day: date) -> list[datetime]:
        of_day = Window.of_days(day, day).hours
        return [hour for hour in of_day if hour.hour not in missing[day]]

    inside = sorted(set(missing) & set(window.days))
    hours = [hour for day in inside for hour in hours_of(day)]
    return Shown(window, inside, hours, hours_of(min(missing))[0])
