"""Watches the replication task from outside and asks for the hours that arrived.

It sees what no run waited for: changes the task delivers by itself, a load started in a console, a
run that died. A tick makes one bounded look at the task, at the names of new files and at the
newest events; what to do is decided by `decide`, a pure function.
"""

import json
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime

import dagster as dg

from coin_platform.contracts import database, raw
from coin_platform.defs.automation import PROCESS_HOUR
from coin_platform.defs.partitions import HOURS, hour_keys
from coin_platform.defs.raw.assets import VERSION
from coin_platform.defs.tables import key_of
from coin_platform.delivery import MAPPED_TABLES, versions
from coin_platform.errors import PermanentError, TransientError
from coin_platform.partitions import Window
from coin_platform.resources.lake import Lake, RawFile
from coin_platform.resources.replication.assessment import assess
from coin_platform.resources.replication.interface import Replication, Task

FILES_PER_TICK = 50
EVENTS_PER_TICK = 200
REQUESTS_PER_TICK = 48

PARTITION = "dagster/partition"
RANGE_START = "dagster/asset_partition_range_start"
RANGE_END = "dagster/asset_partition_range_end"
UNFINISHED = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]

VERSION_COLUMNS = ("snapshot_hour", "loaded_at", "commit_timestamp")
DATABASE_KEY = key_of(database.COIN_QUOTES)
RAW_KEY = key_of(raw.COIN_QUOTES)


@dataclass(frozen=True)
class Cursor:
    """How far the sensor has looked: the newest file name, load and database event it has seen.

    `pending` holds hours, by partition key with their versions, that did not fit into a tick.
    """

    file: str = ""
    load: str = ""
    event: int = 0
    pending: dict[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, text: str | None) -> "Cursor":
        return cls(**json.loads(text)) if text else cls()

    def write(self) -> str:
        return json.dumps(asdict(self), sort_keys=True)


@dataclass(frozen=True)
class Decision:
    """Hours to ask for, by partition key with the version asked for, and why there are none.

    `pending` are hours that arrived, `postponed` events of the database, to be asked for later.
    """

    requests: dict[str, str]
    pending: dict[str, str]
    postponed: list[int]
    reason: str


def decide(
    task: Task,
    arrived: Mapping[str, str],
    loaded: Mapping[str, int],
    recorded: Mapping[str, str],
    busy: Container[str] = (),
) -> Decision:
    """Which hours to ask for now; all mappings are by partition key.

    `arrived` gives the version of each hour that new files hold, `recorded` the version each of
    these was last materialized with, `loaded` the event by which the database got an hour that
    raw was not materialized for since. A task that does not run will not bring those by itself, so
    they are asked for too: materializing raw starts it. Hours that a run is `busy` with wait for
    the next tick, when that run may have recorded them.
    """
    wanted = {hour: at for hour, at in arrived.items() if at > recorded.get(hour, "")}
    unbrought = {}
    if task.status in ("ready", "stopped", "failed"):
        unbrought = {hour: event for hour, event in loaded.items() if hour not in wanted}
    versions = wanted | {hour: f"database event {event}" for hour, event in unbrought.items()}
    free = [hour for hour in sorted(versions) if hour not in busy]
    now = {hour: versions[hour] for hour in free[:REQUESTS_PER_TICK]}
    later = {hour: at for hour, at in wanted.items() if hour not in now}
    postponed = sorted(event for hour, event in unbrought.items() if hour not in now)
    if now:
        reason = ""
    elif later or postponed:
        reason = f"runs are busy with the {len(later) + len(postponed)} hours to ask for"
    elif arrived:
        reason = f"{len(arrived)} hours arrived; all are materialized already"
    else:
        reason = f"task {task.identifier} is {task.status}; nothing new in raw"
    return Decision(now, later, postponed, reason)


@dg.sensor(
    name="replication",
    job=PROCESS_HOUR,
    minimum_interval_seconds=15,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Carries hours that the replication task has delivered to raw and processed.",
)
def replication_sensor(
    context: dg.SensorEvaluationContext,
    replication: dg.ResourceParam[Replication],
    lake: dg.ResourceParam[Lake],
) -> dg.SensorResult | dg.SkipReason:
    """Look once; what may pass by itself, as throttling does, is left to the next tick."""
    try:
        return look(context, replication, lake)
    except TransientError as error:
        return dg.SkipReason(f"not seen, the next tick looks again: {error}")


