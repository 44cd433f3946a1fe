"""Who queries the lake reads processed and curated, writes nothing and reaches nothing else."""

import threading
from pathlib import Path

import pytest

from coin_platform.errors import PlatformError, SettingsError
from coin_platform.query import session
from coin_platform.query.session import answer
from coin_platform_tests.integration.served_lake import small_lake

HIDDEN = "LOAD00000001.parquet"


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    return small_lake(tmp_path_factory.mktemp("sealed"))


@pytest.fixture
def folder(lake, monkeypatch):
    """Where raw is; also the working directory, so that bare names could find files there."""
    raw = Path(lake.url) / "raw" / "market" / "coins"
    monkeypatch.chdir(raw)
    return raw


def rows(lake, query):
    with answer(lake, query) as found:
        return [row for batch in found for row in batch.to_pylist()]


def everything_below(path):
    return sorted(str(p) for p in Path(path).rglob("*"))


READERS = [
    "SELECT * FROM read_parquet('{raw}/LOAD00000001.parquet')",
    "SELECT * FROM parquet_scan('{raw}/*.parquet')",
    "SELECT * FROM '{raw}/LOAD00000001.parquet'",
    "SELECT * FROM 'LOAD00000001.parquet'",
    'FROM "LOAD00000001.parquet"',
    "SELECT * FROM read_csv('{raw}/secret.csv')",
    "SELECT * FROM read_csv_auto('secret.csv')",
    "SELECT * FROM read_text('{raw}/*')",
    "SELECT * FROM read_blob('{raw}/*')",
    "SELECT * FROM read_json('{raw}/secret.csv')",
    "SELECT * FROM read_json_objects('{raw}/secret.csv')",
    "SELECT * FROM read_ndjson('{raw}/secret.csv')",
    "SELECT * FROM sniff_csv('{raw}/secret.csv')",
    "SELECT * FROM glob('{raw}/*')",
    "SELECT * FROM parquet_metadata('{raw}/LOAD00000001.parquet')",
    "SELECT * FROM parquet_schema('{raw}/LOAD00000001.parquet')",
    "SELECT * FROM delta_scan('{raw}')",
    "SELECT * FROM iceberg_scan('{raw}')",
    "SELECT * FROM sqlite_scan('{raw}/x', 'y')",
    "SELECT * FROM read_parquet('https://example.com/x.parquet')",
    "SELECT * FROM 's3://bucket/x.parquet'",
    "SELECT * FROM query('SELECT * FROM read_text(''{raw}/secret.csv'')')",
    "SELECT * FROM query_table('{raw}/LOAD00000001.parquet')",
    "WITH a AS (FROM read_text('{raw}/secret.csv')) FROM a",
    "SELECT (SELECT content FROM read_text('{raw}/secret.csv'))",
    "DESCRIBE SELECT * FROM read_parquet('{raw}/LOAD00000001.parquet')",
    "SUMMARIZE FROM read_parquet('{raw}/LOAD00000001.parquet')",
    "EXPLAIN ANALYZE SELECT * FROM read_text('{raw}/secret.csv')",
    "PIVOT (FROM read_text('{raw}/secret.csv')) ON filename USING count(*)",
    "SELECT getenv('HOME')",
    "SELECT * FROM raw.coins",
    "SELECT * FROM raw.market.coins",
    "SELECT * FROM processed.releases",
    "SELECT * FROM lake",  # a variable of the program
    "SELECT * FROM connection",
    "SELECT * FROM duckdb_secrets()",
]

