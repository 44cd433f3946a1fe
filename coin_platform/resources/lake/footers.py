"""Which raw files can hold rows of a window, by what Parquet files say at their ends."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING

from coin_platform.contracts.model import Table
from coin_platform.partitions import Window
from coin_platform.resources.lake.listing import RawFile
from coin_platform.resources.lake.raw import READERS

if TYPE_CHECKING:
    from pyarrow.fs import FileInfo, FileSystem


def holding(
    filesystem: "FileSystem", table: Table, files: Sequence[RawFile], window: Window
) -> list[RawFile]:
    """The files that can hold rows of the window, by the statistics in their footers.

    A file without them is kept, as is one with rows that have no time.
    """
    column = table.time_column
    if column is None or not files:
        return [*files]
    infos = filesystem.get_file_info([file.path for file in files])

    def can_hold(file: RawFile, info: "FileInfo") -> bool:
        if file.is_csv or not info.is_file:
            return True  # of one that is gone, whoever reads it says so
        try:
            span = _span(_Footer(info.path, info.size or 0, info.mtime_ns, column, filesystem))
        except FileNotFoundError:
            return True
        return span is None or (span[0] < window.end and span[1] >= window.start)

    with ThreadPoolExecutor(READERS) as pool:
        held = pool.map(can_hold, files, infos)
        return [file for file, can in zip(files, held, strict=True) if can]


@dataclass(frozen=True)
class _Footer:
    """What is said of a column at the end of a Parquet file, as long as the file is the same."""

    path: str
    size: int
    changed_ns: int
    column: str
    filesystem: "FileSystem" = field(compare=False, repr=False)


@lru_cache(maxsize=10_000)  # each hour asks several times for the files of a load, which stay
def _span(of: _Footer) -> "tuple[datetime, datetime] | None":
    """The least and greatest value of a Parquet file's column; None where that is not known."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    with of.filesystem.open_input_file(of.path) as stream:
        try:
            footer = pq.read_metadata(stream)
            place = footer.schema.names.index(of.column)
        except (pa.ArrowInvalid, ValueError):
            return None
    groups = [footer.row_group(n).column(place).statistics for n in range(footer.num_row_groups)]
    known = [group for group in groups if group and group.has_min_max and group.null_count == 0]
    if len(known) < len(groups) or not all(isinstance(group.min, datetime) for group in known):
        return None
    bounds = [bound for group in known for bound in (group.min, group.max)]
    return min(bounds), max(bounds)
