"""What Dagster has recorded of the checks of what the page shows."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

import dagster as dg
from dagster._core.event_api import PartitionKeyFilter

from coin_platform.check_states import States, check_states
from coin_platform.contracts import curated, processed
from coin_platform.defs.checks import newest_records
from coin_platform.defs.curated import checks as curated_checks
from coin_platform.defs.database import checks as database_checks
from coin_platform.defs.partitions import day_keys, hour_keys
from coin_platform.defs.processed import checks as processed_checks
from coin_platform.defs.processed import statistics
from coin_platform.defs.raw import checks as raw_checks
from coin_platform.defs.tables import key_of
from coin_platform.partitions import Window, floor_day
from coin_platform.site.evidence import Evidence, Judged, State, Tally
from coin_platform.site.shown import Shown

TALLY_DAYS = 7
LOOKS = 3
MOST_FAILURES = 20  # that are shown with what they said

SPECS = [
    spec
    for check in (
        *database_checks.CHECKS,
        *raw_checks.CHECKS,
        *processed_checks.CHECKS,
        *statistics.CHECKS,
        *curated_checks.CHECKS,
    )
    for spec in check.check_specs
]
CURATED = {key_of(table) for table in curated.TABLES}
PROCESSED = {key_of(table) for table in processed.TABLES}


def evidence(instance: dg.DagsterInstance, shown: Shown, now: datetime) -> Evidence:
    """The blocking checks of what is shown that have not passed, and all checks of a week.

    The week ends with the present, or a week after the newest shown day of an old history: hours
    that are not shown, since they failed, are in it.
    """
    open_checks = [
        *judged(instance, blocking(PROCESSED), partitions_of_hours(shown.hours)),
        *judged(instance, blocking(CURATED), [f"{day:%Y-%m-%d}" for day in shown.days]),
    ]
    newest = shown.window.end
    end = max(newest, min(floor_day(now) + timedelta(days=1), newest + timedelta(days=TALLY_DAYS)))
    week = Window(end - timedelta(days=TALLY_DAYS), end)
    everything = [spec.key for spec in SPECS]
    states = check_states(instance, everything, [*hour_keys(week), *day_keys(week)])
    return Evidence(
        unsettled=tuple(with_words(instance, open_checks)),
        tallies=tuple(tallies(states)),
        failures=tuple(with_words(instance, failures(states))),
        tally_days=TALLY_DAYS,
    )


def blocking(assets: set[dg.AssetKey]) -> list[dg.AssetCheckKey]:
    return [spec.key for spec in SPECS if spec.blocking and spec.asset_key in assets]


def partitions_of_hours(hours: Sequence[datetime]) -> list[str]:
    return [key for hour in hours for key in hour_keys(Window.of_hour(hour))]


def judged(
    instance: dg.DagsterInstance, checks: Sequence[dg.AssetCheckKey], partitions: Sequence[str]
) -> list[Judged]:
    """The checks of the partitions that have not passed.

    A run may record its checks and end between the two questions, what the checks say and whether
    the run has ended: it then looks as if it had ended without them, so both are asked again.
    """
    found: list[Judged] = []
    for _ in range(LOOKS):
        found = list(unsettled(instance, checks, partitions))
        if not any(one.state in (State.STALE, State.NEVER) for one in found):
            break
    return found


def unsettled(
    instance: dg.DagsterInstance, checks: Sequence[dg.AssetCheckKey], partitions: Sequence[str]
) -> Iterator[Judged]:
    """As `judged`, by one look."""
    states = check_states(instance, checks, partitions)
    pending: dict[tuple[dg.AssetKey, str], bool] = {}
    for check in checks:
        by_partition = {
            partition: state for state, found in states[check].items() for partition in found
        }
        for partition in partitions:
            state = by_partition.get(partition, State.NEVER)
            if state in (State.STALE, State.NEVER):
                of = (check.asset_key, partition)
                if of not in pending:
                    pending[of] = is_being_written(instance, *of)
                state = State.PENDING if pending[of] else state
            if state is not State.PASSED:
                yield Judged(id_of(check), check.name, partition, state)


def is_being_written(instance: dg.DagsterInstance, asset: dg.AssetKey, partition: str) -> bool:
    """Whether the run that wrote the partition last has not ended: its checks come after it."""
    record = newest_records(instance, asset, [partition]).get(partition)
    run = instance.get_run_by_id(record.run_id) if record else None
    return run is not None and not run.is_finished


def failures(states: States) -> list[Judged]:
    """The newest checks that failed, newest partition first."""
    failed = [
        Judged(id_of(check), check.name, partition, State.FAILED)
        for check, found in states.items()
        for partition in found[State.FAILED]
    ]
    failed.sort(key=lambda one: (one.partition, one.table, one.check), reverse=True)
    return failed[:MOST_FAILURES]


def tallies(states: States) -> Iterator[Tally]:
    """How many partitions of each check passed and failed, in the order of the data's way."""
    for spec in SPECS:
        found = states[spec.key]
        passed, failed, others = (
            len(found[state]) for state in (State.PASSED, State.FAILED, State.STALE)
        )
        if passed + failed + others:
            yield Tally(id_of(spec.key), spec.name, bool(spec.blocking), passed, failed, others)


def with_words(instance: dg.DagsterInstance, found: Sequence[Judged]) -> Iterator[Judged]:
    """The same, the first failures with what the check said."""
    for number, one in enumerate(found):
        if one.state is not State.FAILED or number >= MOST_FAILURES:
            yield one
            continue
        key = dg.AssetCheckKey(dg.AssetKey(one.table.split("/")), one.check)
        records = instance.event_log_storage.get_asset_check_execution_history(
            key, limit=1, partition_filter=PartitionKeyFilter(key=one.partition)
        )
        event = records[0].event.dagster_event if records and records[0].event else None
        said = event.asset_check_evaluation_data.description if event else None
        yield Judged(one.table, one.check, one.partition, one.state, said or "")


def id_of(check: dg.AssetCheckKey) -> str:
    return "/".join(check.asset_key.path)
