"""How checks of partitions stand, by one question: what Dagster answers by many."""

import uuid
from concurrent.futures import ThreadPoolExecutor

import dagster as dg
import pytest
from dagster._core.storage.asset_check_execution_record import (
    AssetCheckExecutionRecordStatus as Status,
)
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from coin_platform.check_states import check_states
from coin_platform.event_log import EventLog
from coin_platform.site.evidence import State

ASSETS = [dg.AssetKey(["processed", name]) for name in ("quotes", "coins")]
KEYS = [dg.AssetCheckKey(asset, name) for asset in ASSETS for name in ("first", "second")]
PARTITIONS = ["2026-01-01", "2026-01-02", "2026-01-03"]
CHECKED = text(
    "INSERT INTO asset_check_executions (asset_key, check_name, partition, run_id, "
    "execution_status, evaluation_event_storage_id, materialization_event_storage_id) "
    "VALUES (:asset, :name, :partition, :run, :status, 1, :target)"
)

asset, key, partition = (st.sampled_from(values) for values in (ASSETS, KEYS, PARTITIONS))
made = st.tuples(st.just("made"), asset, partition)
checked = st.tuples(st.just("checked"), key, partition, st.booleans(), st.booleans())
wiped = st.tuples(st.just("wiped"), asset)


@pytest.fixture(scope="module")
def log(instance: dg.DagsterInstance) -> dg.DagsterInstance:
    assert isinstance(instance.event_log_storage, EventLog)
    return instance


DAY = PARTITIONS[0]
WRITTEN_OVER = [
    ("made", ASSETS[0], DAY),
    ("checked", KEYS[0], DAY, True, True),
    ("made", ASSETS[0], DAY),
]
CHECKED_AGAIN = [*WRITTEN_OVER, ("checked", KEYS[0], DAY, False, True)]
WIPED = [*CHECKED_AGAIN, ("wiped", ASSETS[0]), ("checked", KEYS[0], DAY, True, False)]


@given(
    happened=st.lists(st.one_of(made, checked, checked, wiped), min_size=5, max_size=25),
    asked=st.lists(key, unique=True),
    partitions=st.lists(partition, unique=True),
)
@example(WRITTEN_OVER[:0], KEYS, PARTITIONS)
@example(WRITTEN_OVER[1:2], KEYS, PARTITIONS)
@example(WRITTEN_OVER, KEYS, PARTITIONS)
@example(CHECKED_AGAIN, KEYS, PARTITIONS)
@example(WIPED, KEYS, PARTITIONS)
@settings(max_examples=40)
def test_the_answer_is_dagsters(log, happened, asked, partitions):
    forget(log)
    for what, *of in happened:
        {"made": materialize, "checked": evaluate, "wiped": wipe}[what](log, *of)
    ours = check_states(log, asked, partitions)
    theirs = {
        (info.check_key, info.partition_key): (info.latest_execution_status, info.is_current)
        for info in log.event_log_storage.get_asset_check_partition_info(
            asked, partition_keys=partitions
        )
    }
    assert list(ours) == asked
    found = [
        ((check, partition), state)
        for check, states in ours.items()
        for state, of_state in states.items()
        for partition in of_state
    ]
    assert dict(found).keys() == theirs.keys()
    assert len(found) == len(theirs)
    for key, state in found:
        assert state is expected(*theirs[key])


def expected(status, current):
    if status is Status.SUCCEEDED and current:
        return State.PASSED
    return State.FAILED if status is Status.FAILED and current else State.STALE


def test_planned_checks_are_no_results(log):
    """A row of a check that was planned by an older Dagster has no event of its own."""
    forget(log)
    evaluate(log, KEYS[0], PARTITIONS[0], passed=True, of_the_newest=True)
    with log.event_log_storage.index_connection() as connection:
        connection.execute(
            text(
                "INSERT INTO asset_check_executions (asset_key, check_name, partition, run_id, "
                "execution_status) SELECT asset_key, check_name, partition, 'r', 'PLANNED' "
                "FROM asset_check_executions"
            )
        )
    states = check_states(log, KEYS, PARTITIONS)
    assert states[KEYS[0]] == {State.PASSED: {PARTITIONS[0]}}


def test_records_kept_elsewhere_say_the_same():
    with dg.DagsterInstance.ephemeral() as instance:
        for partition, passed in zip(PARTITIONS, (True, False, True), strict=True):
            instance.report_runless_asset_event(
                dg.AssetCheckEvaluation(
                    asset_key=ASSETS[0],
                    check_name=KEYS[0].name,
                    passed=passed,
                    partition=partition,
                )
            )
        materialize(instance, ASSETS[0], PARTITIONS[2])
        assert check_states(instance, KEYS[:1], PARTITIONS) == {
            KEYS[0]: {
                State.PASSED: {PARTITIONS[0]},
                State.FAILED: {PARTITIONS[1]},
                State.STALE: {PARTITIONS[2]},
            }
        }


def test_an_older_home_gets_the_index_that_the_question_needs(log):
    storage = log.event_log_storage

    def has_index():
        with storage.index_connection() as connection:
            found = text("SELECT to_regclass('coin_platform_check_states') IS NOT NULL")
            return connection.execute(found).scalar_one()

    assert has_index()
    with storage.index_connection() as connection:
        connection.execute(text("DROP INDEX coin_platform_check_states"))
    with ThreadPoolExecutor(4) as pool:  # as the daemon and the webserver start together
        list(pool.map(EventLog, [storage.postgres_url] * 4))
    assert has_index()


def forget(instance):
    with instance.event_log_storage.index_connection() as connection:
        for table in ("event_logs", "asset_check_executions", "asset_keys", "asset_event_tags"):
            connection.execute(text(f"DELETE FROM {table}"))


def materialize(instance, asset, partition):
    instance.report_runless_asset_event(dg.AssetMaterialization(asset, partition=partition))


def evaluate(instance, key, partition, passed, of_the_newest):
    """A row as Dagster writes it for the check of a run of its own."""
    record = instance.fetch_materializations(
        dg.AssetRecordsFilter(asset_key=key.asset_key, asset_partitions=[partition]), limit=1
    ).records
    row = {
        "asset": key.asset_key.to_string(),
        "name": key.name,
        "partition": partition,
        "run": str(uuid.uuid4()),
        "status": "SUCCEEDED" if passed else "FAILED",
        "target": record[0].storage_id if record and of_the_newest else None,
    }
    with instance.event_log_storage.index_connection() as connection:
        connection.execute(CHECKED, row)


def wipe(instance, asset):
    instance.wipe_assets([asset])
