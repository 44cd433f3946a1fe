"""The full load against a real server: every value is what the change log would have brought."""

import math
from datetime import UTC, datetime, timedelta

import pytest
from psycopg import OperationalError

from coin_platform.resources.replication import catalog, reading
from coin_platform.resources.replication.files import FILES
from coin_platform.resources.replication.full_load import READ, FullLoad
from coin_platform.resources.replication.journal import Journal, JournalFile
from coin_platform.resources.replication.layout import CSV_NULL
from coin_platform.resources.replication.start import begin
from coin_platform_tests.integration.replication_support import _read, started, wait_until

COLUMNS = (
    "a smallint, b int, c bigint, d real, e double precision, f boolean, g text, h varchar(99), "
    "i char(9), j bytea, k date, l timestamp, m timestamptz, n numeric, o numeric(30,10), p uuid, "
    "q text[], r interval, s inet, t jsonb, u pair, v name"
)
# One value of every column in each row, as SQL; the rows between them hold what is odd.
ROWS = [
    "1, 2, 3, 0.1, 0.1::float8 + 0.2, true, 'x', 'y', 'z', '\\x00ff', '2026-11-22', "
    "'2026-11-22 13:00', '2026-11-22 13:00:00.5+02', 1.5, 1.5, "
    "'00000000-0000-0000-0000-000000000001', '{x,NULL,\"y,z\"}', '1 day', '10.0.0.1', "
    "'{\"b\": \"é\"}', '(1,)', 'n'",
    "-32768, -2147483648, -9223372036854775808, 1e-45, 5e-324, false, '', '', '', '', "
    "'0001-01-01', '0001-01-01 00:00', '0001-01-01 00:00+00', -0.000001, -1e19, NULL, '{}', "
    "'-1 day', '::1/64', 'null', '(,)', ''",
    "32767, 2147483647, 9223372036854775807, 'infinity', 'infinity', NULL, ',,', E'a\\nb', '\"', "
    "'\\x22', '9999-12-31', '9999-12-31 23:59:59.999999', '9999-12-31 23:59:59.999999+00', "
    "9999999999999999999999.999999, 0, NULL, '{\"\"}', '00:00:01', '10.0.0.0/8', '\"\"', NULL, ','",
    "0, 0, 0, '-infinity', '-infinity', true, E'\\r', E'q\\tr', '  ', '\\x00', '1969-12-31', "
    "'1969-12-31 23:59:59.000001', '1970-01-01 00:00+00', 0, 0, NULL, NULL, NULL, NULL, NULL, "
    "NULL, NULL",
    "0, 0, 0, '-0', '-0', true, '\"', '\"\"', ',', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, "
    "NULL, NULL, NULL, NULL, NULL",
    "0, 0, 0, 2.0052e-20, 2.0052e-20, true, 'NULL', E'\\\\N', E'\\\\.', NULL, NULL, NULL, NULL, "
    "NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL",
    ", ".join(["NULL"] * 22),
]


@pytest.fixture
def database(empty_postgres):
    with empty_postgres.connect(autocommit=True) as connection:
        connection.execute("CREATE SCHEMA market; CREATE TYPE pair AS (a int, b text)")
    return empty_postgres


@pytest.fixture
def sql(database):
    with database.connect(autocommit=True) as connection:
        yield connection.execute


class Load:
    """A load into a folder, and what it made."""

    def __init__(self, database, home, file_format, **choices):
        self.journals = JournalFile(home / "journal.json", home / "lake", ".staged")
        self.journals.staging.mkdir(parents=True)
        self.journal = Journal("load")
        self.load = FullLoad(self.journals, self.journal, file_format, **choices)
        self.arguments = database.endpoint.parameters()

    def run(self):
        with catalog.connect(self.arguments) as connection:
            begin(connection, self.arguments, self.load, "full-load")
        return self

    def files(self, table="t"):
        folder = self.journals.folder / table
        return sorted(folder.iterdir()) if folder.exists() else []

    def rows(self, table="t"):
        return [row for path in self.files(table) for row in _read(path)]


def same(one, other):
    """Equality that takes NaN for itself and tells 0.0 from -0.0."""
    return repr(one) == repr(other)


