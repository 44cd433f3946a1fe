"""Raw files without Spark: which there are, what their names say, and a few columns of their rows.

File names are DMS's (`resources/replication/layout.py`): the name of a change file is the time it
was made, so that files are skipped by name. What Spark reads of them is in `frames.py`.
"""

import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import reduce
from typing import TYPE_CHECKING

from coin_platform.contracts.model import Table
from coin_platform.contracts.raw import COMMIT_TIMESTAMP, OP
from coin_platform.contracts.render import arrow_schema
from coin_platform.errors import PermanentError
from coin_platform.partitions import Window
from coin_platform.resources.replication.layout import CHANGE_FILE, CSV_NULL, LOAD_FILE

if TYPE_CHECKING:
    import pyarrow as pa
    from pyarrow.fs import FileSystem

log = logging.getLogger(__name__)

BATCH_ROWS = 64 * 1024
FILE_COLUMN = "file"
UNFINISHED = re.compile(r"[._].*|.*\.(tmp|crc|inprogress)")


@dataclass(frozen=True, order=True)
class RawFile:
    """A finished raw file. Sorts as changes apply: the full load first, then by time of making.

    `written_at` is what the name of a change file says; None for a full load's, which has no time.
    """

    is_change: bool
    name: str
    path: str
    written_at: datetime | None = None

    @property
    def is_load(self) -> bool:
        return not self.is_change

    @property
    def is_csv(self) -> bool:
        return ".csv" in self.name


def parse(path: str) -> RawFile | None:
    """The raw file at a path; None for one that is not finished or not a raw file at all.

    The latter is said in a warning: reading past it could hide rows.
    """
    name = path.rpartition("/")[2]
    if LOAD_FILE.fullmatch(name):
        return RawFile(is_change=False, name=name, path=path)
    if CHANGE_FILE.fullmatch(name):
        day, _, clock = name.partition(".")[0].partition("-")
        written_at = datetime.strptime(f"{day}{clock:0<12}", "%Y%m%d%H%M%S%f").replace(tzinfo=UTC)
        return RawFile(is_change=True, name=name, path=path, written_at=written_at)
    if not UNFINISHED.fullmatch(name):
        log.warning("%s is named neither as a load nor as a change file: it is not read", path)
    return None


def list_files(filesystem: "FileSystem", folder: str) -> list[RawFile]:
    """The finished raw files below a folder, sorted; none where there is no such folder."""
    from pyarrow.fs import FileSelector, FileType

    selector = FileSelector(folder, allow_not_found=True, recursive=True)
    found = filesystem.get_file_info(selector)
    files = (parse(info.path) for info in found if info.type == FileType.File)
    return sorted(file for file in files if file is not None)


def made_since(files: Sequence[RawFile], since: datetime) -> list[RawFile]:
    """The loads, and the change files made at `since` or later.

    A `since` ahead of this machine's clock skips nothing: names are times of the replication's
    clock, and a market that is simulated or replayed may run ahead of it.
    """
    if since > datetime.now(UTC):
        return list(files)
    return [file for file in files if file.written_at is None or file.written_at >= since]


def read_rows(
    filesystem: "FileSystem",
    table: Table,
    files: Sequence[RawFile],
    columns: Sequence[str],
    window: Window | None,
) -> "pa.Table":
    """See `Lake.raw_rows`. Streams batches and keeps only what is asked for."""
    import pyarrow as pa

    names = [OP.name, *(name for name in columns if name not in (OP.name, FILE_COLUMN))]
    contract = arrow_schema(table)
    schema = pa.schema([contract.field(name) for name in names])
    result = pa.schema([*schema, pa.field(FILE_COLUMN, pa.string())])
    parts = [
        _scan(filesystem, table, [file for file in files if file.is_csv is csv], names, window)
        for csv in (False, True)
        if any(file.is_csv is csv for file in files)
    ]
    return pa.concat_tables(part.cast(result) for part in parts) if parts else result.empty_table()


def _scan(
    filesystem: "FileSystem",
    table: Table,
    files: Sequence[RawFile],
    names: Sequence[str],
    window: Window | None,
) -> "pa.Table":
    """Scan files of one format, which may lack columns that were added later."""
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.csv
    import pyarrow.dataset as ds

    contract = arrow_schema(table)
    file_format: ds.FileFormat = ds.ParquetFileFormat()
    zone: str | None = "UTC"
    if files[0].is_csv:
        # Instants stand in CSV without their zone, which is UTC.
        zone = None
        file_format = ds.CsvFileFormat(
            parse_options=pyarrow.csv.ParseOptions(newlines_in_values=True),
            convert_options=pyarrow.csv.ConvertOptions(
                null_values=[CSV_NULL], strings_can_be_null=True, quoted_strings_can_be_null=False
            ),
        )
    instant = pa.timestamp("us", zone)
    read = pa.schema(
        [
            pa.field(field.name, instant if pa.types.is_timestamp(field.type) else field.type)
            for field in contract
        ]
    )
    rows = ds.dataset(
        [file.path for file in files], schema=read, format=file_format, filesystem=filesystem
    )
    wanted = None
    if window is not None and table.time_column is not None:
        time = pc.field(table.time_column)
        start, end = (
            pa.scalar(bound.replace(tzinfo=None), pa.timestamp("us")).cast(instant)
            for bound in (window.start, window.end)
        )
        # A delete carries only the key: without a time it may belong to any window.
        wanted = ((time >= start) & (time < end)) | time.is_null()
    scanned = rows.to_table(
        columns=[*names, "__filename"], filter=wanted, batch_size=BATCH_ROWS, batch_readahead=2
    )
    if zone is None:
        for index, field in enumerate(scanned.schema):
            if pa.types.is_timestamp(field.type):
                aware = pc.assume_timezone(scanned.column(index), "UTC")
                scanned = scanned.set_column(index, field.name, aware)
    base = pc.replace_substring_regex(scanned["__filename"], ".*/", "")
    return scanned.set_column(len(names), FILE_COLUMN, base)


def columns_of(filesystem: "FileSystem", file: RawFile) -> tuple[str, ...]:
    """The column names in a CSV file's header."""
    import pyarrow.csv

    with filesystem.open_input_stream(file.path) as stream:
        reader = pyarrow.csv.open_csv(
            stream, parse_options=pyarrow.csv.ParseOptions(newlines_in_values=True)
        )
        return tuple(reader.schema.names)


def load_started(filesystem: "FileSystem", table: Table, files: Sequence[RawFile]) -> str | None:
    """The commit timestamp that all rows of the full load carry; None without a full load."""
    import pyarrow.parquet as pq

    load = next((file for file in files if file.is_load), None)
    if load is None:
        return None
    name = COMMIT_TIMESTAMP.name
    if load.is_csv:
        values = _scan(filesystem, table, [load], [name], None)[name].slice(0, 1).to_pylist()
    else:
        with filesystem.open_input_file(load.path) as stream:
            batches = pq.ParquetFile(stream).iter_batches(batch_size=1, columns=[name])
            values = reduce(lambda seen, batch: seen or batch[0].to_pylist(), batches, [])
    if not values:
        message = f"{load.path} holds no rows, which a full load's file never does: reload the task"
        raise PermanentError(message)
    return str(values[0])
