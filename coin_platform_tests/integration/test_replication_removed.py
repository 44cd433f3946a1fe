"""A home removed under a living worker: it ends, and leaves alone what takes the home's place."""

import os
import shutil
import signal
from functools import partial
from pathlib import Path

import pytest

from coin_platform.resources.replication.assessment import next_start_type
from coin_platform_tests.integration.replication_support import TaskUnderTest, wait_until

TIMES = 4


@pytest.fixture
def database(empty_postgres):
    with empty_postgres.connect(autocommit=True) as connection:
        connection.execute("CREATE SCHEMA market")
        connection.execute("CREATE TABLE market.t (id bigint PRIMARY KEY, name text)")
        connection.execute("INSERT INTO market.t VALUES (0, 'a')")
    return empty_postgres


@pytest.fixture
def sql(database):
    with database.connect(autocommit=True) as connection:
        yield connection.execute


@pytest.fixture
def task(database, tmp_path):
    task = TaskUnderTest(tmp_path / "home", database.endpoint.parameters)
    task.start("start-replication")
    task.loaded()
    yield task
    task.stop()


def remove(folder):
    # What the worker writes in between makes a removal fail, and an operator repeat it.
    while folder.exists():
        shutil.rmtree(folder, ignore_errors=True)


def gone(pid):
    return not Path(f"/proc/{pid}").exists()


def test_a_worker_whose_home_was_removed_ends_and_leaves_the_new_one_alone(task, sql):
    for n in range(1, TIMES + 1):
        old_worker = task._folder.worker_pid()
        sql("INSERT INTO market.t VALUES (%s, 'b')", [n])  # so that it is busy
        remove(task.home / "replication")
        remove(task.home / "lake")

        task.start("start-replication")
        task.loaded()
        sql("UPDATE market.t SET name = 'c' WHERE id = %s", [n])

        wait_until(lambda: task.statistics("t").updates, task.describe)
        assert task.describe().status == "running"
        assert task.replayed("t") == dict(sql("SELECT id, to_jsonb(t) FROM market.t").fetchall())
        assert len(task.rows("t")) == n + 2
        wait_until(partial(gone, old_worker))


def files_of(home):
    """Each file and which one it is; but the journal, which the new worker goes on writing."""
    return {path: path.stat().st_ino for path in home.rglob("*.*") if path.stem != "journal"}


def test_a_worker_that_wakes_in_a_replaced_home_writes_nothing_into_it(task, sql):
    old_worker = task._folder.worker_pid()
    os.kill(old_worker, signal.SIGSTOP)
    sql("INSERT INTO market.t VALUES (1, 'b')")  # which it would deliver
    remove(task.home / "replication")
    remove(task.home / "lake")
    task.start("start-replication")
    task.loaded()
    before = files_of(task.home)

    os.kill(old_worker, signal.SIGCONT)
    wait_until(partial(gone, old_worker))

    assert files_of(task.home) == before
    assert task._journal().slot == task._state().slot
    assert [row["id"] for row in task.rows("t")] == [0, 1]


def test_the_slot_of_a_removed_task_goes_with_its_worker(task, sql):
    old_worker = task._folder.worker_pid()
    remove(task.home / "replication")

    wait_until(partial(gone, old_worker))

    slots = "SELECT count(*) FROM pg_replication_slots WHERE database = current_database()"
    assert sql(slots).fetchone() == (0,)
    assert not list((task.home / "lake" / "raw").glob(".*"))


def test_a_home_that_was_moved_goes_on_at_its_new_place(task, sql, tmp_path):
    old_worker = task._folder.worker_pid()
    moved = TaskUnderTest(task.home.rename(tmp_path / "moved"), task.connection)
    wait_until(partial(gone, old_worker))
    sql("INSERT INTO market.t VALUES (1, 'b')")

    moved.start("resume-processing")
    try:
        wait_until(lambda: moved.statistics("t").inserts, moved.describe)
        assert sorted(moved.replayed("t")) == [0, 1]
        assert not task.home.exists()
    finally:
        moved.stop()


def test_a_lake_removed_under_its_worker_fails_the_task_and_a_reload_brings_it_back(task):
    remove(task.home / "lake")
    wait_until(lambda: task.describe().status == "failed")

    assert "somebody emptied the lake" in task.describe().last_failure_message
    assert str(task.home / "lake") in task.describe().last_failure_message
    task.start(next_start_type(task.describe()))
    task.loaded()

    assert sorted(task.replayed("t")) == [0]


def test_a_lake_emptied_under_its_worker_is_loaded_anew_at_the_next_start(task, sql):
    remove(task.home / "lake" / "raw")
    sql("INSERT INTO market.t VALUES (1, 'b')")
    wait_until(lambda: task.describe().status == "failed")

    task.start(next_start_type(task.describe()))
    task.loaded()

    assert sorted(task.replayed("t")) == [0, 1]
