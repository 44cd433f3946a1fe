"""Odd changes against a real server: each has the outcome that docs/replication.md gives it."""

import pytest

from coin_platform.resources.replication.assessment import assess, next_start_type
from coin_platform_tests.integration.replication_support import (
    TaskUnderTest,
    started,
    wait_until,
)

LARGE = "SELECT string_agg(md5(n::text), '') FROM generate_series(1, 500) n"


@pytest.fixture
def database(empty_postgres):
    with empty_postgres.connect(autocommit=True) as connection:
        connection.execute("CREATE SCHEMA market")
        connection.execute("CREATE TABLE market.t (id bigint PRIMARY KEY, name text)")
        connection.execute("INSERT INTO market.t VALUES (1, 'a'), (2, 'b')")
    return empty_postgres


@pytest.fixture
def sql(database):
    with database.connect(autocommit=True) as connection:
        yield connection.execute


def test_every_type_is_the_same_from_the_load_and_from_a_change(database, sql, tmp_path):
    sql("CREATE TYPE market.mood AS ENUM ('good', 'bad')")
    sql("CREATE DOMAIN market.positive AS int CHECK (VALUE > 0)")
    sql(
        "CREATE TABLE market.all_types (id bigint PRIMARY KEY, a smallint, b int, c real, "
        "d double precision, e numeric(20,5), f numeric, g boolean, h date, i timestamp, "
        "j timestamptz, k bytea, l json, m jsonb, n uuid, o text[], p market.mood, q char(5), "
        "r varchar(9), s market.positive, t interval, u time, v inet, "
        "w int GENERATED ALWAYS AS (b + 1) STORED)"
    )
    row = (
        "SELECT %s, 1, 2, 0.1, 0.1::float8 + 0.2, 12345.00001, -1.5, true, '2026-11-22', "
        "'2026-11-22 13:00:00.123456', '2026-11-22 13:00:00+02', '\\xdeadbeef', '{\"a\": [1]}', "
        "'{\"b\": \"é\"}', '00000000-0000-0000-0000-000000000001', '{x,NULL,\"y,z\"}', 'good', "
        "'ab', 'v,\"\n', 7, '1 day 02:00', '12:00', '10.0.0.1'"
    )
    sql(f"INSERT INTO market.all_types {row}", [1])
    sql("INSERT INTO market.all_types (id) VALUES (2)")
    with started(database, tmp_path) as task:
        sql(f"INSERT INTO market.all_types {row}", [3])
        sql("INSERT INTO market.all_types (id) VALUES (4)")
        wait_until(lambda: len(task.rows("all_types")) == 4)

        rows = task.replayed("all_types")
        statistics = task.statistics("all_types")

    full, empty, changed, changed_empty = ({**rows[n], "id": 0} for n in (1, 2, 3, 4))
    assert full == changed
    assert empty == changed_empty == {**dict.fromkeys(full), "id": 0}
    assert full["d"] == 0.1 + 0.2
    assert str(full["e"]) == "12345.00001"
    assert (full["k"], full["g"], full["p"]) == (b"\xde\xad\xbe\xef", True, "good")
    assert full["j"].isoformat() == "2026-11-22T11:00:00+00:00"
    assert "w" not in full
    assert (statistics.table_state, statistics.ddls) == ("Table completed", 0)


def test_a_changed_primary_key_is_a_delete_and_an_insert(database, sql, tmp_path):
    with started(database, tmp_path) as task:
        sql("UPDATE market.t SET id = 10 WHERE id = 1")
        wait_until(lambda: task.statistics("t").inserts)

        assert task.changes("t", "id", "name") == [("D", 1, None), ("I", 10, "a")]


