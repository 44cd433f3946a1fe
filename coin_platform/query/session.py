"""Runs one query over the served tables, in a DuckDB that can reach nothing else.

Each query gets a database of its own in memory. It is given the tables as they stand at that
moment, each at its newest version, and is then sealed: no file, address or extension can be opened
from SQL, and no setting changed back. Files are read by Arrow, from the lists that the Delta logs
give; columns and bounds of time that a query does not need are left unread.
"""

import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from threading import Thread
from typing import TYPE_CHECKING, Any, TypeVar

from coin_platform.contracts import curated
from coin_platform.contracts.render import arrow_schema
from coin_platform.errors import PermanentError, SettingsError
from coin_platform.query.statements import one_query
from coin_platform.resources.lake.served import TABLES, ServedLake, sql_name

if TYPE_CHECKING:
    import pyarrow as pa
    from duckdb import DuckDBPyConnection, DuckDBPyRelation

Result = TypeVar("Result")

BATCH_ROWS = 10_000
SLICE_SECONDS = 0.1
CONFIGURATION = {
    "memory_limit": "50%",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "allow_community_extensions": "false",
    "python_enable_replacements": "false",  # a name in SQL is never a Python variable
}
SEAL = "SET TimeZone = 'UTC'; SET enable_external_access = false; SET lock_configuration = true"


class Answer:
    """The result of a query, batch by batch; it is computed as it is read."""

    def __init__(
        self, connection: "DuckDBPyConnection", worker: ThreadPoolExecutor, query: str
    ) -> None:
        self._worker = worker
        relation = self._called(bound, connection, query)
        self._reader = self._called(relation.to_arrow_reader, BATCH_ROWS)

    @property
    def schema(self) -> "pa.Schema":
        schema: pa.Schema = self._reader.schema
        return schema

    def __iter__(self) -> "Iterator[pa.RecordBatch]":
        while (batch := self._called(next, self._reader, None)) is not None:
            yield batch

    def _called(self, call: Callable[..., Result], *arguments: Any) -> Result:
        """Call in another thread: DuckDB, once it computes, does not hear of Ctrl+C by itself.

        Waited for in slices: the kernel may give a signal to another thread than this one, which
        alone can act on it, and which then sleeps on.
        """
        called = self._worker.submit(call, *arguments)
        while wait([called], timeout=SLICE_SECONDS).not_done:
            pass
        return called.result()


def bound(connection: "DuckDBPyConnection", query: str) -> "DuckDBPyRelation":
    """The query with its names looked up, not yet run."""
    import duckdb

    try:
        return connection.sql(query)
    except (duckdb.BinderException, duckdb.CatalogException):
        connection.execute(query)  # fails alike, and shows the place in the text
        raise


@contextmanager
def answer(lake: ServedLake, text: str) -> Iterator[Answer]:
    """The answer to the one query of a text, over the tables as they stand now.

    Raises `SettingsError` for what is no query, is refused or names what is not there, and
    `PermanentError` for a query that fails while it runs.
    """
    import duckdb

    with tempfile.TemporaryDirectory(prefix="coin_platform_sql_") as spill:
        connection = duckdb.connect(config={**CONFIGURATION, "temp_directory": spill})
        try:
            with suppress(duckdb.InvalidInputException):  # a notebook that cannot draw any
                connection.execute("SET enable_progress_bar = false")  # it goes to stdout
            missing = show(connection, lake)
            with explained(missing), ThreadPoolExecutor(1) as worker:
                try:
                    yield Answer(connection, worker, one_query(connection, text))
                except BaseException:  # Ctrl+C, or whatever else ends the asking
                    end_calls(connection, worker)
                    raise
        finally:
            connection.close()


def end_calls(connection: "DuckDBPyConnection", worker: ThreadPoolExecutor) -> None:
    """Have what the worker does interrupted until it is done with it.

    Again and again: an interrupt that comes before the query computes is lost on it. And in a
    thread of its own, which a second Ctrl+C does not stop.
    """
    import duckdb

    idle = worker.submit(int)

    def interrupt() -> None:
        with suppress(duckdb.ConnectionException):  # it was closed in the same moment
            while wait([idle], timeout=0.05).not_done:
                connection.interrupt()

    Thread(target=interrupt, name="end-query", daemon=True).start()


def show(connection: "DuckDBPyConnection", lake: ServedLake) -> list[str]:
    """Make the served tables known by name and layer, and seal; the names of those not there yet.

    Raises `PermanentError` when there is no table at all.
    """
    missing = []
    there = lake.tables()
    for layer in {table.layer for table in TABLES}:
        connection.execute(f"CREATE SCHEMA {layer}")
    for table in TABLES:
        if table in there:
            connection.register(table.name, lake.dataset(table))
        elif table in curated.SIDE_TABLES:  # they appear with their first row
            connection.register(table.name, arrow_schema(table).empty_table())
        else:
            missing.append(table.name)
            continue
        connection.execute(f"CREATE VIEW {sql_name(table)} AS FROM {table.name}")
    if not there:
        raise PermanentError(f"{lake.url} has no tables yet: `coin-platform run` fills them")
    connection.execute(SEAL)
    return missing


@contextmanager
def explained(missing: list[str]) -> Iterator[None]:
    """Turn DuckDB's errors into the platform's, in DuckDB's words, and say what helps."""
    import duckdb

    try:
        yield
    except (duckdb.ParserException, duckdb.BinderException, duckdb.CatalogException) as error:
        raise SettingsError(words(error, missing)) from error
    except duckdb.PermissionException as error:
        raise SettingsError(
            f"{error}\nSQL here reads the tables of processed and curated, and no files."
        ) from error
    except duckdb.Error as error:
        raise PermanentError(words(error, missing)) from error


def words(error: Exception, missing: list[str]) -> str:
    """What DuckDB says, and whether a table of the platform is only not there yet."""
    awaited = [name for name in missing if f"name {name} " in str(error)]
    hint = (
        f"\n{awaited[0]} has not been materialized yet (`coin-platform run`), or your role may not "
        "read it"
        if awaited
        else ""
    )
    return f"{error}{hint}"