@pytest.mark.parametrize("file_format", ["parquet", "csv"])
def test_odd_values_are_the_same_from_the_load_and_from_the_log(
    database, sql, tmp_path, file_format
):
    sql(f"CREATE TABLE market.t (id int PRIMARY KEY, {COLUMNS})")
    for number, row in enumerate(ROWS):
        sql(f"INSERT INTO market.t VALUES ({number}, {row})")
    with started(database, tmp_path, file_format=file_format) as task:
        sql(
            "INSERT INTO market.t SELECT id + 100, (t.*).a, b, c, d, e, f, g, h, i, j, k, l, m, n, "
            "o, p, q, r, s, t.t, u, v FROM market.t t ORDER BY id"
        )
        wait_until(lambda: len(task.files("t")) == 2)
        loaded, changed = task.files("t")

        if file_format == "csv":

            def bare(path):
                lines = path.read_bytes().split(b",", 3)
                assert lines[0] == b"Op"
                return sorted(
                    line.split(b",", 3)[3].rsplit(b",", 1)[0]
                    for line in path.read_bytes().replace(b"a\nb", b"a b").splitlines()[1:]
                )

            assert bare(loaded) == bare(changed)
        one, other = (
            [{k: v for k, v in row.items() if k not in IGNORED} for row in _read(path)]
            for path in (loaded, changed)
        )
    assert len(one) == len(ROWS)
    assert all(map(same, one, other)), [
        (a, b) for a, b in zip(one, other, strict=True) if not same(a, b)
    ]


IGNORED = ("Op", "commit_timestamp", "change_seq", "id")


def test_nan_survives_the_load(database, sql, tmp_path):
    sql("CREATE TABLE market.t (id int PRIMARY KEY, x double precision)")
    sql("INSERT INTO market.t VALUES (1, 'NaN'), (2, NULL)")

    first, second = Load(database, tmp_path, "parquet").run().rows()

    assert math.isnan(first["x"])
    assert second["x"] is None


@pytest.mark.parametrize(
    "value",
    [
        "'infinity'::timestamptz",
        "'-infinity'::timestamptz",
        "'infinity'::timestamp",
        "'0044-03-15 00:00+00 BC'::timestamptz",
        "'10000-01-01 00:00'::timestamp",
        "'294276-12-31 00:00'::timestamp",
    ],
)
@pytest.mark.parametrize("file_format", ["parquet", "csv"])
def test_an_instant_that_raw_cannot_hold_stops_its_table(
    database, sql, tmp_path, file_format, value
):
    sql(f"CREATE TABLE market.t AS SELECT 1 AS id, {value} AS x")
    sql("INSERT INTO market.t VALUES (2, now()), (3, NULL)")

    load = Load(database, tmp_path, file_format).run()

    assert load.files() == []
    assert "column x: timestamp" in load.journal.tables["t"].last_error
    assert list(load.journals.staging.iterdir()) == []


@pytest.mark.parametrize("value", ["infinity", "-infinity", "0001-12-31 BC", "10000-01-01"])
def test_a_day_that_parquet_cannot_hold_stops_its_table(database, sql, tmp_path, value):
    sql("CREATE TABLE market.t (id int PRIMARY KEY, x date)")
    sql("INSERT INTO market.t VALUES (1, %s)", [value])

    load = Load(database, tmp_path, "parquet").run()

    assert load.files() == []
    assert "column x: date32" in load.journal.tables["t"].last_error


def test_a_text_that_equals_the_null_marker_stops_its_table_in_csv_only(database, sql, tmp_path):
    sql("CREATE TABLE market.t (id int PRIMARY KEY, x text)")
    sql("INSERT INTO market.t VALUES (1, '__null__')")

    refused = Load(database, tmp_path / "csv", "csv").run()
    held = Load(database, tmp_path / "parquet", "parquet").run()

    assert "null marker" in refused.journal.tables["t"].last_error
    assert [row["x"] for row in held.rows()] == ["__null__"]


@pytest.mark.parametrize(
    "kind", ["text", "varchar(9)", "char(0)", "name", "bytea", "varbit", "worded", "domained"]
)
def test_an_empty_value_of_whatever_type_is_quoted_where_nothing_else_is(
    database, sql, tmp_path, kind
):
    sql("CREATE TYPE worded AS ENUM ('', 'x'); CREATE DOMAIN domained AS varchar(3)")
    kind = kind.replace("char(0)", '"char"')
    sql(f"CREATE TABLE market.t AS SELECT 1 AS id, ''::{kind} AS x, NULL::{kind} AS y")

    (path,) = Load(database, tmp_path, "csv").run().files()

    row = path.read_text().splitlines()[1]
    assert row.split(",", 2)[2] == f'1,"",{CSV_NULL},{CSV_NULL}'


@pytest.mark.parametrize("kind", ["timestamp", "timestamptz"])
def test_instants_have_six_digits_of_a_second_in_csv_whatever_their_fraction(
    database, sql, tmp_path, kind
):
    sql(
        f"CREATE TABLE market.t AS SELECT n AS id, ('2026-11-22 13:00:00Z'::timestamptz "
        f"+ n * interval '1 us' * 10 ^ (abs(n) % 7))::{kind} AS x FROM generate_series(-70, 70) n"
    )

    load = Load(database, tmp_path, "csv").run()

    start = datetime(2026, 11, 22, 13, tzinfo=UTC)
    expected = {n: start + timedelta(microseconds=n * 10 ** (abs(n) % 7)) for n in range(-70, 71)}
    found = dict(
        line.split(",")[2:4] for path in load.files() for line in path.read_text().splitlines()[1:]
    )
    assert found == {str(n): f"{at:%Y-%m-%d %H:%M:%S.%f}" for n, at in expected.items()}


