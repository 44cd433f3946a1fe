"""The rows of one table in one shape, buffered a row group at a time on their way to a file."""

from concurrent.futures import Executor, Future, wait
from pathlib import Path

import pyarrow as pa

from coin_platform.resources.replication.columns import UnrepresentableError
from coin_platform.resources.replication.files import BUFFER_BYTES, FILES, ROW_GROUP
from coin_platform.resources.replication.layout import Format
from coin_platform.resources.replication.pgoutput import Relation
from coin_platform.resources.replication.source_column import SourceColumn
from coin_platform.resources.replication.tuples import UNCHANGED, Fields, columns_of


class Segment:
    """A change file being written, and how its table's rows are told apart.

    `identified` says that an update or delete names its row by the primary key. `inserts`,
    `updates` and `deletes` count what it holds. `writer` has one thread. Memory is bounded by two
    row groups, one of them being written.
    """

    def __init__(
        self, relation: Relation, key: list[str], path: Path, file_format: Format, writer: Executor
    ) -> None:
        columns = [column.column for column in relation.columns]
        logged = {column.column.name for column in relation.columns if column.identity}
        self.table = relation.name
        self.path = path
        self.columns = columns
        self.identified = bool(key) and set(key) <= logged
        self.inserts = self.updates = self.deletes = 0
        self._identity = relation.replica_identity
        self._key = [n for n, column in enumerate(columns) if column.name in key]
        self._file = FILES[file_format](path, columns)
        self._writer = writer
        self._writing: Future[None] | None = None
        self._closed = False
        self._clear()

    def _clear(self) -> None:
        self._operations: list[str] = []
        self._commits: list[str] = []
        self._rows: list[bytes] = []
        self._sequences: list[str] = []
        self._bytes = 0

    def suits(self, relation: Relation) -> bool:
        """Whether rows of this relation, as it is now, belong here."""
        columns: list[SourceColumn] = [column.column for column in relation.columns]
        return columns == self.columns and relation.replica_identity == self._identity

    def fill(self, new: Fields, old: Fields, *, old_is_full: bool) -> None:
        """Put the old row's values where the new row says unchanged, as far as it has them."""
        for n, value in enumerate(new):
            if value is UNCHANGED and (old_is_full or n in self._key):
                new[n] = old[n]

    def moved(self, old: Fields, new: Fields) -> bool:
        """Whether an update changed the row's key; without a key every update does."""
        return not self._key or any(old[n] != new[n] for n in self._key)

    def append(self, operation: str, commit: str, rows: list[bytes], sequences: list[str]) -> None:
        """Rows of one operation and transaction, no more than there is `room` for."""
        self._operations += [operation] * len(rows)
        self._commits += [commit] * len(rows)
        self._rows += rows
        self._bytes += sum(map(len, rows))
        self._sequences += sequences

    def count(self, operation: str, rows: int = 1) -> None:
        """Count rows of an operation."""
        if operation == "I":
            self.inserts += rows
        elif operation == "U":
            self.updates += rows
        else:
            self.deletes += rows

    @property
    def room(self) -> int:
        """How many more rows the row group takes."""
        return ROW_GROUP - len(self._rows)

    @property
    def full(self) -> bool:
        """Whether a row group is complete, or large, and must be flushed."""
        return len(self._rows) >= ROW_GROUP or self._bytes >= BUFFER_BYTES

    def flush(self) -> None:
        """Have the buffered rows written, while others are gathered.

        Raises `UnrepresentableError` and `UnchangedValueError` of the rows flushed before.
        """
        self._written()
        if self._rows:
            write = self._file.write
            rows, changes = self._rows, (self._operations, self._commits, self._sequences)
            self._writing = self._writer.submit(
                lambda: write(changes[0], changes[1], self._texts(rows), changes[2])
            )
            self._clear()

    def _written(self) -> None:
        """Wait for the rows that were flushed."""
        writing, self._writing = self._writing, None
        if writing:
            writing.result()

    def _texts(self, rows: list[bytes]) -> list[pa.Array]:
        by_column = columns_of(rows, len(self.columns))
        return [
            _utf8(values, column) for values, column in zip(by_column, self.columns, strict=True)
        ]

    def close(self) -> None:
        """Write what is left and force the file to disk, once. Raises as `flush` does."""
        if not self._closed:
            self.flush()
            self._written()
            self._file.close()
            self._closed = True

    def discard(self) -> None:
        """Delete the file; nothing of it is wanted."""
        if self._writing:
            wait([self._writing])
        self._file.discard()


def _utf8(values: pa.Array, column: SourceColumn) -> pa.Array:
    try:
        return values.cast(pa.string())
    except pa.ArrowInvalid as error:
        raise UnrepresentableError(column.name, f"text that is not UTF-8 ({error})") from error
