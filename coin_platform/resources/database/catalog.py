"""What the catalog says of a table's columns, and what of them can be read and written."""

import psycopg

from coin_platform.contracts.database import SCHEMA
from coin_platform.contracts.model import Table, Type
from coin_platform.contracts.render import POSTGRES_TYPES
from coin_platform.contracts.schema import (
    Change,
    Difference,
    Found,
    Schema,
    absent,
    differences,
    sentence,
    stopping,
)
from coin_platform.errors import PermanentError

COLUMNS = """
    SELECT attname, format_type(atttypid, atttypmod), NOT attnotnull FROM pg_attribute
    WHERE attrelid = to_regclass(%s) AND attnum > 0 AND NOT attisdropped ORDER BY attnum
"""
CONTRACT_TYPES = {
    **{name: kind.value for kind, name in POSTGRES_TYPES.items()},
    "timestamp with time zone": Type.TIMESTAMP.value,
}
# The types of PostgreSQL that hold every value of a contract's type, and give it back.
HOLDS = {
    Type.INTEGER: {Type.BIGINT, Type.DOUBLE, Type.TEXT},
    Type.BIGINT: {Type.TEXT},
    Type.DOUBLE: {Type.TEXT},
    Type.BOOLEAN: {Type.TEXT},
}
WHAT_TO_DO = (
    "Restore the column (ALTER TABLE), or change coin_platform/contracts/database.py and add a "
    "migration; see docs/runbooks/schema_matches_contract.md"
)


def columns(connection: psycopg.Connection, table: Table) -> Schema:
    """The table's columns in order, types in the contract's words; none where there is no table."""
    found = connection.execute(COLUMNS, [f"{SCHEMA}.{table.name}"]).fetchall()
    return {name: Found(CONTRACT_TYPES.get(kind, kind), null) for name, kind, null in found}


def drift(table: Table, found: Schema) -> list[Difference]:
    """How a table differs; nothing of one that is not there, which its own errors say."""
    return differences(table, found, f"{SCHEMA}.{table.name}") if found else []


def require(different: list[Difference], names: list[str]) -> None:
    """Raise `PermanentError` where one of these columns is gone or retyped and must not be."""
    stop = [
        difference
        for difference in stopping(different)
        if difference.column in names and difference.change in (Change.REMOVED, Change.RETYPED)
    ]
    if stop:
        raise PermanentError(f"{sentence(stop)}. {WHAT_TO_DO}")


def writable(table: Table, different: list[Difference], names: list[str]) -> list[str]:
    """Those of the columns that can be written without losing a value.

    Raises `PermanentError` where one cannot that must be.
    """
    require(different, names)
    lost = absent(different) | {
        difference.column
        for difference in different
        if difference.change is Change.RETYPED
        and difference.found not in HOLDS.get(table.column(difference.column).type, ())
    }
    return [name for name in names if name not in lost]


def type_of(found: Schema, table: Table, name: str) -> Type:
    """The type of a column that can be written; the contract's where there is no table."""
    return Type(str(found[name].type)) if name in found else table.column(name).type
