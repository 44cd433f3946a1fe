"""Hashes of rows that are equal in every layer, because they are made of values, not of texts."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import pyarrow as pa

Hashes = npt.NDArray[np.uint64]

_NULL = np.uint64(0x9E3779B97F4A7C15)
_PRIME = np.uint64(0x100000001B3)


def row_hashes(table: "pa.Table", columns: Sequence[str]) -> Hashes:
    """A hash of each row's values in these columns, in their order, shape (rows,).

    Doubles count by their bits, instants by their microseconds, texts by their UTF-8; null differs
    from every value, NaN included.
    """
    hashes = np.zeros(table.num_rows, np.uint64)
    for name in columns:
        with np.errstate(over="ignore"):
            hashes = _mixed(hashes * _PRIME + _values(table[name]))
    return hashes


def checksum(hashes: Hashes) -> str:
    """The sum of the hashes modulo 2^64, as 16 hex digits, whatever their order."""
    with np.errstate(over="ignore"):
        return f"{int(hashes.sum(dtype=np.uint64)):016x}"


def _values(column: "pa.ChunkedArray") -> Hashes:
    """Each value as 64 bits."""
    import pandas as pd
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = column.type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        # Texts repeat: each is hashed once.
        encoded = column.cast(pa.string()).combine_chunks().dictionary_encode()
        texts = np.array(encoded.dictionary.to_pylist(), dtype=object)
        # Not categorized, which takes texts that differ after a NUL for equal.
        known = pd.util.hash_array(texts, categorize=False)
        places = encoded.indices.fill_null(0).to_numpy(zero_copy_only=False)
        bits = known[places] if len(known) else np.zeros(len(column), np.uint64)
    elif pa.types.is_floating(kind):
        numbers = column.fill_null(0.0).to_numpy()
        bits = np.where(np.isnan(numbers), np.nan, numbers).view(np.uint64)  # one NaN of many
    elif pa.types.is_timestamp(kind):
        instants = column.cast(pa.timestamp("us", kind.tz)).cast(pa.int64())
        bits = instants.fill_null(0).to_numpy().view(np.uint64)
    else:
        bits = column.cast(pa.int64()).fill_null(0).to_numpy().view(np.uint64)
    is_null = pc.is_null(column).to_numpy()
    return np.where(is_null, _NULL, _mixed(bits)).astype(np.uint64)


def _mixed(bits: Hashes) -> Hashes:
    """Spread every bit over all: the finalizer of splitmix64 (Steele et al., 2014)."""
    with np.errstate(over="ignore"):
        bits = bits + np.uint64(0x9E3779B97F4A7C15)
        bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        mixed: Hashes = bits ^ (bits >> np.uint64(31))
        return mixed
