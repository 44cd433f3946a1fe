"""What a table holds, in few words: to compare tables that different engines wrote."""

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from coin_platform.quality.checksum import checksum, row_hashes

if TYPE_CHECKING:
    import pyarrow as pa

BATCH_ROWS = 100_000
DIGITS = 6  # engines that add in another order differ in the last of sixteen


def of_rows(rows: "pa.Table") -> dict[str, Any]:
    """Count and checksum of rows in memory; doubles by their bits, nulls told from all values."""
    return {"rows": rows.num_rows, "checksum": checksum(row_hashes(rows, rows.column_names))}


def summary(
    folder: Path, columns: Sequence[str], computed: Collection[str] = ()
) -> dict[str, object]:
    """Rows, and a checksum of their values that does not depend on their order.

    The folder is a Delta table, or Parquet files where it has no log. Of the columns named as
    `computed` six significant digits count, of all others every bit.
    """
    import pyarrow as pa
    import pyarrow.dataset as ds
    from deltalake import DeltaTable

    if (folder / "_delta_log").exists():
        rows = DeltaTable(folder).to_pyarrow_dataset()
    else:
        rows = ds.dataset(folder, format="parquet", exclude_invalid_files=True)
    count, total = 0, 0
    for batch in rows.to_batches(columns=list(columns), batch_size=BATCH_ROWS):
        hashes = row_hashes(comparable(pa.table(batch), computed), columns)
        count += batch.num_rows
        total += int(hashes.sum(dtype=np.uint64))
    return {"rows": count, "checksum": f"{total % (1 << 64):016x}"}


def comparable(rows: "pa.Table", computed: Collection[str]) -> "pa.Table":
    """The rows with computed doubles as texts of six digits, and dates as their numbers."""
    import pyarrow as pa

    for index, field in enumerate(rows.schema):
        if field.name in computed:
            texts = [None if v is None else f"{v:.{DIGITS}g}" for v in rows[index].to_pylist()]
            rows = rows.set_column(index, field.name, pa.array(texts, pa.string()))
        elif pa.types.is_date(field.type):
            rows = rows.set_column(index, field.name, rows[index].cast(pa.int32()))
    return rows
