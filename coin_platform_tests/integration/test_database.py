"""Migrations, and reading what was written."""

from concurrent.futures import ThreadPoolExecutor

import psycopg
import pyarrow as pa
import pytest

from coin_platform.contracts.database import COIN_QUOTES, COINS, SCHEMA, TABLES
from coin_platform.contracts.render import POSTGRES_TYPES, arrow_schema
from coin_platform.errors import PermanentError
from coin_platform.partitions import Window
from coin_platform.resources.database import migrate
from coin_platform.resources.database.migrate import Migration
from coin_platform_tests.integration.market_frames import H0, H1, H2, coins, quotes

FORMATTED = (
    "SELECT attname, format_type(atttypid, atttypmod), NOT attnotnull, "
    "col_description(attrelid, attnum) FROM pg_attribute "
    "WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum"
)
KEY = (
    "SELECT a.attname FROM pg_constraint c, unnest(c.conkey) WITH ORDINALITY AS k(number, place) "
    "JOIN pg_attribute a ON a.attnum = k.number "
    "WHERE c.conrelid = %s::regclass AND a.attrelid = c.conrelid AND c.contype = 'p' ORDER BY place"
)


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_the_migrations_give_exactly_the_contract(postgres, table):
    name = [f"{SCHEMA}.{table.name}"]
    with postgres.connect() as connection:
        columns = connection.execute(FORMATTED, name).fetchall()
        key = connection.execute(KEY, name).fetchall()

    said = {"timestamptz": "timestamp with time zone"}
    assert [column[:3] for column in columns] == [
        (c.name, said.get(POSTGRES_TYPES[c.type], POSTGRES_TYPES[c.type]), c.nullable)
        for c in table.columns
    ]
    assert all(
        comment.startswith(column.description)
        for (*_, comment), column in zip(columns, table.columns, strict=True)
    )
    assert tuple(column for (column,) in key) == table.key


def test_the_schema_that_is_replicated_holds_the_contracts_tables_only(postgres):
    with postgres.connect() as connection:
        tables = connection.execute(
            "SELECT relname, relreplident FROM pg_class "
            "WHERE relnamespace = 'market'::regnamespace AND relkind = 'r' ORDER BY 1"
        ).fetchall()
    assert tables == [("coin_quotes", "d"), ("coins", "f")]


def test_a_database_is_migrated_once(empty_postgres):
    assert empty_postgres.migrate() == [migration.name for migration in migrate.packaged()]
    assert empty_postgres.migrate() == []


def test_two_processes_that_migrate_at_once_share_the_work(empty_postgres):
    with ThreadPoolExecutor(4) as pool:
        applied = list(pool.map(lambda _: empty_postgres.migrate(), range(4)))

    assert sorted(applied)[:3] == [[], [], []]
    assert sorted(applied)[3] == [migration.name for migration in migrate.packaged()]


FIRST = Migration("0001_first", "CREATE TABLE first (a int)")
SECOND = Migration("0002_second", "CREATE TABLE second (a int); INSERT INTO second VALUES (1)")


def apply(database, *migrations):
    with database.connect(autocommit=True) as connection:
        return migrate.apply(connection, list(migrations))


def test_only_new_migrations_are_applied(empty_postgres):
    assert apply(empty_postgres, FIRST) == ["0001_first"]
    assert apply(empty_postgres, FIRST, SECOND) == ["0002_second"]


@pytest.mark.parametrize(
    ("migrations", "says"),
    [
        ([Migration("0001_first", "CREATE TABLE first (b int)"), SECOND], "edited.*0001_first"),
        ([FIRST], "does not know.*0002_second"),
        ([FIRST, Migration("0001_later", "SELECT 1"), SECOND], "0001_later.*Number them last"),
    ],
)
def test_a_rewritten_past_is_refused(empty_postgres, migrations, says):
    apply(empty_postgres, FIRST, SECOND)

    with pytest.raises(PermanentError, match=says):
        apply(empty_postgres, *migrations)


def test_a_migration_that_fails_leaves_nothing_of_itself(empty_postgres):
    broken = Migration("0002_broken", "CREATE TABLE half (a int); SELECT 1 FROM nowhere")

    with pytest.raises(PermanentError, match=r"0002_broken failed: .*nowhere"):
        apply(empty_postgres, FIRST, broken)

    with empty_postgres.connect() as connection:
        found = connection.execute("SELECT to_regclass('first'), to_regclass('half')").fetchone()
    assert found == ("first", None)
    assert apply(empty_postgres, FIRST, SECOND) == ["0002_second"]


def test_rows_are_those_of_the_window_in_the_contracts_types(postgres):
    for hour in (H0, H1, H2):
        postgres.upsert(coins(hour, 1, 2), quotes(hour, 2, 1, last_updated=hour, cmc_rank=1))

    rows = postgres.rows(COIN_QUOTES, Window(H0, H2), COIN_QUOTES.column_names)

    assert rows.schema == arrow_schema(COIN_QUOTES)
    keys = zip(rows["snapshot_hour"].to_pylist(), rows["coin_id"].to_pylist(), strict=True)
    assert list(keys) == [(H0, 1), (H0, 2), (H1, 1), (H1, 2)]
    assert rows["last_updated"].to_pylist() == [H0, H0, H1, H1]


def test_rows_of_an_empty_window_have_the_types_too(postgres):
    rows = postgres.rows(COINS, Window(H0, H1), ("name", "infinite_supply", "coin_id"))

    assert rows.num_rows == 0
    assert rows.schema.types == [pa.string(), pa.bool_(), pa.int64()]


def test_a_column_that_the_contract_lacks_is_refused(postgres):
    with pytest.raises(KeyError, match="has no column 'symbol'"):
        postgres.rows(COIN_QUOTES, Window(H0, H1), ("symbol",))


def test_each_hour_of_a_window_is_measured_against_the_contract(postgres):
    postgres.upsert(coins(H0, 1), quotes(H0, 1, 2, price=-1.0))
    postgres.upsert(coins(H1, 1), quotes(H1, 1, price=float("nan"), source="rumour"))
    postgres.upsert(coins(H2, 1), quotes(H2, 1))

    measured = postgres.measure(COIN_QUOTES, Window(H0, H2), {"dearest": "max(price)"})

    assert set(measured) == {H0, H1}
    assert (measured[H0].rows, measured[H0].keys) == (2, 2)
    assert measured[H0].broken == {"range.price": 2}
    assert measured[H0].facts == {"dearest": -1.0}
    assert measured[H1].broken == {"finite.price": 1, "range.source": 1}


def test_a_measurement_that_is_not_sql_is_a_permanent_error(postgres):
    with pytest.raises(PermanentError, match="measuring database/coins failed"):
        postgres.measure(COINS, Window(H0, H1), {"n": "count(nothing)"})


def test_the_probe_says_version_database_and_whether_it_is_migrated(empty_postgres):
    assert "not migrated yet" in empty_postgres.probe()
    empty_postgres.migrate()
    assert empty_postgres.probe().startswith("PostgreSQL 18")
    assert "not migrated" not in empty_postgres.probe()


def test_a_test_may_leave_slots_and_sessions_behind(postgres):
    with postgres.connect(autocommit=True) as connection:
        connection.execute(
            "SELECT pg_create_logical_replication_slot(current_database(), 'pgoutput')"
        )
        sender = postgres.connect(autocommit=True, replication="database")
        assert isinstance(sender, psycopg.Connection)
