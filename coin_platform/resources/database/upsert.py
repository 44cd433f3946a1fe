"""One hour into the database: what its frames must look like, and the SQL that merges them.

The frames are copied into temporary tables, and set-based statements carry over what differs.
Nothing here opens a connection or tries again; that is `postgres.py`'s.
"""

import io
from datetime import datetime

import pandas as pd
import psycopg
import pyarrow as pa
from psycopg import sql

from coin_platform.contracts.database import COIN_ATTRIBUTES, COIN_QUOTES, COINS, SCHEMA
from coin_platform.contracts.model import Table
from coin_platform.contracts.render import arrow_schema
from coin_platform.errors import PermanentError
from coin_platform.partitions import floor_hour
from coin_platform.resources.database.interface import Upserted

# Only a listing carries these. The historical endpoint's nulls mean "not told", and keep what a
# listing told of the same hour.
LISTING_ONLY = (
    "cmc_rank",
    "num_market_pairs",
    "volume_change_24h",
    "percent_change_60d",
    "percent_change_90d",
    "market_cap_dominance",
    "fully_diluted_market_cap",
)
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
    if rows.group_by(list(table.key)).aggregate([]).num_rows != rows.num_rows:
        raise PermanentError(f"the frame for {table.id} has duplicates of ({', '.join(table.key)})")
    return rows


def write(connection: psycopg.Connection, coins: pa.Table, quotes: pa.Table) -> Upserted:
    """Merge one hour inside the connection's transaction; what changed."""
    hour: datetime = quotes["snapshot_hour"][0].as_py()
    _stage(connection, COINS, coins)
    _stage(connection, COIN_QUOTES, quotes)
    # One hour at a time: two loads of an hour must not mix, and a coin's newest hour is only
    # known once the load of another hour has ended. Copying went on in parallel.
    connection.execute("SELECT pg_advisory_xact_lock(%s)", [WRITE_LOCK])
    at = {"hour": hour}
    return Upserted(
        coins=coins.num_rows,
        coins_changed=connection.execute(INSERT_COINS).rowcount
        + connection.execute(UPDATE_COINS, at).rowcount,
        quotes=quotes.num_rows,
        quotes_changed=connection.execute(UPSERT_QUOTES).rowcount,
        quotes_deleted=connection.execute(DELETE_QUOTES, at).rowcount,
    )


def _stage(connection: psycopg.Connection, table: Table, rows: pa.Table) -> None:
    """Copy the rows into a temporary table `new_<name>` that ends with the transaction."""
    from pyarrow import csv

    text = io.BytesIO()
    # Arrow quotes every string and no null, which is how COPY tells the two apart; it writes
    # doubles with as many digits as bring every bit back.
    csv.write_csv(rows, text, csv.WriteOptions(include_header=False))
    names = {
        "new": sql.Identifier(f"new_{table.name}"),
        "table": sql.Identifier(SCHEMA, table.name),
        "columns": _names(rows.column_names),
    }
    connection.execute(
        sql.SQL(
            "CREATE TEMPORARY TABLE {new} ON COMMIT DROP AS "
            "SELECT {columns} FROM {table} WITH NO DATA"
        ).format(**names)
    )
    copying = sql.SQL("COPY {new} FROM STDIN (FORMAT csv)").format(**names)
    with connection.cursor() as cursor, cursor.copy(copying) as copy:
        copy.write(text.getbuffer())


def _names(names: list[str], of: str | None = None) -> sql.Composed:
    """`a, b`, or `of.a, of.b`."""
    return sql.SQL(", ").join(
        sql.Identifier(of, name) if of else sql.Identifier(name) for name in names
    )


def _assignments(values: dict[str, sql.Composable]) -> sql.Composed:
    pairs = (
        sql.SQL("{} = {}").format(sql.Identifier(name), value) for name, value in values.items()
    )
    return sql.SQL(", ").join(pairs)


_COIN_FACTS = [*(column.name for column in COIN_ATTRIBUTES), "source"]
_COIN_COLUMNS = [name for name in COINS.column_names if name != "loaded_at"]
_QUOTE_COLUMNS = [name for name in COIN_QUOTES.column_names if name != "loaded_at"]
_QUOTE_FACTS: dict[str, sql.Composable] = {
    name: sql.SQL(
        "coalesce(EXCLUDED.{0}, old.{0})" if name in LISTING_ONLY else "EXCLUDED.{0}"
    ).format(sql.Identifier(name))
    for name in _QUOTE_COLUMNS
    if name not in COIN_QUOTES.key
}

INSERT_COINS = sql.SQL(
    "INSERT INTO market.coins ({columns}, loaded_at) SELECT {columns}, now() FROM new_coins "
    "ORDER BY coin_id ON CONFLICT (coin_id) DO NOTHING"
).format(columns=_names(_COIN_COLUMNS))

# Rows are compared by their bytes: for the SQL operators 0.0 equals -0.0.
# What changed is found first, by one hash join, and only for those few is a newer hour looked
# for. Left to the planner, an unanalysed table makes it compare every coin with every other.
UPDATE_COINS = sql.SQL(
    "WITH changed AS MATERIALIZED ("
    "SELECT new.* FROM new_coins AS new JOIN market.coins AS old USING (coin_id) "
    "WHERE record_image_ne(ROW({before}), ROW({after}))) "
    "UPDATE market.coins AS old SET {assignments}, snapshot_hour = %(hour)s, loaded_at = now() "
    "FROM changed AS new WHERE old.coin_id = new.coin_id "
    "AND (SELECT newer.snapshot_hour FROM market.coin_quotes AS newer "
    "WHERE newer.coin_id = new.coin_id AND newer.snapshot_hour > %(hour)s "
    "ORDER BY newer.snapshot_hour LIMIT 1) IS NULL"
).format(
    assignments=_assignments({name: sql.Identifier("new", name) for name in _COIN_FACTS}),
    before=_names(_COIN_FACTS, "old"),
    after=_names(_COIN_FACTS, "new"),
)

UPSERT_QUOTES = sql.SQL(
    "INSERT INTO market.coin_quotes AS old ({columns}, loaded_at) "
    "SELECT {columns}, now() FROM new_coin_quotes ORDER BY {key} "
    "ON CONFLICT ({key}) DO UPDATE SET {assignments}, loaded_at = EXCLUDED.loaded_at "
    "WHERE record_image_ne(ROW({before}), ROW({after}))"
).format(
    columns=_names(_QUOTE_COLUMNS),
    key=_names(list(COIN_QUOTES.key)),
    assignments=_assignments(_QUOTE_FACTS),
    before=_names(list(_QUOTE_FACTS), "old"),
    after=sql.SQL(", ").join(_QUOTE_FACTS.values()),
)

DELETE_QUOTES = sql.SQL(
    "DELETE FROM market.coin_quotes AS old WHERE old.snapshot_hour = %(hour)s "
    "AND old.currency IN (SELECT currency FROM new_coin_quotes) "
    "AND NOT EXISTS (SELECT 1 FROM new_coin_quotes AS new "
    "WHERE new.coin_id = old.coin_id AND new.currency = old.currency)"
)