@pytest.mark.parametrize("file_format", ["parquet", "csv"])
def test_readers_share_a_large_table_and_every_row_comes_once(
    database, sql, tmp_path, file_format, monkeypatch
):
    monkeypatch.setattr("coin_platform.resources.replication.full_load.PAGES_WORTH_A_READER", 10)
    sql("CREATE TABLE market.t (id int PRIMARY KEY, x text)")
    sql("INSERT INTO market.t SELECT n, repeat('x', 100) FROM generate_series(1, 30000) n")
    sql("CREATE TABLE market.empty (id int)")

    load = Load(database, tmp_path, file_format, rows_per_file=12_000, readers=3).run()

    assert sorted(row["id"] for row in load.rows()) == list(range(1, 30_001))
    assert len(load.files()) == 3
    assert load.files("empty") == []
    assert load.journal.tables["t"].full_load_rows == 30_000


def test_a_file_holds_no_more_rows_than_it_may(database, sql, tmp_path):
    sql("CREATE TABLE market.t (id int PRIMARY KEY)")
    sql("INSERT INTO market.t SELECT generate_series(1, 45000)")

    load = Load(database, tmp_path, "parquet", rows_per_file=20_000).run()

    assert [len(_read(path)) for path in load.files()] == [20_000, 20_000, 5_000]


@pytest.mark.parametrize("file_format", ["parquet", "csv"])
def test_the_load_shows_the_snapshot_and_nothing_committed_later(
    database, sql, tmp_path, file_format, monkeypatch
):
    sql("CREATE TABLE market.t (id int PRIMARY KEY)")
    sql("INSERT INTO market.t VALUES (1)")
    read = READ[file_format]

    def late(*arguments):
        sql("INSERT INTO market.t VALUES (2)")
        yield from read(*arguments)

    monkeypatch.setitem(READ, file_format, late)

    assert [row["id"] for row in Load(database, tmp_path, file_format).run().rows()] == [1]


def test_bytes_that_are_not_utf_8_stop_the_table(postgres_server, database, tmp_path):
    with database.connect(autocommit=True) as connection:
        connection.execute(
            "CREATE DATABASE bytes_only ENCODING 'SQL_ASCII' TEMPLATE template0 "
            "LOCALE_PROVIDER libc LOCALE 'C'"
        )
        at = {**database.endpoint.parameters(), "dbname": "bytes_only"}
        try:
            with catalog.connect(at) as other:
                other.execute("SET client_encoding = 'SQL_ASCII'")
                other.execute("CREATE SCHEMA market; CREATE TABLE market.t (id int, x text)")
                other.execute("INSERT INTO market.t VALUES (1, convert_from('\\xff', 'SQL_ASCII'))")
            for file_format in FILES:
                load = Load(database, tmp_path / file_format, file_format)
                load.arguments = at
                load.run()
                assert load.files() == []
                assert "column x: text that is not UTF-8" in load.journal.tables["t"].last_error
        finally:
            connection.execute("DROP DATABASE bytes_only WITH (FORCE)")


def test_large_rows_come_in_small_row_groups(database, sql, tmp_path, monkeypatch):
    monkeypatch.setattr(reading, "BUFFER_BYTES", 100_000)
    sql("CREATE TABLE market.t (id int PRIMARY KEY, x text)")
    sql("INSERT INTO market.t SELECT n, repeat('x', 60000) FROM generate_series(1, 9) n")
    import pyarrow.parquet as pq

    (path,) = Load(database, tmp_path, "parquet").run().files()

    assert sum(len(row["x"]) for row in _read(path)) == 540_000
    assert pq.read_metadata(path).num_row_groups <= 9


@pytest.mark.parametrize("file_format", ["parquet", "csv"])
def test_a_lost_connection_is_a_fault_that_may_pass(database, sql, file_format):
    sql("CREATE TABLE market.t (id int PRIMARY KEY, x text)")
    sql("INSERT INTO market.t SELECT n, repeat('x', 5000) FROM generate_series(1, 20000) n")
    at = database.endpoint.parameters()
    with catalog.connect(at) as connection, connection.transaction():
        (table,) = catalog.tables(connection, "market")
        (name,) = connection.execute("SELECT pg_export_snapshot()").fetchone()
        rows = READ[file_format](reading.Source(at, name), table, reading.Pages(0, None), "")
        next(rows)
        sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'COPY%%' "
            "AND datname = current_database()"
        )

        with pytest.raises(OperationalError):
            list(rows)