def look(
    context: dg.SensorEvaluationContext, replication: Replication, lake: Lake
) -> dg.SensorResult:
    """Look at the task, the new files and the new events, once each, and decide."""
    cursor = Cursor.read(context.cursor)
    task = replication.describe()
    events = new_hours_in_database(context.instance, cursor.event)
    unreplicated = hours_not_in_raw_since(context.instance, events)
    assessment = assess(task, replication.table_statistics(), MAPPED_TABLES, None)
    was_stopped = task.stop_reason == "Stop Reason NORMAL"  # by somebody, not by a fault
    if assessment.verdict == "failed" and not was_stopped and not unreplicated:
        raise PermanentError(f"replication task {task.identifier}: {assessment.reason}")

    changes = lake.raw_files(raw.COIN_QUOTES, after=cursor.file)[:FILES_PER_TICK]
    load = f"{task.started_at} {task.tables_loaded}"
    loads = lake.load_files(raw.COIN_QUOTES) if load != cursor.load else []
    arrived = cursor.pending | by_partition(versions_in(lake, [*loads, *changes]))
    recorded = recorded_versions(context.instance, arrived)
    decision = decide(task, arrived, unreplicated, recorded, hours_in_runs(context.instance))
    return dg.SensorResult(
        run_requests=[
            dg.RunRequest(partition_key=hour, run_key=f"{hour} {version}")
            for hour, version in decision.requests.items()
        ],
        skip_reason=decision.reason or None,
        cursor=Cursor(
            file=changes[-1].name if changes else cursor.file,
            load=load,
            event=min(decision.postponed, default=max(events, default=cursor.event) + 1) - 1,
            pending=decision.pending,
        ).write(),
    )


def versions_in(lake: Lake, files: Sequence[RawFile]) -> dict[datetime, str]:
    """The version of each hour that these files hold; a part of a file in memory at a time."""
    newest: dict[datetime, str] = {}
    for part in lake.raw_parts(raw.COIN_QUOTES, files, VERSION_COLUMNS):
        for hour, version in versions(part.to_pandas()).items():
            newest[hour] = max(version, newest.get(hour, ""))
    return newest


def by_partition(by_hour: Mapping[datetime, str]) -> dict[str, str]:
    """The same by partition key, without hours before the grid starts."""
    start = HOURS.start
    return {
        hour_keys(Window.of_hour(hour))[0]: version
        for hour, version in by_hour.items()
        if hour >= start
    }


def new_hours_in_database(instance: dg.DagsterInstance, after: int) -> dict[int, str]:
    """Hours materialized in the database after an event, by storage id, oldest first."""
    records = instance.fetch_materializations(
        dg.AssetRecordsFilter(DATABASE_KEY, after_storage_id=after),
        limit=EVENTS_PER_TICK,
        ascending=True,
    ).records
    return {record.storage_id: record.partition_key for record in records if record.partition_key}


def latest_in_raw(instance: dg.DagsterInstance, hours: Sequence[str]) -> list[dg.EventLogRecord]:
    """The newest materialization of raw for each of the hours that has one."""
    if not hours:
        return []
    records = instance.fetch_materializations(
        dg.AssetRecordsFilter(RAW_KEY, asset_partitions=list(hours)), limit=4 * len(hours)
    ).records
    newest: dict[str, dg.EventLogRecord] = {}
    for record in records:
        if record.partition_key:
            newest.setdefault(record.partition_key, record)
    return list(newest.values())


def hours_not_in_raw_since(
    instance: dg.DagsterInstance, events: Mapping[int, str]
) -> dict[str, int]:
    """The newest event of each of these hours, where raw was not materialized for it since."""
    newest = {hour: event for event, hour in events.items()}
    for record in latest_in_raw(instance, list(newest)):
        hour = record.partition_key
        if hour and record.storage_id > newest[hour]:
            del newest[hour]
    return newest


class HoursInRuns:
    """The hours that unfinished runs work on."""

    def __init__(self, ranges: Iterable[tuple[str, str]]) -> None:
        # Runs of days have tags of the same name.
        self._ranges = [(first, last) for first, last in ranges if "-" in first[10:]]

    def __contains__(self, hour: object) -> bool:
        return any(first <= str(hour) <= last for first, last in self._ranges)


def hours_in_runs(instance: dg.DagsterInstance) -> HoursInRuns:
    """Read from the partition tags of the unfinished runs."""
    runs = instance.get_runs(dg.RunsFilter(statuses=UNFINISHED), limit=EVENTS_PER_TICK)
    ranges = (
        (
            run.tags.get(RANGE_START) or run.tags.get(PARTITION),
            run.tags.get(RANGE_END) or run.tags.get(PARTITION),
        )
        for run in runs
    )
    return HoursInRuns((first, last) for first, last in ranges if first and last)


def recorded_versions(instance: dg.DagsterInstance, hours: Iterable[str]) -> dict[str, str]:
    """The version that raw was last materialized with, by hour."""
    versions_by_hour = {}
    for record in latest_in_raw(instance, list(hours)):
        materialization = record.asset_materialization
        if materialization and record.partition_key and VERSION in materialization.metadata:
            versions_by_hour[record.partition_key] = str(materialization.metadata[VERSION].value)
    return versions_by_hour
