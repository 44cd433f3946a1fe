"""The local task as an operator sees it: its types, its states, its starts and ends."""

import os
import signal
from concurrent.futures import ThreadPoolExecutor

import pytest

from coin_platform.contracts import raw
from coin_platform.errors import PermanentError
from coin_platform.resources.replication.assessment import assess, next_start_type
from coin_platform_tests.integration.replication_support import (
    TaskUnderTest,
    started,
    wait_until,
)

TABLE = "CREATE SCHEMA market; CREATE TABLE market.t (id bigint PRIMARY KEY, name text)"


@pytest.fixture
def database(empty_postgres):
    with empty_postgres.connect(autocommit=True) as connection:
        connection.execute(TABLE)
        connection.execute("INSERT INTO market.t VALUES (1, 'a'), (2, NULL)")
    return empty_postgres


@pytest.fixture
def sql(database):
    with database.connect(autocommit=True) as connection:
        yield connection.execute


@pytest.fixture
def task(database, tmp_path):
    task = TaskUnderTest(tmp_path, database.endpoint.parameters)
    yield task
    task.stop()


def refuse_to_replicate():
    message = "the database was asked"
    raise AssertionError(message)


def test_a_new_task_is_ready_without_asking_the_database(tmp_path):
    task = TaskUnderTest(tmp_path, refuse_to_replicate)

    assert (task.describe().status, task.table_statistics()) == ("ready", [])


@pytest.mark.parametrize("file_format", ["parquet", "csv"])
def test_load_and_changes_together_give_the_table(database, sql, tmp_path, file_format):
    with started(database, tmp_path, file_format=file_format) as task:
        sql("INSERT INTO market.t VALUES (3, 'x,\"y\"')")
        sql("UPDATE market.t SET name = 'A' WHERE id = 1")
        sql("DELETE FROM market.t WHERE id = 2")
        wait_until(lambda: task.statistics("t").deletes)
        wait_until(lambda: len(task.rows("t")) == 5)

        assert task.replayed("t") == {
            1: {"id": 1, "name": "A"},
            3: {"id": 3, "name": 'x,"y"'},
        }
        described = task.describe()
        statistics = task.statistics("t")

    assert (described.status, described.tables_loaded) == ("running", 1)
    assert statistics.full_load_rows == 2
    assert (statistics.inserts, statistics.updates, statistics.deletes) == (1, 1, 1)
    assert {path.suffix for path in task.files("t")} == {f".{file_format}"}
    [staging] = (tmp_path / "lake" / "raw").glob(".*")
    assert list(staging.iterdir()) == []


def test_the_files_of_the_contracted_tables_have_the_contracted_columns(postgres, tmp_path):
    with postgres.connect(autocommit=True) as connection:
        connection.execute(
            "INSERT INTO market.coins (coin_id, snapshot_hour, source, loaded_at) "
            "VALUES (1, '2026-11-22 13:00Z', 'simulated', now())"
        )
        with started(postgres, tmp_path) as task:
            connection.execute("UPDATE market.coins SET name = 'Bitcoin'")
            wait_until(lambda: len(task.files("coins")) == 2)

            for row in task.rows("coins"):
                assert tuple(row) == raw.COINS.column_names
            assert task.files("coin_quotes") == []
            assert task.statistics("coin_quotes").table_state == "Table completed"


def test_a_full_load_ends_by_itself_and_takes_a_reload_next(database, sql, tmp_path):
    with started(database, tmp_path, migration_type="full-load") as task:
        wait_until(lambda: task.describe().status == "stopped")
        described = task.describe()
        assert described.stop_reason == "Stop Reason FULL_LOAD_ONLY_FINISHED"
        assert assess(described, task.table_statistics(), ["t"]).verdict == "done"
        with pytest.raises(PermanentError, match="Start Type : RESUME_PROCESSING, valid only"):
            task.start("resume-processing")

        sql("DELETE FROM market.t WHERE id = 1")
        task.start(next_start_type(described))
        wait_until(lambda: task.describe().status == "stopped")

        assert list(task.replayed("t")) == [2]
        assert sql(
            "SELECT count(*) FROM pg_replication_slots WHERE database = current_database()"
        ).fetchone() == (0,)


def test_change_capture_alone_starts_at_its_start(database, sql, tmp_path):
    with started(database, tmp_path, migration_type="cdc") as task:
        sql("INSERT INTO market.t VALUES (3, 'c')")
        wait_until(lambda: task.files("t"))

        assert task.changes("t", "id") == [("I", 3)]
        assert task.statistics("t").full_load_rows == 0


def test_a_stopped_task_goes_on_after_the_last_delivered_change(task, sql):
    task.start("start-replication")
    task.loaded()
    sql("INSERT INTO market.t VALUES (3, 'c')")
    wait_until(lambda: task.statistics("t").inserts == 1)
    task.stop()
    assert task.describe().status == "stopped"
    assert task.describe().stop_reason == "Stop Reason NORMAL"
    sql("INSERT INTO market.t VALUES (4, 'd')")

    task.start("resume-processing")
    wait_until(lambda: task.statistics("t").inserts == 2)

    assert task.changes("t", "id") == [("I", 3), ("I", 4)]
    assert len(task.files("t")) == 3


