"""`Database` over PostgreSQL, wherever an `Endpoint` says it is."""

import re
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any, TypeVar

import pandas as pd
import psycopg
import pyarrow as pa
from psycopg import sql
from psycopg.conninfo import make_conninfo
from psycopg.rows import dict_row

from coin_platform.contracts.database import SCHEMA
from coin_platform.contracts.measures import Measured, conditions
from coin_platform.contracts.model import Table
from coin_platform.contracts.render import arrow_schema
from coin_platform.contracts.schema import Difference, Schema, absent
from coin_platform.errors import PermanentError, TransientError
from coin_platform.partitions import Window
from coin_platform.resources.conversion import exactly
from coin_platform.resources.database import catalog, migrate, upsert
from coin_platform.resources.database.endpoint import Endpoint
from coin_platform.resources.database.interface import Database, Upserted

PAUSES_SECONDS = (0.2, 1.0)  # before the second and the third try
REFUSED = "authentication failed"  # as PostgreSQL says it, for a password as for a token
DISTRUSTED = re.compile(r"certificate verify failed|does not match host name|not support SSL")
SESSION = {"application_name": "coin_platform", "client_encoding": "UTF8"}
Result = TypeVar("Result")


class PostgresDatabase(Database):
    """Database `coins` on PostgreSQL; nothing is started or reached before the first call."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint

    def connect(self, **options: Any) -> AbstractContextManager[psycopg.Connection]:
        """An open connection in UTC; options are psycopg's, and win over the endpoint's.

        As a context it commits, or rolls back after an exception, and closes. Raises
        `TransientError` when the server does not answer, `PermanentError` when it turns us away.
        """
        return self._tried(lambda: self._connect(options), "connecting to PostgreSQL")

    def migrate(self) -> list[str]:
        def run() -> list[str]:
            with self._connect({"autocommit": True}) as connection:
                return migrate.apply(connection, migrate.packaged())

        return self._tried(run, "migrating the database")

    def upsert(self, coins: pd.DataFrame, quotes: pd.DataFrame) -> Upserted:
        """As `Database` says.

        Raises `PermanentError` for frames that break their contract, before anything is written,
        and `TransientError` when the server fails three times.
        """
        new_coins, new_quotes = upsert.frames_to_arrow(coins, quotes)

        def run() -> Upserted:
            with self._connect({}) as connection:
                return upsert.write(connection, new_coins, new_quotes)

        return self._tried(run, f"writing hour {new_quotes['snapshot_hour'][0]}")

    def columns(self, table: Table) -> Schema:
        def run() -> Schema:
            with self._connect({}) as connection:
                return catalog.columns(connection, table)

        return self._tried(run, f"looking up the columns of {table.id}")

    def _drift(self, table: Table) -> list[Difference]:
        return catalog.drift(table, self.columns(table))

    def rows(self, table: Table, window: Window, columns: tuple[str, ...]) -> pa.Table:
        """In the order of the key, with the contract's types; instants are microseconds in UTC.

        Raises `KeyError` for a column that the contract does not have.
        """
        from adbc_driver_manager import Error, OperationalError
        from adbc_driver_postgresql import dbapi

        contract = arrow_schema(table)
        schema = pa.schema([contract.field(table.column(name).name) for name in columns])
        different = self._drift(table)
        catalog.require(different, list(columns))
        held = [name for name in columns if name not in absent(different)]
        query = sql.SQL("SELECT {} FROM {} WHERE {} ORDER BY {}").format(
            sql.SQL(", ").join(map(sql.Identifier, held)),
            sql.Identifier(SCHEMA, table.name),
            _within(window),
            sql.SQL(", ").join(map(sql.Identifier, table.key)),
        )

        def run() -> pa.Table:
            conninfo = make_conninfo(**self._keywords({}))
            try:
                with dbapi.connect(conninfo) as connection, connection.cursor() as cursor:
                    cursor.execute(query.as_string())
                    rows = cursor.fetch_arrow_table()
            except OperationalError as error:
                raise psycopg.OperationalError(str(error)) from error
            except Error as error:
                raise psycopg.ProgrammingError(str(error)) from error
            return pa.table(
                [
                    exactly(rows[field.name], field.type)
                    if field.name in held
                    else pa.nulls(rows.num_rows, field.type)
                    for field in schema
                ],
                schema=schema,
            )

        return self._tried(run, f"reading {table.id}")

    def measure(
        self, table: Table, window: Window, facts: Mapping[str, str]
    ) -> dict[datetime, Measured]:
        differing = {difference.column for difference in self._drift(table)}
        broken = {
            name: condition
            for name, condition in conditions(table).items()
            if name.partition(".")[2] not in differing
        }
        key = ", ".join(table.key)
        counts = [
            sql.SQL(f"count(DISTINCT ({key})) AS keys"),
            *(
                sql.SQL("count(*) FILTER (WHERE {}) AS {}").format(
                    sql.SQL(condition), sql.Identifier(f"broken {name}")
                )
                for name, condition in broken.items()
            ),
            *(
                sql.SQL("{} AS {}").format(sql.SQL(fact), sql.Identifier(f"fact {name}"))
                for name, fact in facts.items()
            ),
        ]
        query = sql.SQL(
            "SELECT snapshot_hour, count(*) AS rows, {} FROM {} WHERE {} GROUP BY snapshot_hour"
        ).format(sql.SQL(", ").join(counts), sql.Identifier(SCHEMA, table.name), _within(window))

        def run() -> dict[datetime, Measured]:
            with self._connect({}) as connection, connection.cursor(row_factory=dict_row) as cursor:
                return {
                    row["snapshot_hour"]: Measured(
                        row["rows"],
                        row["keys"],
                        {name: n for name in broken if (n := row[f"broken {name}"])},
                        {name: row[f"fact {name}"] for name in facts},
                    )
                    for row in cursor.execute(query)
                }

        return self._tried(run, f"measuring {table.id}")

    def probe(self) -> str:
        """That the database answers: its version, place and size, in a line.

        Starts an embedded server. Raises `PlatformError` with the way to mend it.
        """

        def run() -> str:
            with self._connect({}) as connection:
                facts = connection.execute(
                    "SELECT current_setting('server_version'), current_database(), "
                    "pg_size_pretty(pg_database_size(current_database())), "
                    "to_regclass('platform.migrations') IS NOT NULL"
                ).fetchone()
                at = f"{connection.info.host}:{connection.info.port}"
            version, name, size, migrated = facts or ()
            state = "" if migrated else ", not migrated yet"
            return f"PostgreSQL {version} at {at}, database {name}, {size}{state}"

        return self._tried(run, "probing PostgreSQL")

    def _tried(self, action: Callable[[], Result], doing: str) -> Result:
        """Try again what may go well the next time: deadlocks, restarts, lost connections.

        And where the password was refused, because it has been rotated since it was read.
        """
        for pause in (*PAUSES_SECONDS, None):
            try:
                return action()
            except psycopg.OperationalError as error:
                said = _said(error)
                if REFUSED in said:
                    if self.endpoint.renewed():
                        return self._tried(action, doing)
                    raise PermanentError(
                        f"{doing} failed: {said}; do the credentials belong to this database?"
                    ) from error
                if DISTRUSTED.search(said):
                    raise PermanentError(
                        f"{doing} failed: {said}; is COIN_PLATFORM_DATABASE_HOST the name in the "
                        "server's certificate, and COIN_PLATFORM_DATABASE_CA who signed it?"
                    ) from error
                if pause is None:
                    raise TransientError(
                        f"{doing} failed {len(PAUSES_SECONDS) + 1} times, at last: {said}; "
                        "`coin-platform doctor` says whether the server answers"
                    ) from error
                time.sleep(pause)
            except psycopg.errors.UndefinedTable as error:
                raise PermanentError(
                    f"{doing} failed: {_said(error)}; is the database migrated?"
                ) from error
            except psycopg.Error as error:
                raise PermanentError(f"{doing} failed: {_said(error)}") from error
        raise AssertionError  # the last round returns or raises

    def _connect(self, options: dict[str, Any]) -> psycopg.Connection:
        return psycopg.connect(**self._keywords(options))

    def _keywords(self, options: dict[str, Any]) -> dict[str, Any]:
        session = {"options": f"-c TimeZone=UTC {options.get('options', '')}".strip()}
        return {**SESSION, **self.endpoint.parameters(), **options, **session}


def _within(window: Window) -> sql.Composed:
    return sql.SQL("snapshot_hour >= {} AND snapshot_hour < {}").format(
        sql.Literal(window.start), sql.Literal(window.end)
    )


def _said(error: psycopg.Error) -> str:
    """PostgreSQL's message on one line."""
    return " ".join(str(error).split())
