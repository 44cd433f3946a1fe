"""One hour into the database: what its frames must look like, and how they are merged.

The quotes of an hour that the table does not hold are copied into it. All else is copied into
temporary tables, and the statements of `statements.py` carry over what differs. Nothing here opens
a connection or tries again; that is `postgres.py`'s.
"""

from contextlib import suppress
from datetime import datetime

import pandas as pd
import psycopg
import pyarrow as pa
from psycopg import sql
from psycopg.errors import UniqueViolation

from coin_platform.contracts.database import COIN_QUOTES, COINS, SCHEMA
from coin_platform.contracts.model import Table
from coin_platform.contracts.render import arrow_schema, arrow_type
from coin_platform.errors import PermanentError
from coin_platform.partitions import floor_hour
from coin_platform.resources.database import catalog, statements
from coin_platform.resources.database.interface import Upserted

WRITE_LOCK = 0x75707372  # any number of our own


def frames_to_arrow(coins: pd.DataFrame, quotes: pd.DataFrame) -> tuple[pa.Table, pa.Table]:
    """Both frames in the contracts' types, known to hold one and the same hour.

    Raises `PermanentError` for other columns or types, a missing required value, a duplicated
    key, more than one hour, or no quotes at all.
    """
    tables = _to_arrow(COINS, coins), _to_arrow(COIN_QUOTES, quotes)
    if not tables[1].num_rows:
        raise PermanentError("a snapshot without quotes is not written: ask the source again")
    hours = {hour for table in tables for hour in table["snapshot_hour"].unique().to_pylist()}
    if len(hours) != 1 or {floor_hour(hour) for hour in hours} != hours:
        named = ", ".join(str(hour) for hour in sorted(hours)[:3])
        raise PermanentError(f"a snapshot is of one whole hour, this one has {named}")
    return tables


def _to_arrow(table: Table, frame: pd.DataFrame) -> pa.Table:
    schema = arrow_schema(table)
    schema = schema.remove(schema.get_field_index("loaded_at"))
    if list(frame.columns) != schema.names:
        wrong = set(frame.columns) ^ set(schema.names)
        raise PermanentError(
            f"the frame for {table.id} needs exactly the contract's columns, in its order, without "
            f"loaded_at; {', '.join(map(str, sorted(wrong))) or 'the order'} differs"
        )
    try:
        rows = pa.table(
            [pa.array(frame[name].array, schema.field(name).type) for name in schema.names],
            names=schema.names,
        )
        for name in schema.names:
            if rows[name].null_count and not schema.field(name).nullable:
                raise PermanentError(f"{table.id}: {name} must not be null")
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError) as error:
        raise PermanentError(f"the frame for {table.id} has a wrong type: {error}") from error
    if frame.duplicated(list(table.key)).any():
        raise PermanentError(f"the frame for {table.id} has duplicates of ({', '.join(table.key)})")
    return rows


def write(connection: psycopg.Connection, coins: pa.Table, quotes: pa.Table) -> Upserted:
    """Merge one hour inside the connection's transaction; what changed.

    Columns that the tables no longer have are left out where the contracts go on without them;
    else `PermanentError`, before anything is written.
    """
    hour: datetime = quotes["snapshot_hour"][0].as_py()
    coins, quotes = _fitted(connection, COINS, coins), _fitted(connection, COIN_QUOTES, quotes)
    _stage(connection, COINS, coins)
    # One hour at a time: two loads of an hour must not mix, and a coin's newest hour is only
    # known once the load of another hour has ended.
    connection.execute("SELECT pg_advisory_xact_lock(%s)", [WRITE_LOCK])
    at = {"hour": hour}
    coins_changed = (
        connection.execute(statements.insert_coins(coins.column_names)).rowcount
        + connection.execute(statements.update_coins(coins.column_names), at).rowcount
    )
    changed, deleted = _write_quotes(connection, quotes, at)
    return Upserted(coins.num_rows, coins_changed, quotes.num_rows, changed, deleted)


def _write_quotes(
    connection: psycopg.Connection, quotes: pa.Table, at: dict[str, datetime]
) -> tuple[int, int]:
    """How many rows were inserted or updated, and how many deleted."""
    empty = connection.execute(statements.EMPTY_HOUR, at).fetchone()
    if empty:
        loaded_at = pa.repeat(pa.scalar(empty[0], pa.timestamp("us", "UTC")), quotes.num_rows)
        rows = quotes.sort_by([(name, "ascending") for name in COIN_QUOTES.key])
        target = sql.Identifier(SCHEMA, COIN_QUOTES.name)
        # Others than the platform, who do not ask for the lock, may write such a quote meanwhile.
        with suppress(UniqueViolation):
            with connection.transaction():
                _copy(connection, target, rows.append_column("loaded_at", loaded_at))
            return quotes.num_rows, 0
    _stage(connection, COIN_QUOTES, quotes)
    return (
        connection.execute(statements.upsert_quotes(quotes.column_names)).rowcount,
        connection.execute(statements.DELETE_QUOTES, at).rowcount,
    )


def _fitted(connection: psycopg.Connection, table: Table, rows: pa.Table) -> pa.Table:
    """The columns that the table, as it is now, can hold, in the types that it has."""
    found = catalog.columns(connection, table)
    different = catalog.drift(table, found)
    catalog.require(different, ["loaded_at"])
    names = catalog.writable(table, different, rows.column_names)
    return rows.select(names).cast(
        pa.schema((name, arrow_type(catalog.type_of(found, table, name))) for name in names)
    )


def _stage(connection: psycopg.Connection, table: Table, rows: pa.Table) -> None:
    """Copy the rows into a temporary table that ends with the transaction.

    It is named `new_<name>` and has the columns of the table.
    """
    new = sql.Identifier(f"new_{table.name}")
    connection.execute(
        sql.SQL(
            "CREATE TEMPORARY TABLE {new} ON COMMIT DROP AS "
            "SELECT {columns} FROM {table} WITH NO DATA"
        ).format(
            new=new,
            table=sql.Identifier(SCHEMA, table.name),
            columns=statements.names(rows.column_names),
        )
    )
    _copy(connection, new, rows)


def _copy(connection: psycopg.Connection, target: sql.Identifier, rows: pa.Table) -> None:
    """Copy the rows, bit by bit, into the columns of their names."""
    from pgpq import ArrowToPostgresBinaryEncoder

    encoder = ArrowToPostgresBinaryEncoder(rows.schema)
    copying = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT binary)").format(
        target, statements.names(rows.column_names)
    )
    with connection.cursor() as cursor, cursor.copy(copying) as copy:
        copy.write(encoder.write_header())
        for batch in rows.to_batches():
            copy.write(encoder.write_batch(batch))
        copy.write(encoder.finish())