def test_a_start_of_the_wrong_type_is_refused_as_dms_refuses_it(task):
    for wrong in ("resume-processing", "reload-target"):
        with pytest.raises(PermanentError, match="InvalidParameterCombinationException"):
            task.start(wrong)
    assert task.describe().status == "ready"
    task.start("start-replication")

    with pytest.raises(PermanentError, match=r"InvalidResourceStateFault.* running"):
        task.start("resume-processing")
    task.stop()
    with pytest.raises(
        PermanentError,
        match="START_REPLICATION, valid only for tasks running for the first time",
    ):
        task.start("start-replication")


def test_of_two_starts_at_once_one_wins_and_the_other_learns_the_state(task, database, tmp_path):
    other = TaskUnderTest(tmp_path, database.endpoint.parameters)

    def start(task):
        try:
            task.start("start-replication")
        except PermanentError as error:
            return str(error)
        return "started"

    with ThreadPoolExecutor() as threads:
        outcomes = sorted(threads.map(start, [task, other]))

    assert outcomes[1] == "started"
    assert "InvalidResourceStateFault" in outcomes[0]
    task.loaded()
    assert len(task.rows("t")) == 2


def test_a_killed_worker_is_seen_as_failed_and_can_be_resumed(task, sql):
    task.start("start-replication")
    task.loaded()
    os.kill(int((task.folder / "lock").read_text()), signal.SIGKILL)
    wait_until(lambda: task.describe().status == "failed")

    described = task.describe()
    assert "died" in described.last_failure_message
    assert (
        "resume-processing goes on after the last delivered change"
        in described.last_failure_message
    )
    assert next_start_type(described) == "resume-processing"
    task.start("resume-processing")
    sql("INSERT INTO market.t VALUES (3, 'c')")
    wait_until(lambda: task.files("t")[1:])
    assert task.describe().last_failure_message is None


def test_stopping_what_does_not_run_does_nothing(task):
    task.stop()
    task.stop()
    assert task.describe().status == "ready"


def test_a_reload_replaces_the_load_and_keeps_the_changes_as_history(task, sql):
    task.start("start-replication")
    task.loaded()
    sql("UPDATE market.t SET name = 'old' WHERE id = 1")
    wait_until(lambda: task.statistics("t").updates)
    task.stop()
    sql("UPDATE market.t SET name = 'new'; DELETE FROM market.t WHERE id = 2")

    task.start("reload-target")
    task.loaded()
    sql("INSERT INTO market.t VALUES (5, 'e')")
    wait_until(lambda: task.statistics("t").inserts)

    assert task.replayed("t") == {1: {"id": 1, "name": "new"}, 5: {"id": 5, "name": "e"}}
    assert task.changes("t", "id") == [("U", 1), ("I", 5)]
    assert task.statistics("t").updates == 0


def test_a_reload_of_a_table_that_is_empty_now_leaves_no_file_of_it(task, sql):
    task.start("start-replication")
    task.loaded()
    sql("UPDATE market.t SET name = 'old'")
    wait_until(lambda: task.statistics("t").updates)
    task.stop()
    sql("DELETE FROM market.t")

    task.start("reload-target")
    task.loaded()

    assert task.files("t") == []


def test_a_schema_without_tables_fails_the_task(empty_postgres, tmp_path):
    task = TaskUnderTest(tmp_path, empty_postgres.endpoint.parameters)

    task.start("start-replication")
    wait_until(lambda: task.describe().status == "failed")

    assert "FailOnNoTablesCaptured" in task.describe().last_failure_message
    assert task.describe().stop_reason == "Stop Reason FATAL_ERROR"


def test_an_unreachable_database_fails_the_task_after_a_while_and_names_no_password(tmp_path):
    nowhere = {"host": "127.0.0.1", "port": 1, "user": "u", "dbname": "d", "password": "s3cret"}
    task = TaskUnderTest(tmp_path, lambda: nowhere)
    task._options = {"retry_seconds": 0.2}

    task.start("start-replication")
    wait_until(lambda: task.describe().status == "failed")

    assert "once PostgreSQL answers" in task.describe().last_failure_message
    assert not any("s3cret" in path.read_text() for path in task.folder.iterdir())


def test_a_task_waiting_for_the_database_stops_at_once(tmp_path):
    nowhere = {"host": "127.0.0.1", "port": 1, "user": "u", "dbname": "d"}
    task = TaskUnderTest(tmp_path, lambda: nowhere)
    with ThreadPoolExecutor() as threads:
        start = threads.submit(task.start, "start-replication")
        wait_until(lambda: task.describe().status == "starting")
        task.stop()
        start.result()

    assert task.describe().status in ("stopped", "failed")


def test_another_migration_type_makes_a_new_task(database, tmp_path):
    with started(database, tmp_path, migration_type="full-load") as task:
        wait_until(lambda: task.describe().status == "stopped")

    with started(database, tmp_path, migration_type="full-load-and-cdc") as task:
        assert task.describe().migration_type == "full-load-and-cdc"
        assert len(task.rows("t")) == 2


def test_the_worker_goes_on_when_its_session_is_ended(task, sql):
    task.start("start-replication")
    task.loaded()
    sql(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE application_name = 'coin_platform replication' AND datname = current_database()"
    )
    sql("INSERT INTO market.t VALUES (3, 'c')")

    wait_until(lambda: task.statistics("t").inserts)

    assert task.changes("t", "id") == [("I", 3)]
