"""The columns of a Delta table: as its contract wants them, as they are, and what differs."""

from dataclasses import replace
from typing import TYPE_CHECKING

from coin_platform.contracts.model import Column, Drift, Table, Type
from coin_platform.contracts.schema import (
    TYPES,
    Change,
    Difference,
    Found,
    Schema,
    differences,
    sentence,
    stopping,
)
from coin_platform.errors import PermanentError

if TYPE_CHECKING:
    from deltalake import DeltaTable, Field

DELTA_TYPES = {
    Type.INTEGER: "integer",
    Type.BIGINT: "long",
    Type.DOUBLE: "double",
    Type.TEXT: "string",
    Type.BOOLEAN: "boolean",
    Type.TIMESTAMP: "timestamp",
    Type.DATE: "date",
}
CONTRACT_TYPES = {name: kind.value for kind, name in DELTA_TYPES.items()}


def field(column: Column) -> "Field":
    from deltalake import Field
    from deltalake.schema import PrimitiveType

    kind = PrimitiveType(DELTA_TYPES[column.type])
    return Field(
        column.name, kind, nullable=column.nullable, metadata={"comment": column.description}
    )


def columns(found: "DeltaTable") -> Schema:
    """The columns in order, types in the contract's words."""
    kinds = {
        item.name: (getattr(item.type, "type", str(item.type)), item.nullable)
        for item in found.schema().fields
    }
    return {
        name: Found(CONTRACT_TYPES.get(kind, kind), nullable)
        for name, (kind, nullable) in kinds.items()
    }


def beyond(table: Table, there: Schema) -> list[Column]:
    """The columns that a Delta table has and its contract has not."""
    return [
        Column(name, Type(str(kind.type)), "")
        for name, kind in there.items()
        if name not in table.column_names
    ]


def drift(table: Table, there: Schema) -> list[Difference]:
    """How a Delta table differs from its contract.

    The table is the platform's own: a nullable column that is gone comes back with the next write,
    and whatever else differs stops, but for new columns that can be written as null.
    """

    def action(difference: Difference) -> Drift:
        if difference.change is Change.NEW:
            return difference.action if difference.found in TYPES else Drift.STOP
        if difference.change is Change.REMOVED and table.column(difference.column).nullable:
            return Drift.EVOLVE
        return Drift.STOP

    return [replace(d, action=action(d)) for d in differences(table, there, table.id)]


def reconcile(table: Table, there: Schema, uri: str) -> list[Column]:
    """The contract's columns that the table lacks and may be given.

    Raises `PermanentError` that names every difference that stops.
    """
    found = drift(table, there)
    stop = stopping(found)
    if stop:
        message = (
            f"the table at {uri} differs from the contract of {table.id}: {sentence(stop)}. "
            "Migrate it, or move it away and materialize anew."
        )
        raise PermanentError(message)
    return [table.column(d.column) for d in found if d.change is Change.REMOVED]
