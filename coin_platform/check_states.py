"""How checks of partitions stand, by one question of Dagster's records.

Dagster's own answer takes two questions for each check and brings a record of every partition: for
the checks of a page of two months, half a second of each hour. Here PostgreSQL compares, and gives
the partitions by check and state.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import dagster as dg
from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecordStatus

from coin_platform.site.evidence import State

if TYPE_CHECKING:
    from dagster._core.storage.event_log import EventLogStorage
    from dagster_postgres.event_log import PostgresEventLogStorage

# The partitions of each check by state; of a state that none has, the set is empty.
States = Mapping[dg.AssetCheckKey, Mapping[State, set[str]]]
Row = tuple[dg.AssetCheckKey, str, bool, Sequence[str]]

# Dagster's indexes have the run or the materialization before the partition, and the rows are wide:
# without one of our own a growing part of the table is read. Asked for at each start, made once.
INDEX = """
DO $$ BEGIN
    IF to_regclass('asset_check_executions') IS NOT NULL
            AND to_regclass('coin_platform_check_states') IS NULL THEN
        PERFORM pg_advisory_xact_lock(hashtext('coin_platform_check_states'));
        CREATE INDEX IF NOT EXISTS coin_platform_check_states ON asset_check_executions
            (asset_key, check_name, partition, id DESC) INCLUDE (execution_status,
            evaluation_event_storage_id, materialization_event_storage_id);
    END IF;
END $$
"""
# Of a wiped asset what was materialized before does not count, though its events are there.
QUESTION = """
WITH newest AS (
    SELECT DISTINCT ON (asset_key, check_name, partition)
           asset_key, check_name, partition, execution_status,
           materialization_event_storage_id AS looked_at
    FROM asset_check_executions
    WHERE partition = ANY(:partitions) AND asset_key = ANY(:assets) AND check_name = ANY(:names)
      AND evaluation_event_storage_id IS NOT NULL
    ORDER BY asset_key, check_name, partition, id DESC),
wiped AS (
    SELECT asset_key, CAST(asset_details AS json) ->> 'last_wipe_timestamp' AS seconds
    FROM asset_keys WHERE asset_key = ANY(:assets)),
made AS (
    SELECT asset_key, partition, max(id) AS id
    FROM event_logs LEFT JOIN wiped USING (asset_key)
    WHERE dagster_event_type = :materialized
      AND asset_key = ANY(:assets) AND partition = ANY(:partitions)
      AND (seconds IS NULL
           OR timestamp > to_timestamp(CAST(seconds AS double precision)) AT TIME ZONE 'UTC')
    GROUP BY asset_key, partition)
SELECT asset_key, check_name, execution_status,
       made.id IS NULL OR made.id IS NOT DISTINCT FROM looked_at AS current,
       array_agg(partition)
FROM newest LEFT JOIN made USING (asset_key, partition)
GROUP BY asset_key, check_name, execution_status, current
"""


def check_states(
    instance: dg.DagsterInstance, checks: Sequence[dg.AssetCheckKey], partitions: Sequence[str]
) -> States:
    """The partitions by check and state; those that a check never looked at are in none."""
    from dagster_postgres.event_log import PostgresEventLogStorage

    storage = instance.event_log_storage
    if isinstance(storage, PostgresEventLogStorage):
        rows = asked(storage, checks, partitions)
    else:
        rows = told(storage, checks, partitions)
    states: dict[dg.AssetCheckKey, dict[State, set[str]]] = {
        check: defaultdict(set) for check in checks
    }
    for check, status, current, found in rows:
        if check in states:
            states[check][state_of(status, current=current)].update(found)
    return states


def asked(
    storage: "PostgresEventLogStorage",
    checks: Sequence[dg.AssetCheckKey],
    partitions: Sequence[str],
) -> Iterator[Row]:
    """As PostgreSQL finds it: check, status, whether that is of what is there now, partitions."""
    from sqlalchemy import text

    known = {
        "partitions": list(partitions),
        "assets": [check.asset_key.to_string() for check in checks],
        "names": [check.name for check in checks],
        "materialized": dg.DagsterEventType.ASSET_MATERIALIZATION.value,
    }
    with storage.index_connection() as connection:
        rows = connection.execute(text(QUESTION), known).all()
    assets = {check.asset_key.to_string(): check.asset_key for check in checks}
    for asset, name, status, current, found in rows:
        yield dg.AssetCheckKey(assets[asset], name), status, current, found


def told(
    storage: "EventLogStorage", checks: Sequence[dg.AssetCheckKey], partitions: Sequence[str]
) -> Iterator[Row]:
    """As Dagster tells it, where its records are kept elsewhere, as in a test's memory."""
    for info in storage.get_asset_check_partition_info(checks, partition_keys=partitions):
        if info.partition_key is not None:
            status = info.latest_execution_status.value
            yield info.check_key, status, info.is_current, [info.partition_key]


def state_of(status: str, *, current: bool) -> State:
    """A verdict about what has been written over since is none."""
    if not current:
        return State.STALE
    return {
        AssetCheckExecutionRecordStatus.SUCCEEDED.value: State.PASSED,
        AssetCheckExecutionRecordStatus.FAILED.value: State.FAILED,
    }.get(status, State.STALE)
