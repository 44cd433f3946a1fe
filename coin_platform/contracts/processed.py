"""The processed layer: typed, deduplicated Delta tables for data scientists.

Beside the two tables that they read stand those that account for them: what was quarantined, what
was released from quarantine, and the ledger that says that no row vanished.
"""

from dataclasses import replace

from coin_platform.contracts import database, raw
from coin_platform.contracts.model import Column, Table, Type, required, without
from coin_platform.contracts.rules import COIN_RULES, QUOTE_RULES

WARNINGS = Column(
    "warnings",
    Type.TEXT,
    "Ids of the rules that the row breaks and was kept with, joined by commas; null: none.",
)

COIN_QUOTES = replace(
    database.COIN_QUOTES,
    layer="processed",
    description=(
        "What each coin was worth as each hour closed: the latest version of every quote, "
        "deletes applied."
    ),
    columns=(*without(database.COIN_QUOTES.columns, "loaded_at"), WARNINGS),
    rules=QUOTE_RULES,
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
        WARNINGS,
    ),
    rules=COIN_RULES,
)

RUN_ID = Column("run_id", Type.TEXT, "Dagster run that wrote the row.", nullable=False)


def quarantine_of(log: Table, table: Table, key: tuple[str, ...]) -> Table:
    """Where rows of a change log go that may not enter the table made of it."""
    return replace(
        log,
        layer="processed",
        name=f"quarantined_{log.name}",
        description=f"Rows kept out of {table.id}, as they were in raw, and why.",
        key=key,
        columns=(
            # A value out of bounds is why a row is here.
            *(
                replace(c, nullable=True, minimum=None, maximum=None, values=())
                for c in log.columns
            ),
            Column(
                "rules", Type.TEXT, "Ids of all rules broken, joined by commas.", nullable=False
            ),
            Column("source_file", Type.TEXT, "Raw file that holds the row.", nullable=False),
            Column(
                "source_row",
                Type.BIGINT,
                "Its place among the file's rows; 1 is the first.",
                nullable=False,
                minimum=1,
            ),
            RUN_ID,
        ),
    )


QUARANTINED_COIN_QUOTES = quarantine_of(raw.COIN_QUOTES, COIN_QUOTES, COIN_QUOTES.key)
QUARANTINED_COINS = quarantine_of(raw.COINS, COINS, ("snapshot_hour", "coin_id"))

RELEASES = Table(
    layer="processed",
    name="releases",
    description=(
        "Quotes let out of quarantine by a person. A release holds for the price and the broken "
        "rules that were looked at: a row that changes is judged anew."
    ),
    key=COIN_QUOTES.key,
    time_column="snapshot_hour",
    columns=(
        database.SNAPSHOT_HOUR,
        database.COIN_ID,
        database.CURRENCY,
        Column("price", Type.DOUBLE, "Price that was released.", unit="currency"),
        Column("rules", Type.TEXT, "Rules that it breaks, joined by commas.", nullable=False),
        Column("reason", Type.TEXT, "Why it is true all the same.", nullable=False),
        Column("released_by", Type.TEXT, "Who said so.", nullable=False),
        Column("released_at", Type.TIMESTAMP, "When.", nullable=False),
    ),
)


def count(name: str, description: str) -> Column:
    return Column(name, Type.BIGINT, description, nullable=False, minimum=0)


def checksum(name: str, of: str) -> Column:
    return Column(
        name, Type.TEXT, f"Sum of the hashes of {of}, modulo 2^64, in hex.", nullable=False
    )


LEDGER = Table(
    layer="processed",
    name="ledger",
    description=(
        "The account of each hour: every key that raw holds was written, quarantined or deleted. "
        "Curated is made of balanced hours only. Checksums do not depend on the order of rows: "
        "raw is the sum of written and quarantined, and equals the database."
    ),
    key=("snapshot_hour", "table_name"),
    time_column="snapshot_hour",
    columns=(
        database.SNAPSHOT_HOUR,
        Column("table_name", Type.TEXT, "Table that was counted.", nullable=False),
        count("database_rows", "Rows of the hour in the database."),
        count("raw_keys", "Keys of the hour in raw: current and deleted ones."),
        count("current", "Keys whose last change is no delete."),
        count("deleted", "Keys whose last change is a delete."),
        count("written", "Of the current keys, those in processed."),
        count("quarantined", "Of the current keys, those in quarantine."),
        count("missing", "Current keys that are in neither."),
        count("unexpected", "Keys in processed or quarantine that are not current in raw."),
        count("different", "Keys whose values differ between raw and processed or quarantine."),
        count("unlike_database", "Keys that the database and raw do not hold alike."),
        checksum("database_checksum", "the database's rows"),
        checksum("raw_checksum", "raw's current rows"),
        checksum("written_checksum", "the rows written"),
        checksum("quarantined_checksum", "the rows quarantined"),
        Column("balanced", Type.BOOLEAN, "Whether everything adds up.", nullable=False),
        Column("examples", Type.TEXT, "Some of the keys that do not, and what is wrong with them."),
    ),
)

TABLES = (COIN_QUOTES, QUARANTINED_COIN_QUOTES, COINS, QUARANTINED_COINS, LEDGER)
SIDE_TABLES = (RELEASES,)  # written by people's decisions, not by an asset
