"""The columns that raw files and Delta tables really have, and the shapes that follow from them.

Raw files of one table differ: the table was altered between them. Files of one shape are read
together, as a contract that says what is in them.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

from coin_platform.contracts.model import Column, Drift, Table, Type
from coin_platform.contracts.raw import CHANGE_SEQ, COMMIT_TIMESTAMP, OP
from coin_platform.contracts.render import arrow_schema
from coin_platform.contracts.schema import (
    Change,
    Difference,
    Found,
    Schema,
    absent,
    differences,
    sentence,
)
from coin_platform.errors import PermanentError
from coin_platform.partitions import Window
from coin_platform.resources.conversion import exactly
from coin_platform.resources.lake import raw
from coin_platform.resources.lake.frames import BEYOND
from coin_platform.resources.lake.listing import RawFile

if TYPE_CHECKING:
    import pyarrow as pa
    from pyarrow.fs import FileSystem

Shape = tuple[tuple[str, Found], ...]


def of_raw_files(
    filesystem: "FileSystem", files: Sequence[RawFile]
) -> "dict[Shape, list[RawFile]]":
    """The files by their columns, in order; the footers are read, a few at a time."""
    by_shape: dict[Shape, list[RawFile]] = defaultdict(list)
    with ThreadPoolExecutor(raw.READERS) as pool:
        for file, shape in zip(
            files, pool.map(lambda file: of_raw_file(filesystem, file), files), strict=True
        ):
            by_shape[shape].append(file)
    return dict(by_shape)


def of_raw_file(filesystem: "FileSystem", file: RawFile) -> Shape:
    """A file's columns; CSV has no types."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    if file.is_csv:
        return tuple((name, Found(None)) for name in raw.columns_of(filesystem, file))
    with filesystem.open_input_file(file.path) as stream:
        try:
            schema = pq.read_schema(stream)
        except pa.ArrowInvalid as error:
            message = f"{file.path} cannot be read ({error}): move it away and reload the task"
            raise PermanentError(message) from error
    return tuple((field.name, Found(contract_type(field.type))) for field in schema)


def contract_type(kind: "pa.DataType") -> str:
    """The contract's word for an Arrow type; Arrow's own where it has none."""
    import pyarrow as pa

    words = {
        pa.int32(): Type.INTEGER,
        pa.int64(): Type.BIGINT,
        pa.float64(): Type.DOUBLE,
        pa.string(): Type.TEXT,
        pa.bool_(): Type.BOOLEAN,
        pa.timestamp("us", "UTC"): Type.TIMESTAMP,
        pa.date32(): Type.DATE,
    }
    known = words.get(kind)
    # Arrow writes `timestamp[us, tz=UTC]`; a bare `double` of another engine cannot come here.
    return known.value if known is not None else str(kind)


def raw_drift(table: Table, shape: Shape, file: RawFile) -> list[Difference]:
    """How a raw file of that shape differs. Rows of a full load need no change sequence."""
    return [
        replace(difference, example=file.name)
        for difference in differences(table, dict(shape), table.id)
        if not (file.is_load and difference.column == CHANGE_SEQ.name)
    ]


def shapes(
    filesystem: "FileSystem", table: Table, files: Sequence[RawFile]
) -> list[tuple[Table, list[RawFile]]]:
    """The files by how they are read: what `as_found` says, and for CSV the header."""
    by_reading: dict[tuple[Table, Shape | None], list[RawFile]] = defaultdict(list)
    for shape, alike in of_raw_files(filesystem, files).items():
        header = shape if alike[0].is_csv else None
        by_reading[as_found(table, shape, alike[0]), header] += alike
    return [(found, alike) for (found, _), alike in by_reading.items()]


def is_fixed(table: Table, name: str) -> bool:
    """Whether a column is one without which nothing goes on, so that no file has it otherwise."""
    identity = {*table.key, table.time_column, OP.name, COMMIT_TIMESTAMP.name, CHANGE_SEQ.name}
    return name in identity or name in ("loaded_at", raw.FILE_COLUMN)


def as_found(table: Table, shape: Shape, file: RawFile) -> Table:
    """The contract as a file of that shape fulfils it.

    Columns that hold nothing usable are not in it, retyped ones have the file's type, new ones are
    added where the contract follows. Columns that the file has not got yet stay: they read as null.
    Raises `PermanentError` where rows could not be told apart: a key or time of another type.
    """
    found = dict(shape)
    drift = [d for d in raw_drift(table, shape, file) if d.change is not Change.REMOVED]
    if not drift:
        return table
    identity = {*table.key, table.time_column}
    lost = [d for d in drift if d.change is Change.RETYPED and d.column in identity]
    if lost:
        raise PermanentError(
            f"{sentence(lost)}. Restore the column's type and `coin-platform replication reload`"
        )
    unusable = absent(drift)
    columns = [
        replace(column, type=Type(kind)) if (kind := retyped(found, column)) else column
        for column in table.columns
        if column.name not in unusable
    ]
    return replace(table, columns=(*columns, *beyond(table, found)), rules=())


def retyped(found: Mapping[str, Found], column: Column) -> str | None:
    """The type a column has in place of its own."""
    there = found.get(column.name)
    return None if there is None or there.type == column.type.value else there.type


def beyond(table: Table, found: Schema) -> list[Column]:
    """New columns that the contract carries on, as nullable columns of their type."""
    if table.new_columns is not Drift.EVOLVE:
        return []
    kinds = {kind.value for kind in Type}
    return [
        Column(name, Type(there.type), BEYOND)
        for name, there in found.items()
        if name not in table.column_names and there.type in kinds
    ]


def with_new_columns(table: Table, shapes: Sequence[Table]) -> Table:
    """The contract and the new columns of any shape; text where shapes disagree on a type."""
    new: dict[str, Column] = {}
    for shape in shapes:
        for column in shape.columns:
            if column.name not in table.column_names:
                known = new.setdefault(column.name, column)
                if known.type is not column.type:
                    new[column.name] = replace(column, type=Type.TEXT)
    return replace(table, columns=(*table.columns, *new.values())) if new else table


def read_rows(
    filesystem: "FileSystem",
    table: Table,
    files: Sequence[RawFile],
    columns: Sequence[str],
    window: Window | None,
) -> "pa.Table":
    """See `Lake.raw_rows`: as `raw.read_rows`, of files that may differ from the contract."""
    import pyarrow as pa

    if all(is_fixed(table, name) for name in columns):
        return raw.read_rows(filesystem, table, files, columns, window)
    names = dict.fromkeys([OP.name, *columns, raw.FILE_COLUMN])
    contract = arrow_schema(table)
    wanted = pa.schema([contract.field(name) for name in names if name != raw.FILE_COLUMN])
    wanted = wanted.append(pa.field(raw.FILE_COLUMN, pa.string()))
    parts = [wanted.empty_table()]
    for shape, alike in shapes(filesystem, table, files):
        held = [name for name in columns if name in shape.column_names]
        rows = raw.read_rows(filesystem, shape, alike, held, window)
        values = [
            exactly(rows[field.name], field.type)
            if field.name in rows.column_names
            else pa.nulls(rows.num_rows, field.type)
            for field in wanted
        ]
        parts.append(pa.table(values, schema=wanted))
    return pa.concat_tables(parts)
