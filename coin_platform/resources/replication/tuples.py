"""Rows as pgoutput sends them (`TupleData`): read one at a time, or thousands by column.

A row stays bytes until its file is written. Then all rows of a row group are cut into columns at
once, which is ten times faster than cutting each row.
"""

import struct
from collections.abc import Sequence
from enum import Enum
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from coin_platform.errors import PermanentError


class ProtocolError(PermanentError):
    """Bytes that are not what the protocol says."""


class UnchangedValueError(Exception):
    """A row holds an untouched TOASTed value, which PostgreSQL did not send."""


class Unchanged(Enum):
    """Stands for a TOASTed value that an update did not touch and PostgreSQL did not send."""

    UNCHANGED = "unchanged"


UNCHANGED: Final = Unchanged.UNCHANGED
Fields = list[bytes | None | Unchanged]

_COUNT = struct.Struct(">h")
_LENGTH = struct.Struct(">I")
_TEXT, _NULL, _UNCHANGED = b"tnu"


def end_of(data: bytes, at: int) -> int:
    """Where the row that starts at `at` ends."""
    return _read(data, at)[1]


def fields(row: bytes) -> Fields:
    """The values of one row, as texts. Raises `ProtocolError`."""
    try:
        values, end = _read(row, 0)
    except (IndexError, struct.error) as error:
        raise ProtocolError(f"a row that breaks off: {row[:40]!r}") from error
    if end != len(row):
        raise ProtocolError(f"a row of {end} bytes in {len(row)}: {row[:40]!r}")
    return values


def row_of(values: Fields) -> bytes:
    """The bytes of a row, the inverse of `fields`."""
    parts = [_COUNT.pack(len(values))]
    for value in values:
        if value is None:
            parts.append(b"n")
        elif isinstance(value, Unchanged):
            parts.append(b"u")
        else:
            parts += (b"t", _LENGTH.pack(len(value)), value)
    return b"".join(parts)


def columns_of(rows: Sequence[bytes], count: int) -> list[pa.Array]:
    """The rows' values by column, as binary arrays; each row must have `count` of them.

    Raises `ProtocolError`, and `UnchangedValueError` if a value was not sent.
    """
    lengths = np.fromiter(map(len, rows), np.int64, len(rows))
    ends = np.cumsum(lengths)
    # Padded, so that reading the four length bytes after a null at the very end stays inside.
    joined = b"".join(rows) + bytes(8)
    data = np.frombuffer(joined, np.uint8)
    at = ends - lengths
    if np.any(_big_endian(joined, at, 2) != count):
        raise ProtocolError(f"a row that has not {count} values")
    at = at + 2
    bounds = np.empty((len(rows), count, 2), np.int32)
    is_text = np.empty((len(rows), count), np.bool_)
    for n in range(count):
        kinds = data[np.minimum(at, len(data) - 1)]
        text = kinds == _TEXT
        if not np.all(text | (kinds == _NULL)):
            _refuse(kinds)
        start = at + np.where(text, 5, 1)
        at = start + np.where(text, _big_endian(joined, at + 1, 4), 0)
        bounds[:, n, 0], bounds[:, n, 1], is_text[:, n] = start, at, text
        if np.any(at > ends):
            raise ProtocolError("a row that breaks off")
    if np.any(at != ends):
        raise ProtocolError("a row with bytes behind its last value")
    return _gathered(joined, bounds, is_text)


def _gathered(
    joined: bytes, bounds: npt.NDArray[np.int32], is_text: npt.NDArray[np.bool_]
) -> list[pa.Array]:
    """Copy the texts at these bounds out by column."""
    rows, count, _ = bounds.shape
    # One array over all bytes, whose elements are by turns a gap and a value; Arrow then takes
    # the values of a column from it.
    offsets = np.concatenate(([0], bounds.ravel(), [len(joined)])).astype(np.int32)
    everything = pa.BinaryArray.from_buffers(
        pa.binary(), len(offsets) - 1, [None, pa.py_buffer(offsets), pa.py_buffer(joined)]
    )
    first = np.arange(rows, dtype=np.int64) * (2 * count) + 1
    return [everything.take(pa.array(first + 2 * n, mask=~is_text[:, n])) for n in range(count)]


def _big_endian(joined: bytes, at: npt.NDArray[np.int64], size: int) -> npt.NDArray[np.int64]:
    """The numbers of `size` bytes at these places; where one would end outside, the last inside."""
    inside = len(joined) - size
    # One number at every byte, each overlapping the next.
    numbers = np.ndarray((inside + 1,), f">u{size}", joined, strides=(1,))
    return numbers[np.minimum(at, inside)].astype(np.int64)


def _refuse(kinds: npt.NDArray[np.uint8]) -> None:
    if np.any(kinds == _UNCHANGED):
        raise UnchangedValueError
    raise ProtocolError("a value that is neither text nor null; only text was asked for")


def _read(data: bytes, at: int) -> tuple[Fields, int]:
    (count,) = _COUNT.unpack_from(data, at)
    at += 2
    values: Fields = []
    for _ in range(count):
        kind = data[at]
        at += 1
        if kind == _TEXT:
            start = at + 4
            at = start + _LENGTH.unpack_from(data, at)[0]
            values.append(data[start:at])
        elif kind == _NULL:
            values.append(None)
        elif kind == _UNCHANGED:
            values.append(UNCHANGED)
        else:
            raise ProtocolError(f"a value of kind {chr(kind)!r}; only text was asked for")
    return values, at