def test_an_unchanged_large_value_stops_its_table_only_until_it_is_reloaded(
    database, sql, tmp_path
):
    sql("ALTER TABLE market.t ALTER name SET STORAGE EXTERNAL, ADD n int")
    sql(f"UPDATE market.t SET name = ({LARGE}) WHERE id = 1")
    sql("CREATE TABLE market.other (id bigint PRIMARY KEY)")
    with started(database, tmp_path) as task:
        sql("UPDATE market.t SET n = 1 WHERE id = 1")
        sql("INSERT INTO market.other VALUES (1)")
        wait_until(lambda: task.statistics("other").inserts)

        statistics = task.statistics("t")
        assert statistics.table_state == "Table error"
        assert "ALTER TABLE market.t REPLICA IDENTITY FULL" in statistics.last_error
        assert assess(task.describe(), task.table_statistics(), ["t"]).verdict == "failed"

        task.stop()
        sql("ALTER TABLE market.t REPLICA IDENTITY FULL")
        task.start("reload-target")
        task.loaded()
        sql("UPDATE market.t SET n = 2 WHERE id = 1")
        sql("UPDATE market.t SET id = 5 WHERE id = 1")
        wait_until(lambda: task.statistics("t").inserts)

        rows = task.replayed("t")
        assert (rows[5]["n"], rows[5]["name"]) == (2, sql(LARGE).fetchone()[0])
        assert sorted(rows) == [2, 5]


def test_a_truncate_is_not_carried_over_but_said(database, sql, tmp_path):
    with started(database, tmp_path) as task:
        sql("TRUNCATE market.t")
        wait_until(lambda: task.statistics("t").ddls)

        assert len(task.rows("t")) == 2
        assert "TRUNCATE" in task.statistics("t").last_error
        assert task.statistics("t").table_state == "Table completed"


def test_added_removed_and_retyped_columns_show_in_new_files_from_that_change_on(
    database, sql, tmp_path
):
    with started(database, tmp_path) as task:
        sql(
            "BEGIN; INSERT INTO market.t VALUES (3, 'c'); "
            "ALTER TABLE market.t ADD n int DEFAULT 7; "
            "INSERT INTO market.t VALUES (4, 'd', 8); COMMIT"
        )
        sql("ALTER TABLE market.t DROP name; INSERT INTO market.t VALUES (5, 9)")
        sql("ALTER TABLE market.t ALTER n TYPE text; INSERT INTO market.t VALUES (6, 'ten')")
        wait_until(lambda: len(task.rows("t")) == 6)

        rows = {row["id"]: {k: row[k] for k in ("name", "n") if k in row} for row in task.rows("t")}
        statistics = task.statistics("t")

    assert rows == {
        1: {"name": "a"},
        2: {"name": "b"},
        3: {"name": "c"},
        4: {"name": "d", "n": 8},
        5: {"n": 9},
        6: {"n": "ten"},
    }
    assert (statistics.table_state, statistics.ddls) == ("Table completed", 3)


def test_postgresql_refuses_what_could_not_be_captured_of_a_table_without_a_key(
    database, sql, tmp_path
):
    sql("CREATE TABLE market.keyless (n int)")
    sql("INSERT INTO market.keyless VALUES (1)")
    with started(database, tmp_path) as task:
        sql("INSERT INTO market.keyless VALUES (2)")
        wait_until(lambda: len(task.rows("keyless")) == 2)

        with pytest.raises(Exception, match="does not have a replica identity"):
            sql("DELETE FROM market.keyless")
        assert "without a primary key" in task.statistics("keyless").last_error


def test_an_unlogged_table_is_an_error_because_its_changes_are_invisible(database, sql, tmp_path):
    sql("CREATE UNLOGGED TABLE market.fleeting (id bigint PRIMARY KEY)")
    with started(database, tmp_path) as task:
        assert task.statistics("fleeting").table_state == "Table error"
        assert task.statistics("t").table_state == "Table completed"


