"""What a run owes: the hours asked for that are not there yet, and the days that are behind."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import dagster as dg
from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecordStatus

from coin_platform.contracts import curated, database, processed, raw
from coin_platform.contracts.model import Table
from coin_platform.defs.partitions import day_keys, hour_keys
from coin_platform.defs.tables import key_of
from coin_platform.partitions import Window

HOURLY_TABLES = (*database.TABLES, *raw.TABLES, *processed.TABLES)
LOOK_BACK = timedelta(days=7)  # a day's volatility looks at the closes of the week before it


@dataclass(frozen=True)
class Plan:
    """Hours still to do, and hours asked for that are there already; both ascending."""

    missing: list[datetime]
    present: list[datetime]


def plan_hours(
    instance: dg.DagsterInstance, asked: Sequence[datetime], blocking: Iterable[dg.AssetCheckKey]
) -> Plan:
    """An hour is there when every hourly table has it and its last blocking checks did not fail."""
    keys = {hour: hour_keys(Window.of_hour(hour))[0] for hour in asked}
    wanted = set(keys.values())
    there = set(wanted)
    for table in HOURLY_TABLES:
        there &= set(newest_events(instance, table, wanted))
    there -= failed_partitions(instance, blocking)
    return Plan(
        missing=[hour for hour in asked if keys[hour] not in there],
        present=[hour for hour in asked if keys[hour] in there],
    )


def plan_days(
    instance: dg.DagsterInstance, hours: Sequence[datetime], last_day: date
) -> list[date]:
    """Days that a change of these hours reaches and whose tables are older than their hours."""
    if not hours:
        return []
    first = min(hours).date()
    last = min(max(hours).date() + LOOK_BACK, last_day)
    span = Window.of_days(first - LOOK_BACK, last)
    processed_at = newest_events(instance, processed.COIN_QUOTES, set(hour_keys(span)))
    days = Window.of_days(first, last).days
    published_at = [
        newest_events(instance, table, set(day_keys(Window.of_days(first, last))))
        for table in curated.TABLES
    ]
    owed = []
    for day in days:
        own = newest_of(processed_at, Window.of_days(day, day))
        behind = newest_of(processed_at, Window.of_days(day - LOOK_BACK, day))
        [key] = day_keys(Window.of_days(day, day))
        published = min(events.get(key, 0) for events in published_at)
        if own and published < behind:
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


def failed_partitions(
    instance: dg.DagsterInstance, checks: Iterable[dg.AssetCheckKey]
) -> set[str | None]:
    """Partitions of which one of the checks failed when it last ran."""
    infos = instance.event_log_storage.get_asset_check_partition_info(list(checks))
    return {
        info.partition_key
        for info in infos
        if info.latest_execution_status == AssetCheckExecutionRecordStatus.FAILED
    }
