"""SIGKILL at random moments while a writer works: nothing may be lost, nothing doubled."""

import os
import random
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from coin_platform.resources.replication.assessment import next_start_type
from coin_platform_tests.integration.replication_support import TaskUnderTest, wait_until

KILLS = 32
ROWS_LOADED = 10_000
KEYS = 400


def write(database, stop, seed):
    """Random inserts, updates, deletes and key changes, in transactions of random size."""
    chance = random.Random(seed)
    with database.connect() as connection:
        while not stop.is_set():
            with connection.transaction():
                for _ in range(chance.choice([1, 1, 5, 200])):
                    key, other = (seed * 1_000_000 + chance.randrange(KEYS) for _ in "ab")
                    connection.execute(*change(chance, key, other))
            time.sleep(chance.choice([0, 0.005, 0.05]))


def change(chance, key, other):
    value = str(chance.random())
    return chance.choice(
        [
            ("INSERT INTO market.t VALUES (%s, %s) ON CONFLICT DO NOTHING", (key, value)),
            ("UPDATE market.t SET v = %s WHERE id = %s", (value, key)),
            ("DELETE FROM market.t WHERE id = %s", (key,)),
            (
                "UPDATE market.t SET id = %s WHERE id = %s "
                "AND NOT EXISTS (SELECT FROM market.t WHERE id = %s)",
                (other, key, other),
            ),
        ]
    )


def kill(task, dead, in_stream, after):
    """Kill the worker so many seconds after it came to life, or after its load was complete."""

    def alive():
        pid = task._folder.worker_pid()
        return pid if pid != dead else None

    pid = wait_until(alive)
    if in_stream:
        task.loaded()
    time.sleep(after)
    os.kill(pid, signal.SIGKILL)


@pytest.mark.slow
def test_after_kills_at_random_points_raw_replayed_equals_the_table(empty_postgres, tmp_path):
    with empty_postgres.connect(autocommit=True) as connection:
        connection.execute("CREATE SCHEMA market")
        connection.execute("CREATE TABLE market.t (id bigint PRIMARY KEY, v text)")
        connection.execute(
            "INSERT INTO market.t SELECT -n, n::text FROM generate_series(1, %s) n", [ROWS_LOADED]
        )
    task = TaskUnderTest(tmp_path, empty_postgres.endpoint.parameters)
    stop = threading.Event()
    writers = [threading.Thread(target=write, args=(empty_postgres, stop, n)) for n in (1, 2)]
    for writer in writers:
        writer.start()
    try:
        seed = random.randrange(2**32)
        kill_again_and_again(task, random.Random(seed))
    finally:
        stop.set()
        for writer in writers:
            writer.join()
    try:
        task.start(next_start_type(task.describe()))
        task.loaded()
        with empty_postgres.connect(autocommit=True) as connection:
            table = connection.execute("SELECT id, v FROM market.t").fetchall()
            caught_up = (
                "SELECT confirmed_flush_lsn >= %s::pg_lsn FROM pg_replication_slots "
                "WHERE database = current_database()"
            )
            end = connection.execute("SELECT pg_current_wal_flush_lsn()").fetchone()
            wait_until(lambda: connection.execute(caught_up, end).fetchone() == (True,))

        assert task.replayed("t") == {key: {"id": key, "v": value} for key, value in table}, seed
        assert len(task.changes("t")) > KILLS
    finally:
        task.stop()


def kill_again_and_again(task, chance):
    """Start the task and kill its worker, early and late, again and again."""
    with ThreadPoolExecutor() as threads:
        for n in range(KILLS):
            dead, after = task._folder.worker_pid(), chance.uniform(0, 0.6)
            killed = threads.submit(kill, task, dead, n % 2 == 1, after)
            task.start(next_start_type(task.describe()))
            killed.result()
            wait_until(lambda: task.describe().status == "failed", task.describe)
            assert "died" in task.describe().last_failure_message