STATEMENTS = [
    "COPY coin_quotes TO '{raw}/out.csv'",
    "COPY (SELECT 1) TO '{raw}/out.parquet'",
    "EXPLAIN ANALYZE COPY (SELECT 1) TO '{raw}/out.csv'",
    "EXPLAIN /* a */ ANALYZE COPY (SELECT 1) TO '{raw}/out.csv'",
    "EXPLAIN (ANALYZE) COPY (SELECT 1) TO '{raw}/out.csv'",
    "-- a query\nCOPY (SELECT 1) TO '{raw}/out.csv'",
    "EXPORT DATABASE '{raw}/out'",
    "IMPORT DATABASE '{raw}/out'",
    "ATTACH '{raw}/out.db'",
    "ATTACH ':memory:' AS other",
    "DETACH memory",
    "INSTALL httpfs",
    "FORCE INSTALL httpfs",
    "LOAD httpfs",
    "LOAD '{raw}/x.duckdb_extension'",
    "UPDATE EXTENSIONS",
    "SET enable_external_access = true",
    "SET lock_configuration = false",
    "RESET lock_configuration",
    "SET VARIABLE a = 1",
    "SET search_path = 'processed'",
    "PRAGMA enable_external_access = true",
    "PRAGMA database_list",
    "CALL pragma_version()",
    "USE processed",
    "CREATE TABLE a AS SELECT 1",
    "CREATE TEMP TABLE a AS SELECT 1",
    "CREATE OR REPLACE VIEW coins AS SELECT 1",
    "CREATE MACRO a() AS TABLE FROM read_text('{raw}/secret.csv')",
    "CREATE SECRET (TYPE s3)",
    "INSERT INTO coin_quotes SELECT * FROM coin_quotes",
    "UPDATE coin_quotes SET price = 0",
    "DELETE FROM coin_quotes",
    "TRUNCATE coin_quotes",
    "MERGE INTO coin_quotes USING coins ON true WHEN MATCHED THEN DELETE",
    "WITH gone AS (DELETE FROM coin_quotes RETURNING *) FROM gone",
    "DROP VIEW curated.top_prices",
    "ALTER TABLE coin_quotes ADD COLUMN a INTEGER",
    "BEGIN",
    "CHECKPOINT",
    "VACUUM",
    "PREPARE a AS SELECT 1",
    "EXECUTE a",
    "SELECT 1; COPY (SELECT 1) TO '{raw}/out.csv'",
    "SELECT 1; SELECT 2",
    "EXPLAIN",
    "",
    ";",
    "-- nothing",
]


@pytest.mark.parametrize("query", READERS)
def test_nothing_but_the_served_tables_can_be_read(lake, folder, query):
    with pytest.raises(PlatformError):
        rows(lake, query.format(raw=folder))


@pytest.mark.parametrize("query", STATEMENTS)
def test_nothing_but_one_query_is_run_and_nothing_is_written(lake, folder, query):
    before = everything_below(lake.url)
    with pytest.raises(SettingsError):
        rows(lake, query.format(raw=folder))
    assert everything_below(lake.url) == before


def test_a_refusal_is_plain(lake, folder):
    with pytest.raises(SettingsError, match="COPY is not run here: SQL reads the lake"):
        rows(lake, f"COPY coins TO '{folder}/x'")
    with pytest.raises(SettingsError, match="processed and curated, and no files"):
        rows(lake, f"FROM read_text('{folder}/secret.csv')")


def test_the_engine_itself_refuses_when_statements_are_not_looked_at(lake, folder, monkeypatch):
    """The second lock: what `statements.py` keeps out could do no harm either."""
    monkeypatch.setattr(session, "one_query", lambda _, text: text)
    before = everything_below(lake.url)
    for statement in (
        f"COPY (SELECT 1) TO '{folder}/out.csv'",
        f"ATTACH '{folder}/out.db'",
        f"EXPORT DATABASE '{folder}/out'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SET enable_external_access = true",
        "RESET enable_external_access",
        "SET lock_configuration = false",
        f"SET allowed_directories = ['{folder}']",
        "DELETE FROM coin_quotes",
    ):
        with pytest.raises(PlatformError):
            rows(lake, statement)
    assert everything_below(lake.url) == before


def test_what_a_query_spills_is_gone_with_it(lake, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setitem(session.CONFIGURATION, "memory_limit", "60MB")
    spilled = set()
    sorting = "SELECT range, md5(range::text) AS hash FROM range(2_000_000) ORDER BY hash"
    with answer(lake, sorting) as found:
        total = 0
        for batch in found:
            total += batch.num_rows
            if not spilled:
                spilled = {p.name for p in tmp_path.rglob("*") if p.is_file()}
    assert total == 2_000_000
    assert spilled
    assert list(tmp_path.iterdir()) == []


def test_no_thread_outlives_a_query(lake):
    before = threading.active_count()
    for _ in range(3):
        rows(lake, "SELECT 1")
    for wrong in ("selec", "FROM nowhere"):
        with pytest.raises(SettingsError):
            rows(lake, wrong)
    assert threading.active_count() == before
