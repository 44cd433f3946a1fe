"""What a run owes: the hours asked for that are not there yet, and the days that are behind."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import dagster as dg

from coin_platform.check_states import check_states
from coin_platform.contracts import curated, database, processed, raw, serving
from coin_platform.contracts.model import Table
from coin_platform.defs.partitions import day_keys, hour_keys
from coin_platform.defs.tables import key_of
from coin_platform.partitions import Window
from coin_platform.site.evidence import State

HOURLY_TABLES = (*database.TABLES, *raw.TABLES, *processed.TABLES)
DAILY_TABLES = (*curated.TABLES, *serving.TABLES)
LOOK_BACK = timedelta(days=7)  # a day's volatility looks at the closes of the week before it


@dataclass(frozen=True)
class Plan:
    """Hours still to do, and hours asked for that are there already; both ascending."""

    missing: list[datetime]
    present: list[datetime]


def plan_hours(
    instance: dg.DagsterInstance, asked: Sequence[datetime], blocking: Iterable[dg.AssetCheckKey]
) -> Plan:
    """An hour is there when every hourly table has it and passed its blocking checks since."""
    keys = {hour: hour_keys(Window.of_hour(hour))[0] for hour in asked}
    there = set(keys.values())
    for table in HOURLY_TABLES:
        there &= set(newest_events(instance, table, there))
    there &= passed(instance, checks_of(HOURLY_TABLES, blocking), there)
    return Plan(
        missing=[hour for hour in asked if keys[hour] not in there],
        present=[hour for hour in asked if keys[hour] in there],
    )


def plan_days(
    instance: dg.DagsterInstance,
    hours: Sequence[datetime],
    last_day: date,
    blocking: Iterable[dg.AssetCheckKey],
) -> list[date]:
    """Days that these hours reach and that are older than their hours, or failed a check."""
    if not hours:
        return []
    first = min(hours).date()
    last = min(max(hours).date() + LOOK_BACK, last_day)
    span = Window.of_days(first - LOOK_BACK, last)
    processed_at = newest_events(instance, processed.LEDGER, set(hour_keys(span)))
    days = Window.of_days(first, last).days
    keys_of_days = set(day_keys(Window.of_days(first, last)))
    published_at = [newest_events(instance, table, keys_of_days) for table in DAILY_TABLES]
    good = passed(instance, checks_of(DAILY_TABLES, blocking), keys_of_days)
    owed = []
    for day in days:
        own = newest_of(processed_at, Window.of_days(day, day))
        behind = newest_of(processed_at, Window.of_days(day - LOOK_BACK, day))
        [key] = day_keys(Window.of_days(day, day))
        published = min(events.get(key, 0) for events in published_at)
        if own and (published < behind or key not in good):
            owed.append(day)
    return owed


def newest_of(events: Mapping[str, int], window: Window) -> int:
    return max((events.get(key, 0) for key in hour_keys(window)), default=0)


def newest_events(
    instance: dg.DagsterInstance, table: Table, partitions: set[str]
) -> Mapping[str, int]:
    """The newest materialization of each of the partitions that has one, as its storage id."""
    return instance.event_log_storage.get_latest_storage_id_by_partition(
        key_of(table), dg.DagsterEventType.ASSET_MATERIALIZATION, partitions
    )


def checks_of(
    tables: Sequence[Table], checks: Iterable[dg.AssetCheckKey]
) -> list[dg.AssetCheckKey]:
    """Those of the checks that look at one of the tables."""
    keys = {key_of(table) for table in tables}
    return [check for check in checks if check.asset_key in keys]


def passed(
    instance: dg.DagsterInstance, checks: Sequence[dg.AssetCheckKey], partitions: set[str]
) -> set[str]:
    """Partitions of which every check passed, and looked at what is there now."""
    good = set(partitions)
    for states in check_states(instance, checks, sorted(partitions)).values():
        good &= states[State.PASSED]
    return good
