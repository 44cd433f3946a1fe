"""The lake: `raw/market/<table>/`, `processed/<table>` and `curated/<table>`.

Below one root; on AWS each layer has a bucket of its own.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING

from coin_platform.contracts import database
from coin_platform.contracts.model import Column, Table
from coin_platform.contracts.schema import Difference, Schema
from coin_platform.errors import PermanentError, TransientError
from coin_platform.partitions import Window, utc_now
from coin_platform.resources.lake import (
    delta_schema,
    footers,
    frames,
    listing,
    raw,
    schemas,
    tables,
    upkeep,
)
from coin_platform.resources.lake.listing import RawFile
from coin_platform.resources.lake.storage import is_local, open_filesystem
from coin_platform.resources.lake.tables import TableDetail

if TYPE_CHECKING:
    import pyarrow as pa
    from pyarrow.fs import FileSystem
    from pyspark.sql import DataFrame, SparkSession

LAYERS = ("raw", "processed", "curated", "serving", "operations")
LOCK_TIMEOUT_SECONDS = 600


class Lake:
    """Reads and writes the tables below `root`: a folder or a URL, or one for each layer.

    `storage_options` say which S3 (`storage.py`); Spark's session has its own. Every writer of a
    table goes through this class, so that a local lake has one writer a table at a time.
    """

    def __init__(
        self, root: str | Mapping[str, str], storage_options: Mapping[str, str] | None = None
    ) -> None:
        if isinstance(root, str):
            root = {layer: f"{root.rstrip('/')}/{layer}" for layer in LAYERS}
        self.roots = {layer: uri.rstrip("/") for layer, uri in root.items()}
        self.storage_options = dict(storage_options or {})

    @property
    def url(self) -> str:
        """Where the lake is, as a person is told: the root of all layers, or all of them."""
        roots = self.roots.items()
        below = {uri.removesuffix(f"/{layer}") for layer, uri in roots if uri.endswith(f"/{layer}")}
        return below.pop() if len(below) == 1 else ", ".join(self.roots.values())

    @property
    def is_local(self) -> bool:
        return all(map(is_local, self.roots.values()))

    def uri(self, table: Table) -> str:
        """Where a table is: the folder of its raw files, or the root of its Delta table."""
        schema = f"{database.SCHEMA}/" if table.layer == "raw" else ""
        return f"{self.roots[table.layer]}/{schema}{table.name}"

    def _filesystem(self, table: Table) -> "FileSystem":
        return open_filesystem(self.uri(table), self.storage_options)[0]

    # Raw files

    def raw_files(
        self, table: Table, since: datetime | None = None, after: str | None = None
    ) -> list[RawFile]:
        """The raw files of a table, in the order in which changes apply; often none.

        `since` leaves out change files made before it: they cannot hold rows of hours from then
        on. `after` gives the change files only whose name comes after that name.
        """
        first = max(listing.first_name(since) if since else "", after or "")
        files = listing.list_files(self.uri(table), self.storage_options, first)
        return files if after is None else [f for f in files if f.is_change and f.name > after]

    def load_files(self, table: Table) -> list[RawFile]:
        """The files of the full load, in order."""
        return listing.list_files(self.uri(table), self.storage_options, listing.FIRST_LOAD)

    def load_started(self, table: Table, files: Sequence[RawFile]) -> str | None:
        """The commit timestamp that the rows of the full load among these files carry, or None."""
        return raw.load_started(self._filesystem(table), table, files)

    def raw_rows(
        self,
        table: Table,
        files: Sequence[RawFile],
        columns: Sequence[str],
        window: Window | None = None,
    ) -> "pa.Table":
        """`Op`, those columns, and `file` (its name) of the rows of a window, as Arrow.

        Rows without a time (deletes of coins) are in every window; without a window all rows come.
        Works without an engine; memory is bounded by what is asked for, not by the files.
        """
        filesystem = self._filesystem(table)
        if window is not None:
            files = footers.holding(filesystem, table, files, window)
        return schemas.read_rows(filesystem, table, files, columns, window)

    def raw_parts(
        self, table: Table, files: Sequence[RawFile], columns: Sequence[str]
    ) -> "Iterator[pa.Table]":
        """All rows as `raw_rows` gives them, in parts; of columns that no file has otherwise."""
        return raw.read_parts(self._filesystem(table), table, files, columns, None)

    def read_raw(
        self,
        spark: "SparkSession",
        table: Table,
        files: Sequence[RawFile],
        window: Window | None = None,
    ) -> "DataFrame":
        """The rows of these files in contract columns and types, equal for Parquet and CSV.

        With a window only its rows, of the files that can hold any.

        Columns that a file lacks or has in another type are null, or converted where the contract
        follows; columns that the contract carries on come after its own.
        Raises `PermanentError` for an empty list and for a file that is gone.
        """
        if not files:
            message = f"no raw files of {table.name} to read: materialize {table.id} first"
            raise PermanentError(message)
        filesystem = self._filesystem(table)
        gone = [
            info.path
            for info in filesystem.get_file_info([file.path for file in files])
            if not info.is_file
        ]
        if gone:
            message = f"{gone[0]} has gone since it was listed (a reload?): run the hour again"
            raise TransientError(message)
        if window is not None:
            # One is read in any case: the columns are its, even if no rows are.
            files = footers.holding(filesystem, table, files, window) or files[:1]
        parts = []
        found = schemas.shapes(filesystem, table, files)
        wanted = schemas.with_new_columns(table, [shape for shape, _ in found])
        for shape, alike in found:
            paths = [self._spark_path(file) for file in alike]
            if alike[0].is_csv:
                header = raw.columns_of(filesystem, alike[0])
                parts.append(frames.read_csv(spark, wanted, header, paths))
            else:
                rows = frames.read_parquet(spark, shape, paths)
                parts.append(rows if shape == wanted else frames.fitted(rows, shape, wanted))
        rows = reduce(lambda left, right: left.unionByName(right), parts)
        return rows if window is None else rows.filter(frames.predicate(table, window))

    def raw_drift(self, table: Table, files: Sequence[RawFile]) -> dict[str, list[Difference]]:
        """How each of these raw files, by name, differs from the contract; only those that do."""
        return {
            file.name: different
            for shape, alike in schemas.of_raw_files(self._filesystem(table), files).items()
            for file in alike
            if (different := schemas.raw_drift(table, shape, file))
        }

    def _spark_path(self, file: RawFile) -> str:
        return file.path if self.is_local else f"s3://{file.path}"

    # Delta tables

    def require(self, table: Table) -> None:
        """Raise `PermanentError` where there is no table."""
        if not self.exists(table):
            raise PermanentError(
                f"there is no table {table.id} at {self.uri(table)}: materialize it first"
            )

    def exists(self, table: Table) -> bool:
        return tables.exists(self.uri(table), self.storage_options)

    def columns(self, table: Table) -> Schema:
        """The Delta table's columns in order; none where there is no table."""
        return tables.columns(self.uri(table), self.storage_options)

    def drift(self, table: Table) -> list[Difference]:
        """How the Delta table differs from its contract; not at all where there is none."""
        there = self.columns(table)
        return delta_schema.drift(table, there) if there else []

    def ensure(self, table: Table, beyond: Sequence[Column] = ()) -> list[Column]:
        """Create the table, or add its contract's new nullable columns, and those given.

        Returns all columns that it has beyond its contract.
        Raises `PermanentError` with the difference when the table is otherwise not as its contract.
        """
        with self.writing(table):
            return tables.ensure(table, self.uri(table), self.storage_options, beyond)

    def read(
        self,
        spark: "SparkSession",
        table: Table,
        window: Window | None = None,
        version: int | None = None,
    ) -> "DataFrame":
        """The table's rows, or those of a window, now or at an older version.

        Raises `PermanentError` where there is no table.
        """
        self.require(table)
        rows = frames.read_delta(spark, self.uri(table), version)
        return rows if window is None else rows.filter(frames.predicate(table, window))

    def rows(
        self, table: Table, columns: Sequence[str], window: Window | None = None
    ) -> "pa.Table":
        """Columns of the table's rows, or of a window's, as Arrow and without an engine.

        Raises `PermanentError` where there is no table.
        """
        self.require(table)
        return tables.rows(table, self.uri(table), self.storage_options, columns, window)

    def replace(self, table: Table, frame: "DataFrame", window: Window) -> None:
        """Make the frame's rows of the window the table's, in one commit; rows outside stay.

        The frame is lazy: what it reads is read under the table's lock.
        """
        with self.writing(table):
            beyond = self.ensure(table, frames.beyond_contract(frame, table))
            frames.replace(frame, table, self.uri(table), window, beyond)

    def merge(self, spark: "SparkSession", table: Table, frame: "DataFrame") -> None:
        """Insert the frame's rows, or replace those of the same key, in one commit."""
        with self.writing(table):
            beyond = self.ensure(table, frames.beyond_contract(frame, table))
            frames.merge(spark, frame, table, self.uri(table), beyond)

    def replace_rows(self, table: Table, rows: "pa.Table", window: Window) -> None:
        """As `replace`, with Arrow rows of the window and without an engine."""
        with self.writing(table):
            beyond = self.ensure(table)
            where = tables.predicate(table, window)
            tables.replace_rows(table, self.uri(table), self.storage_options, rows, where, beyond)

    def remove(self, table: Table, window: Window, also: str = "true") -> None:
        """Delete the table's rows of a window, of those for which `also`, SQL, is true as well."""
        with self.writing(table):
            if self.exists(table):
                where = f"{tables.predicate(table, window)} AND {also}"
                tables.remove(self.uri(table), self.storage_options, where)

    @contextmanager
    def writing(self, table: Table) -> Iterator[None]:
        """Be the one writer of the table on this machine; may be nested.

        Raises `TransientError` when another holds it for too long. A lake in S3 is not locked: one
        writer a table is up to the orchestrator there, and commits that conflict are retried.
        """
        if not self.is_local:
            yield
            return
        from filelock import FileLock, Timeout

        path = Path(self.url) / ".locks" / f"{table.layer}.{table.name}.lock"
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(path, timeout=LOCK_TIMEOUT_SECONDS, is_singleton=True)
        try:
            lock.acquire()
        except Timeout as error:
            message = f"{path} has been held for {LOCK_TIMEOUT_SECONDS} s by another writer"
            raise TransientError(message) from error
        try:
            yield
        finally:
            lock.release()

    def detail(self, table: Table) -> TableDetail | None:
        """The table's version, files, bytes and rows from its log; None where there is none."""
        return tables.detail(self.uri(table), self.storage_options)

    def version(self, table: Table) -> int | None:
        """The table's newest version; None where there is none. Reads less than `detail`."""
        return tables.version(self.uri(table), self.storage_options)

    def compact(self, table: Table, before: datetime | None = None) -> list[Window]:
        """Make one file of each day that ended by `before` (now) and has more; their spans."""
        with self.writing(table):
            before = before or utc_now()
            return upkeep.compact(table, self.uri(table), self.storage_options, before)

    def vacuum(self, table: Table, keep: timedelta = upkeep.KEEP) -> list[str]:
        """Delete files that no version within `keep` needs, and give their paths."""
        with self.writing(table):
            return upkeep.vacuum(self.uri(table), self.storage_options, keep)
