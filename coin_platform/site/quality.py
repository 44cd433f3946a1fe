"""The numbers of the data-quality page: which hours are there, what was kept out, the accounts."""

from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any

from coin_platform.contracts import processed
from coin_platform.contracts.rules import COIN_RULES, QUOTE_RULES
from coin_platform.partitions import HOUR, Window
from coin_platform.resources.lake.served import ServedLake
from coin_platform.site.shown import Shown

CALENDAR_DAYS = 30
ACCOUNT_HOURS = 24
COUNTS = ("raw_keys", "current", "written", "quarantined", "deleted", "missing", "different")
REASONS = {rule.id: rule.reason for rule in (*QUOTE_RULES, *COIN_RULES)}


class Hour(StrEnum):
    """What is known of an hour of the calendar."""

    PRESENT = "present"
    UNBALANCED = "unbalanced"  # left out of curated, because its account does not add up
    MISSING = "missing"
    OUTSIDE = "outside"  # before the first hour that curated has, or after the newest


@dataclass(frozen=True)
class Broken:
    """A rule, what it says of a row, and how many rows were kept out for it."""

    rule: str
    reason: str
    rows: int


@dataclass(frozen=True)
class Quality:
    """Of the newest days: `calendar` has 24 hours a day, newest day first."""

    window: Window
    calendar: list[tuple[date, list[Hour]]]
    left_out: list[dict[str, Any]]
    quarantined: list[Broken]
    quarantined_rows: int
    accounts: list[dict[str, Any]]
    totals: list[dict[str, Any]]

    def hours(self, state: Hour) -> int:
        """How many hours of the calendar stand so."""
        return sum(hours.count(state) for _, hours in self.calendar)


def read(lake: ServedLake, shown: Shown) -> Quality:
    """Read the ledger and the quarantines of the newest days, whatever the length of history."""
    last = shown.days[-1]
    first = max(shown.window.start.date(), last - timedelta(days=CALENDAR_DAYS - 1))
    window = Window.of_days(max(first, shown.since.date()), last)
    ledger = accounts(lake, window)
    unbalanced = {row["snapshot_hour"] for row in ledger if not row["balanced"]}
    rules, rows = quarantined(lake, window)
    newest = shown.hour - (ACCOUNT_HOURS - 1) * HOUR
    return Quality(
        window,
        calendar(shown, window, unbalanced),
        [row for row in ledger if not row["balanced"] and row["snapshot_hour"] <= shown.hour],
        rules,
        rows,
        [row for row in ledger if row["snapshot_hour"] >= newest],
        totals(ledger),
    )


def calendar(
    shown: Shown, window: Window, unbalanced: set[datetime]
) -> list[tuple[date, list[Hour]]]:
    there = set(shown.hours)

    def state(hour: datetime) -> Hour:
        if hour in there:
            return Hour.PRESENT
        if hour in unbalanced:
            return Hour.UNBALANCED
        return Hour.MISSING if shown.since <= hour <= shown.hour else Hour.OUTSIDE

    return [
        (day, [state(hour) for hour in Window.of_days(day, day).hours])
        for day in sorted(window.days, reverse=True)
    ]


def accounts(lake: ServedLake, window: Window) -> list[dict[str, Any]]:
    """The window's rows of the ledger, newest hour first."""
    table = processed.LEDGER
    if not lake.exists(table):
        return []
    columns = ["snapshot_hour", "table_name", *COUNTS, "balanced", "examples"]
    rows: list[dict[str, Any]] = lake.rows(table, columns, window).to_pylist()
    return sorted(sorted(rows, key=table_of), key=hour_of, reverse=True)


def table_of(row: dict[str, Any]) -> str:
    return str(row["table_name"])


def hour_of(row: dict[str, Any]) -> datetime:
    hour: datetime = row["snapshot_hour"]
    return hour


def totals(ledger: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The sums of each table's accounts."""
    found = []
    for table in sorted({table_of(row) for row in ledger}):
        rows = [row for row in ledger if row["table_name"] == table]
        sums = {name: sum(row[name] for row in rows) for name in COUNTS}
        balanced = sum(row["balanced"] for row in rows)
        found.append({"table_name": table, "hours": len(rows), "balanced": balanced, **sums})
    return found


def quarantined(lake: ServedLake, window: Window) -> tuple[list[Broken], int]:
    """Rows kept out in the window by the rules that they broke, and how many rows they are."""
    broken: Counter[str] = Counter()
    rows = 0
    for table in (processed.QUARANTINED_COIN_QUOTES, processed.QUARANTINED_COINS):
        if not lake.exists(table):
            continue
        texts = lake.rows(table, ["rules"], window)["rules"].to_pylist()
        rows += len(texts)
        broken.update(rule for text in texts for rule in text.split(","))
    return [Broken(rule, REASONS.get(rule, ""), n) for rule, n in broken.most_common()], rows
