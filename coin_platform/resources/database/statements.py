"""The SQL that merges one hour, over the columns that the tables have.

`new_coins` and `new_coin_quotes` are temporary tables with the hour's rows.
"""

from psycopg import sql

from coin_platform.contracts.database import COIN_ATTRIBUTES, COIN_QUOTES, LISTING_ONLY


def names(names: list[str], of: str | None = None) -> sql.Composed:
    """`a, b`, or `of.a, of.b`."""
    return sql.SQL(", ").join(
        sql.Identifier(of, name) if of else sql.Identifier(name) for name in names
    )


def assignments(values: dict[str, sql.Composable]) -> sql.Composed:
    pairs = (
        sql.SQL("{} = {}").format(sql.Identifier(name), value) for name, value in values.items()
    )
    return sql.SQL(", ").join(pairs)


def insert_coins(columns: list[str]) -> sql.Composed:
    return sql.SQL(
        "INSERT INTO market.coins ({columns}, loaded_at) "
        "SELECT {columns}, now() FROM new_coins AS new "
        "WHERE NOT EXISTS (SELECT FROM market.coins AS old WHERE old.coin_id = new.coin_id) "
        "ORDER BY coin_id ON CONFLICT (coin_id) DO NOTHING"
    ).format(columns=names(columns))


def update_coins(columns: list[str]) -> sql.Composed:
    """Rows are compared by their bytes: for the SQL operators 0.0 equals -0.0.

    What changed is found first, by one hash join, and only for those few is a newer hour looked
    for. Left to the planner, an unanalysed table makes it compare every coin with every other.
    """
    of_a_coin = (*(column.name for column in COIN_ATTRIBUTES), "source")
    facts = [name for name in of_a_coin if name in columns]
    return sql.SQL(
        "WITH changed AS MATERIALIZED ("
        "SELECT new.* FROM new_coins AS new JOIN market.coins AS old USING (coin_id) "
        "WHERE record_image_ne(ROW({before}), ROW({after}))) "
        "UPDATE market.coins AS old SET {assignments}, snapshot_hour = %(hour)s, "
        "loaded_at = now() FROM changed AS new WHERE old.coin_id = new.coin_id "
        "AND (SELECT newer.snapshot_hour FROM market.coin_quotes AS newer "
        "WHERE newer.coin_id = new.coin_id AND newer.snapshot_hour > %(hour)s "
        "ORDER BY newer.snapshot_hour LIMIT 1) IS NULL"
    ).format(
        assignments=assignments({name: sql.Identifier("new", name) for name in facts}),
        before=names(facts, "old"),
        after=names(facts, "new"),
    )


# The transaction's time, as `loaded_at` has it, where the table has no quote of the hour.
EMPTY_HOUR = sql.SQL(
    "SELECT now() WHERE NOT EXISTS (SELECT FROM market.coin_quotes WHERE snapshot_hour = %(hour)s)"
)


def upsert_quotes(columns: list[str]) -> sql.Composed:
    facts: dict[str, sql.Composable] = {
        name: sql.SQL(
            "coalesce(EXCLUDED.{0}, old.{0})" if name in LISTING_ONLY else "EXCLUDED.{0}"
        ).format(sql.Identifier(name))
        for name in columns
        if name not in COIN_QUOTES.key
    }
    return sql.SQL(
        "INSERT INTO market.coin_quotes AS old ({columns}, loaded_at) "
        "SELECT {columns}, now() FROM new_coin_quotes ORDER BY {key} "
        "ON CONFLICT ({key}) DO UPDATE SET {assignments}, loaded_at = EXCLUDED.loaded_at "
        "WHERE record_image_ne(ROW({before}), ROW({after}))"
    ).format(
        columns=names(columns),
        key=names(list(COIN_QUOTES.key)),
        assignments=assignments(facts),
        before=names(list(facts), "old"),
        after=sql.SQL(", ").join(facts.values()),
    )


DELETE_QUOTES = sql.SQL(
    "DELETE FROM market.coin_quotes AS old WHERE old.snapshot_hour = %(hour)s "
    "AND old.currency IN (SELECT currency FROM new_coin_quotes) "
    "AND NOT EXISTS (SELECT 1 FROM new_coin_quotes AS new "
    "WHERE new.coin_id = old.coin_id AND new.currency = old.currency)"
)
