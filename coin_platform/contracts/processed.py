"""The processed layer: typed, deduplicated Delta tables for data scientists."""

from dataclasses import replace

from coin_platform.contracts import database
from coin_platform.contracts.model import Column, Table, Type, required, without

COIN_QUOTES = replace(
    database.COIN_QUOTES,
    layer="processed",
    description=(
        "What each coin was worth as each hour closed: the latest version of every quote, "
        "deletes applied."
    ),
    columns=without(database.COIN_QUOTES.columns, "loaded_at"),
)

IDENTITY = ("name", "symbol", "slug")  # the vendor promises these for every coin

COINS = Table(
    layer="processed",
    name="coins",
    description=(
        "History of each coin's attributes (SCD type 2): one row for each version, "
        "valid from its hour until the next."
    ),
    key=("coin_id", "valid_from"),
    columns=(
        database.COIN_ID,
        *(
            required(column) if column.name in IDENTITY else column
            for column in database.COIN_ATTRIBUTES
        ),
        database.SOURCE,
        Column("valid_from", Type.TIMESTAMP, "Hour from which the version holds.", nullable=False),
        Column(
            "valid_to", Type.TIMESTAMP, "Hour from which it no longer holds; null: it still does."
        ),
        Column(
            "is_current", Type.BOOLEAN, "Whether it is the coin's present version.", nullable=False
        ),
    ),
)

TABLES = (COIN_QUOTES, COINS)
