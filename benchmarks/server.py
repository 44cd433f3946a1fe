"""The PostgreSQL that a work's contenders share: one server in its folder, with hours of quotes.

`start` in a work's `prepare`, `stop` in its `clean_up`; contenders `connect`. The server outlives
the process that started it.
"""

import io
from pathlib import Path
from typing import Any

import psycopg

from benchmarks.data import FIRST_HOUR, coins, quotes
from benchmarks.work import Sizes
from coin_platform.partitions import HOUR
from coin_platform.resources.database.embedded import EmbeddedPostgres
from coin_platform.resources.database.endpoint import EmbeddedEndpoint
from coin_platform.resources.database.postgres import PostgresDatabase

DATABASE = "coins"


def database(folder: Path) -> PostgresDatabase:
    """The database, as the platform opens its own."""
    return PostgresDatabase(
        EmbeddedEndpoint(EmbeddedPostgres(folder / "postgres"), DATABASE, lease=False)
    )


def connect(folder: Path) -> psycopg.Connection:
    return psycopg.connect(**parameters(folder), autocommit=True)


def parameters(folder: Path) -> dict[str, Any]:
    return database(folder).endpoint.parameters()


def url(folder: Path, scheme: str = "postgresql") -> str:
    """The database as a URL that holds the password, for peers that read no passfile."""
    at = parameters(folder)
    password = Path(at["passfile"]).read_text().strip().rsplit(":", 1)[-1]
    return f"{scheme}://{at['user']}:{password}@{at['host']}:{at['port']}/{at['dbname']}"


def start(folder: Path, sizes: Sizes) -> None:
    """A server with `load_rows` quotes in whole hours, and their coins, vacuumed and analysed."""
    database(folder).migrate()
    with connect(folder) as connection:
        copy_into(connection, "market.coins", coins(sizes.coins, FIRST_HOUR))
        for number in range(hours(sizes)):
            copy_into(
                connection, "market.coin_quotes", quotes(sizes.coins, FIRST_HOUR + HOUR * number)
            )
    settle(folder, "VACUUM ANALYZE")


def hours(sizes: Sizes) -> int:
    """How many hours of quotes the tables hold."""
    return max(1, sizes.load_rows // sizes.coins)


def copy_into(connection: psycopg.Connection, table: str, rows: Any) -> None:
    from pyarrow import csv

    text = io.BytesIO()
    csv.write_csv(rows, text, csv.WriteOptions(include_header=False))
    copying = f"COPY {table} ({', '.join(rows.column_names)}) FROM STDIN (FORMAT csv)"
    with connection.cursor() as cursor, cursor.copy(copying) as copy:
        copy.write(text.getbuffer())


def settle(folder: Path, *statements: str) -> None:
    """Undo what a contender did, and write it to disk, so that the next does not pay for it."""
    with connect(folder) as connection:
        for statement in (*statements, "CHECKPOINT"):
            connection.execute(statement)


def stop(folder: Path) -> None:
    EmbeddedPostgres(folder / "postgres").stop()
