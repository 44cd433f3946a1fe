"""Raw files without Spark: a few columns of their rows, streamed.

Which files there are is in `listing.py`, what Spark reads of them in `frames.py`.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from coin_platform.contracts.model import Table
from coin_platform.contracts.raw import COMMIT_TIMESTAMP, OP
from coin_platform.contracts.render import arrow_schema
from coin_platform.errors import PermanentError, TransientError
from coin_platform.partitions import Window
from coin_platform.resources.lake.listing import RawFile
from coin_platform.resources.replication.layout import CSV_NULL

if TYPE_CHECKING:
    import pyarrow as pa
    from pyarrow.fs import FileSystem

BATCH_ROWS = 64 * 1024
# Arrow's own choice, 16 batches of each of 4 files, holds a whole load in memory.
READ_AHEAD = {"batch_readahead": 2, "fragment_readahead": 2}
READERS = 16
FILE_COLUMN = "file"


def read_rows(
    filesystem: "FileSystem",
    table: Table,
    files: Sequence[RawFile],
    columns: Sequence[str],
    window: Window | None,
) -> "pa.Table":
    """See `Lake.raw_rows`."""
    import pyarrow as pa

    none = _result_schema(table, columns).empty_table()
    return pa.concat_tables([none, *read_parts(filesystem, table, files, columns, window)])


def read_parts(
    filesystem: "FileSystem",
    table: Table,
    files: Sequence[RawFile],
    columns: Sequence[str],
    window: Window | None,
) -> "Iterator[pa.Table]":
    """See `Lake.raw_parts`. Files are streamed, so that only what is asked for is ever held."""
    result = _result_schema(table, columns)
    names = [name for name in result.names if name != FILE_COLUMN]
    for csv in (False, True):
        alike = [file for file in files if file.is_csv is csv]
        try:
            for part in _scan(filesystem, table, alike, names, window):
                yield part.cast(result)
        except FileNotFoundError as error:
            message = f"a raw file has gone since it was listed (a reload?): try again ({error})"
            raise TransientError(message) from error


def _result_schema(table: Table, columns: Sequence[str]) -> "pa.Schema":
    import pyarrow as pa

    names = [OP.name, *(name for name in columns if name not in (OP.name, FILE_COLUMN))]
    contract = arrow_schema(table)
    fields = [contract.field(name) for name in names]
    return pa.schema([*fields, pa.field(FILE_COLUMN, pa.string())])


def _scan(
    filesystem: "FileSystem",
    table: Table,
    files: Sequence[RawFile],
    names: Sequence[str],
    window: Window | None,
) -> "Iterator[pa.Table]":
    """Scan files of one format, which may lack columns that were added later."""
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.csv
    import pyarrow.dataset as ds

    if not files:
        return
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
    for batch in rows.to_batches(
        columns=[*names, "__filename"], filter=wanted, batch_size=BATCH_ROWS, **READ_AHEAD
    ):
        if batch.num_rows:
            yield _finished(pa.table(batch), len(names))


def _finished(part: "pa.Table", file_column: int) -> "pa.Table":
    """A scanned part with instants in UTC, and the name of its file in place of the path."""
    import pyarrow as pa
    import pyarrow.compute as pc

    for index, field in enumerate(part.schema):
        if pa.types.is_timestamp(field.type) and field.type.tz is None:
            aware = pc.assume_timezone(part.column(index), "UTC")
            part = part.set_column(index, field.name, aware)
    base = pc.replace_substring_regex(part.column(file_column), ".*/", "")
    return part.set_column(file_column, FILE_COLUMN, base)


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
    values: list[str]
    if load.is_csv:
        parts = (part[name] for part in _scan(filesystem, table, [load], [name], None))
        values = next((part.slice(0, 1).to_pylist() for part in parts), [])
    else:
        with filesystem.open_input_file(load.path) as stream:
            batches = pq.ParquetFile(stream).iter_batches(batch_size=1, columns=[name])
            values = next((batch[0].to_pylist() for batch in batches if len(batch)), [])
    if not values:
        message = f"{load.path} holds no rows, which a full load's file never does: reload the task"
        raise PermanentError(message)
    return str(values[0])
