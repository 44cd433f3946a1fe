"""Results as CSV, JSON and Parquet, written as they come, and files whole or not at all."""

import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from math import isfinite
from pathlib import Path
from typing import IO, TYPE_CHECKING

from coin_platform.errors import SettingsError
from coin_platform.query.texts import harmless, is_number, texts

if TYPE_CHECKING:
    import pyarrow as pa

Writer = Callable[["pa.Schema", Iterable["pa.RecordBatch"], IO[bytes]], int]

QUOTED = r'[",\r\n]'


def write_csv(
    schema: "pa.Schema",
    batches: "Iterable[pa.RecordBatch]",
    file: IO[bytes],
    line_end: str = "\n",
) -> int:
    """Write a header and the rows as RFC 4180 has it, in UTF-8; how many rows there were.

    Null is an empty field, an empty text `""`. No text is a formula to a spreadsheet.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    header = quoted(harmless(pa.array(schema.names, pa.string()))).to_pylist()
    file.write((",".join(header) + line_end).encode())
    rows = 0
    for batch in batches:
        columns = [field_of(column) for column in batch.columns]
        lines = pc.binary_join_element_wise(*columns, ",")
        file.write("".join(line + line_end for line in lines.to_pylist()).encode())
        rows += batch.num_rows
    return rows


def field_of(column: "pa.Array") -> "pa.Array":
    """The column's values as fields of CSV."""
    import pyarrow.compute as pc

    written = texts(column)
    if not is_number(column.type):
        written = quoted(harmless(written))
    return pc.fill_null(written, "")


def quoted(column: "pa.Array") -> "pa.Array":
    """Texts in quotes where they need them; the empty one, too, which would read as null."""
    import pyarrow.compute as pc

    needs = pc.or_(pc.match_substring_regex(column, QUOTED), pc.equal(column, ""))
    doubled = pc.replace_substring(column, '"', '""')
    return pc.if_else(needs, pc.binary_join_element_wise('"', doubled, '"', ""), column)


def write_json(schema: "pa.Schema", batches: "Iterable[pa.RecordBatch]", file: IO[bytes]) -> int:
    """Write one JSON array, an object a row and line; how many rows there were.

    Instants and dates are text as in CSV; a number that is not finite is the text `NaN`,
    `Infinity` or `-Infinity`, which JSON has no number for.
    """
    names = distinct(schema.names)
    rows = 0
    for batch in batches:
        columns = [json_values(column) for column in batch.columns]
        for values in zip(*columns, strict=True):
            row = json.dumps(dict(zip(names, values, strict=True)), ensure_ascii=False, default=str)
            file.write(f"{',' if rows else '['}\n{row}".encode())
            rows += 1
    file.write(b"\n]\n" if rows else b"[]\n")
    return rows


def json_values(column: "pa.Array") -> list[object]:
    """The column's values as JSON has them."""
    import pyarrow as pa

    kind = column.type
    if pa.types.is_floating(kind):
        return [jsonable(value) for value in column.to_pylist()]
    if pa.types.is_integer(kind) or pa.types.is_boolean(kind) or pa.types.is_string(kind):
        return list(column.to_pylist())
    if pa.types.is_nested(kind):
        return [jsonable(value) for value in column.to_pylist()]
    return list(texts(column).to_pylist())


def jsonable(value: object) -> object:
    """The value, with text for what JSON has no number for, at any depth."""
    if isinstance(value, float) and not isfinite(value):
        return {float("inf"): "Infinity", float("-inf"): "-Infinity"}.get(value, "NaN")
    if isinstance(value, Mapping):
        return {str(key): jsonable(of) for key, of in value.items()}
    if isinstance(value, list | tuple):
        return [jsonable(of) for of in value]
    return value


def distinct(names: list[str]) -> list[str]:
    """The names, with a number where one comes again: `a`, `a_1`."""
    given: list[str] = []
    for name in names:
        number, candidate = 0, name
        while candidate in given:
            number += 1
            candidate = f"{name}_{number}"
        given.append(candidate)
    return given


def write_parquet(schema: "pa.Schema", batches: "Iterable[pa.RecordBatch]", file: IO[bytes]) -> int:
    """Write the rows with their types, a row group a batch at the least; how many there were."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = 0
    named = pa.schema(
        [field.with_name(name) for field, name in zip(schema, distinct(schema.names), strict=True)]
    )
    with pq.ParquetWriter(file, named) as writer:
        for batch in batches:
            writer.write_batch(pa.RecordBatch.from_arrays(batch.columns, schema=named))
            rows += batch.num_rows
    return rows


FORMATS: dict[str, Writer] = {"csv": write_csv, "json": write_json, "parquet": write_parquet}


@contextmanager
def new_file(path: Path) -> Iterator[IO[bytes]]:
    """A file that appears under its name, or takes the place of another, once it is whole.

    Raises `SettingsError` where none can be written.
    """
    if path.exists() and not path.is_file():  # a pipe or a device takes what comes
        with path.open("wb") as file:
            yield file
        return
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        file = temporary.open("wb")
    except OSError as error:
        raise SettingsError(f"{path} cannot be written: {error.strerror}") from error
    try:
        with file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
