"""The Delta tables themselves: created from their contracts, compared with them, kept in order.

Works through the `deltalake` package on the table's log, without an engine. Rows are read and
written in `frames.py`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from coin_platform.contracts.model import Column, Table, Type
from coin_platform.errors import PermanentError
from coin_platform.partitions import Window

if TYPE_CHECKING:
    import pyarrow as pa
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
KEEP = timedelta(days=7)


@dataclass(frozen=True)
class TableDetail:
    """A table's newest version, and the live files, their bytes and rows."""

    version: int
    files: int
    bytes: int
    rows: int


def field(column: Column) -> "Field":
    from deltalake import Field
    from deltalake.schema import PrimitiveType

    kind = PrimitiveType(DELTA_TYPES[column.type])
    return Field(
        column.name, kind, nullable=column.nullable, metadata={"comment": column.description}
    )


def exists(uri: str, options: Mapping[str, str]) -> bool:
    from deltalake import DeltaTable

    return bool(DeltaTable.is_deltatable(uri, dict(options)))


def ensure(table: Table, uri: str, options: Mapping[str, str]) -> None:
    """Create the table, or bring it up to its contract where that only adds nullable columns.

    Raises `PermanentError` that names every other difference.
    """
    from deltalake import DeltaTable, Schema

    if not exists(uri, options):
        DeltaTable.create(
            uri,
            Schema([field(column) for column in table.columns]),
            mode="ignore",
            name=table.id,
            description=table.description,
            storage_options=dict(options),
        )
    found = DeltaTable(uri, storage_options=dict(options))
    added = reconcile(table, found)
    if added:
        found.alter.add_columns([field(column) for column in added])


def reconcile(table: Table, found: "DeltaTable") -> list[Column]:
    """The contract's columns that the table lacks and may be given; raises for what differs."""
    there = {item.name: item for item in found.schema().fields}
    differences = [
        f"column {name} is not in the contract" for name in there.keys() - set(table.column_names)
    ]
    added = []
    for column in table.columns:
        item = there.get(column.name)
        wanted = DELTA_TYPES[column.type]
        if item is None and column.nullable:
            added.append(column)
        elif item is None:
            differences.append(f"column {column.name} is missing and required")
        elif getattr(item.type, "type", str(item.type)) != wanted:
            differences.append(f"column {column.name} is {item.type}, the contract says {wanted}")
        elif item.nullable and not column.nullable:
            differences.append(f"column {column.name} may be null, the contract requires it")
    if differences:
        message = (
            f"the table at {found.table_uri} differs from the contract of {table.id}: "
            f"{'; '.join(sorted(differences))}. Migrate it, or move it away and materialize anew."
        )
        raise PermanentError(message)
    return added


def detail(uri: str, options: Mapping[str, str]) -> TableDetail | None:
    """What the log says of the table; None where there is none."""
    import pyarrow as pa
    import pyarrow.compute as pc
    from deltalake import DeltaTable

    if not exists(uri, options):
        return None
    found = DeltaTable(uri, storage_options=dict(options))
    files = pa.table(found.get_add_actions(flatten=True))

    def total(column: str) -> int:
        return pc.sum(files[column]).as_py() or 0

    return TableDetail(found.version(), files.num_rows, total("size_bytes"), total("num_records"))


def compact(uri: str, options: Mapping[str, str]) -> None:
    """Merge small files; readers see the same rows."""
    from deltalake import DeltaTable

    DeltaTable(uri, storage_options=dict(options)).optimize.compact()


def vacuum(uri: str, options: Mapping[str, str], keep: timedelta = KEEP) -> list[str]:
    """Delete files that no version within `keep` needs; their paths. Older versions are lost."""
    from deltalake import DeltaTable

    found = DeltaTable(uri, storage_options=dict(options))
    hours = int(keep / timedelta(hours=1))
    return list(found.vacuum(hours, dry_run=False, enforce_retention_duration=False))


def rows(
    table: Table,
    uri: str,
    options: Mapping[str, str],
    columns: Sequence[str],
    window: Window | None,
) -> "pa.Table":
    """Those columns of the window's rows, as Arrow; files that cannot hold any are not read."""
    from deltalake import DeltaTable

    filters = None
    if window is not None and table.time_column is not None:
        daily = table.column(table.time_column).type is Type.DATE
        start, end = (bound.date() if daily else bound for bound in (window.start, window.end))
        filters = [(table.time_column, ">=", start), (table.time_column, "<", end)]
    found = DeltaTable(uri, storage_options=dict(options))
    return found.to_pyarrow_table(columns=list(columns), filters=filters)