def test_a_value_that_raw_cannot_hold_stops_its_table_in_the_load_and_no_other(
    database, sql, tmp_path
):
    sql("CREATE TABLE market.a (id bigint PRIMARY KEY, at timestamptz)")
    sql("INSERT INTO market.a VALUES (1, 'infinity')")
    task = TaskUnderTest(tmp_path, database.endpoint.parameters, migration_type="full-load")

    task.start("start-replication")
    wait_until(lambda: task.describe().status == "stopped")

    assert task.files("a") == []
    assert "column at" in task.statistics("a").last_error
    assert task.statistics("t").full_load_rows == 2
    assert task.describe().stop_reason == "Stop Reason FULL_LOAD_ONLY_FINISHED"
    assert assess(task.describe(), task.table_statistics(), ["a", "t"]).verdict == "failed"


def test_a_table_created_later_is_captured_and_a_dropped_one_is_said(database, sql, tmp_path):
    with started(database, tmp_path) as task:
        sql("CREATE TABLE market.later (id bigint PRIMARY KEY)")
        sql("INSERT INTO market.later VALUES (1)")
        wait_until(lambda: task.files("later"))
        assert task.changes("later", "id") == [("I", 1)]

        sql("DROP TABLE market.later")
        sql("INSERT INTO market.t VALUES (3, 'c')")
        wait_until(
            lambda: task.statistics("later").table_state == "Table does not exist",
            task.table_statistics,
        )
        assert len(task.rows("later")) == 1


def test_a_slot_that_is_gone_fails_the_task_and_only_a_reload_helps(database, sql, tmp_path):
    with started(database, tmp_path) as task:
        task.stop()
        sql(
            "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots "
            "WHERE database = current_database()"
        )
        sql("INSERT INTO market.t VALUES (3, 'c')")

        task.start("resume-processing")
        wait_until(lambda: task.describe().status == "failed")

        described = task.describe()
        assert "max_slot_wal_keep_size" in described.last_failure_message
        assert next_start_type(described) == "reload-target"
        task.start("reload-target")
        task.loaded()
        assert sorted(task.replayed("t")) == [1, 2, 3]


def test_a_slot_that_somebody_else_moved_on_fails_the_task(database, sql, tmp_path):
    with started(database, tmp_path) as task:
        task.stop()
        sql("INSERT INTO market.t VALUES (3, 'c')")
        sql(
            "SELECT pg_replication_slot_advance(slot_name, pg_current_wal_flush_lsn()) "
            "FROM pg_replication_slots WHERE database = current_database()"
        )

        task.start("resume-processing")
        wait_until(lambda: task.describe().status == "failed")

        assert "moved on by somebody else" in task.describe().last_failure_message


def test_a_dropped_publication_fails_the_task_instead_of_delivering_nothing(
    database, sql, tmp_path
):
    with started(database, tmp_path) as task:
        (name,) = sql("SELECT pubname FROM pg_publication").fetchone()
        sql(f"DROP PUBLICATION {name}")
        sql("INSERT INTO market.t VALUES (3, 'c')")

        wait_until(lambda: task.describe().status == "failed")

        assert next_start_type(task.describe()) == "reload-target"


def test_log_of_other_schemas_does_not_pile_up_behind_the_slot(database, sql, tmp_path):
    with started(database, tmp_path) as task:
        sql("CREATE TABLE public.noise AS SELECT generate_series(1, 1000) n")
        (end,) = sql("SELECT pg_current_wal_flush_lsn()").fetchone()

        wait_until(
            lambda: sql(
                "SELECT confirmed_flush_lsn >= %s::pg_lsn FROM pg_replication_slots "
                "WHERE database = current_database()",
                [end],
            ).fetchone()[0]
        )
        assert task.describe().status == "running"
        assert len(task.files("t")) == 1


def test_a_transaction_larger_than_a_batch_arrives_whole(database, sql, tmp_path):
    with started(database, tmp_path) as task:
        sql("INSERT INTO market.t SELECT n, 'x' FROM generate_series(3, 60000) n")
        wait_until(lambda: task.files("t")[1:])

        assert len(task.files("t")) == 2
        assert len(task.rows("t")) == 60_000
