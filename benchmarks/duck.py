"""How DuckDB does what the transforms do: the rules as SQL, and a stream into Delta."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from coin_platform.contracts.model import Severity, Table

if TYPE_CHECKING:
    import duckdb


BATCH_ROWS = 100_000


def connect() -> "duckdb.DuckDBPyConnection":
    """A database in memory that speaks UTC."""
    import duckdb

    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute("SET preserve_insertion_order = false")
    return connection


def parquet(paths: Sequence[Path]) -> str:
    """A FROM clause of Parquet files."""
    names = ", ".join(f"'{path}'" for path in paths)
    return f"read_parquet([{names}])"


def broken(table: Table, *severities: Severity) -> str:
    """The ids of the rules of these severities that a row breaks, or no text."""
    ids = (
        f"CASE WHEN {rule.broken} THEN '{rule.id}' END"
        for severity in severities
        for rule in table.rules
        if rule.severity is severity
    )
    return f"concat_ws(',', {', '.join(ids)})"


def write_delta(connection: "duckdb.DuckDBPyConnection", query: str, uri: Path) -> None:
    """Make the query's rows a Delta table, batch by batch."""
    from deltalake import write_deltalake

    write_deltalake(str(uri), connection.sql(query).to_arrow_reader(BATCH_ROWS), mode="overwrite")
