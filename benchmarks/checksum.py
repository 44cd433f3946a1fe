"""What contenders' tables are compared by: their rows, and a sum over them of any order."""

from typing import Any

import numpy as np
import pyarrow as pa


def of_rows(rows: pa.Table) -> dict[str, Any]:
    """Count and checksum of the rows; doubles by their bits, nulls told from all values."""
    total = 0
    for batch in rows.to_batches(max_chunksize=100_000):
        total += int(_row_hashes(batch).sum(dtype=np.uint64))
    return {"rows": rows.num_rows, "checksum": f"{total % 2**64:016x}"}


def _row_hashes(batch: pa.RecordBatch) -> Any:
    from pandas.util import hash_array

    hashes = np.zeros(batch.num_rows, np.uint64)
    for column in batch.columns:
        hashes = hashes * np.uint64(1_000_003) + hash_array(_bits(column))
    # Mixed once more, so that what two columns of a row have in common does not cancel out.
    return hash_array(hashes)


def _bits(column: pa.Array) -> Any:
    missing = column.is_null().to_numpy(zero_copy_only=False)
    kind = column.type
    if pa.types.is_string(kind):
        return np.where(missing, "\0", column.fill_null("").to_numpy(zero_copy_only=False))
    if pa.types.is_floating(kind):
        values = column.cast(pa.float64()).fill_null(0.0).to_numpy().view(np.int64)
    else:
        values = column.cast(pa.int64()).fill_null(0).to_numpy()
    # Nulls are another number than the value they were filled with.
    return values.astype(np.uint64) * np.uint64(2) + missing.astype(np.uint64)
