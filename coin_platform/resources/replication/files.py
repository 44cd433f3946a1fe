"""One raw file of one table, as DMS writes it: `Op`, the commit time, the columns, the sequence.

Files are written under a staging name; `journal.py` makes them visible.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from coin_platform.contracts.raw import CHANGE_SEQ, COMMIT_TIMESTAMP, OP
from coin_platform.disk import sync
from coin_platform.resources.replication.columns import (
    UnrepresentableError,
    arrow_type,
    csv_texts,
    typed,
)
from coin_platform.resources.replication.layout import CSV_NULL, Format
from coin_platform.resources.replication.source_column import SourceColumn

ROW_GROUP = 10_000
PAGE_BYTES = 1 << 20
# Rows with large values are written before a row group is full, to bound memory.
BUFFER_BYTES = 64 << 20


class Lines(NamedTuple):
    """Whole lines of a CSV file, and how many rows they are."""

    content: bytes | bytearray
    num_rows: int


def raw_schema(columns: Sequence[SourceColumn]) -> pa.Schema:
    """The columns of a Parquet file."""
    return pa.schema(
        [
            (OP.name, pa.string()),
            (COMMIT_TIMESTAMP.name, pa.string()),
            *((column.name, arrow_type(column)) for column in columns),
            (CHANGE_SEQ.name, pa.string()),
        ]
    )


class TableFile(ABC):
    """An open file; each `write` appends rows, `close` makes them durable."""

    def __init__(self, path: Path, columns: Sequence[SourceColumn]) -> None:
        self.path = path
        self.columns = columns
        for column in columns:
            if column.name in (OP.name, COMMIT_TIMESTAMP.name, CHANGE_SEQ.name):
                raise UnrepresentableError(column.name, "the name is that of a change column")

    def write(
        self,
        operations: Sequence[str],
        commits: Sequence[str],
        texts: Sequence[pa.Array],
        sequences: Sequence[str | None],
    ) -> None:
        """Append rows: a string array per column, as PostgreSQL prints the values.

        Raises `UnrepresentableError`; the file is then of no use.
        """
        changes = [pa.array(values, pa.string()) for values in (operations, commits, sequences)]
        self._write(changes[0], changes[1], texts, changes[2])

    @abstractmethod
    def _write(
        self,
        operations: pa.Array,
        commits: pa.Array,
        texts: Sequence[pa.Array],
        sequences: pa.Array,
    ) -> None: ...

    @abstractmethod
    def append(self, rows: Any) -> None:
        """Append rows that are in the form of this kind of file already (`reading.py`)."""

    @abstractmethod
    def _finish(self) -> None: ...

    def close(self) -> None:
        """Finish the file and force it to disk."""
        self._finish()
        sync(self.path)

    def discard(self) -> None:
        """Give the file up."""
        self._finish()
        self.path.unlink()


class ParquetFile(TableFile):
    """Parquet as DMS writes it: format 1.0, no Arrow schema, gzip inside the pages."""

    def __init__(self, path: Path, columns: Sequence[SourceColumn]) -> None:
        super().__init__(path, columns)
        self._schema = raw_schema(columns)
        # The digits of prices hardly repeat. A dictionary of them saves nothing, and gzip saves a
        # sixteenth of the file for five sixths of the time.
        repeating = [f.name for f in self._schema if not pa.types.is_floating(f.type)]
        self._writer = pq.ParquetWriter(
            path,
            self._schema,
            version="1.0",
            store_schema=False,
            compression=dict.fromkeys(self._schema.names, "none")
            | dict.fromkeys(repeating, "gzip"),
            compression_level=dict.fromkeys(repeating, 1),
            data_page_size=PAGE_BYTES,
            use_dictionary=repeating,
        )

    def _write(
        self,
        operations: pa.Array,
        commits: pa.Array,
        texts: Sequence[pa.Array],
        sequences: pa.Array,
    ) -> None:
        values = [typed(text, column) for text, column in zip(texts, self.columns, strict=True)]
        arrays = [operations, commits, *values, sequences]
        self.append(pa.Table.from_arrays(arrays, schema=self._schema))

    def append(self, rows: pa.Table) -> None:
        self._writer.write_table(rows, row_group_size=ROW_GROUP)

    def _finish(self) -> None:
        self._writer.close()


class CsvFile(TableFile):
    """CSV with a header line, commas and line feeds, quoted only where needed."""

    def __init__(self, path: Path, columns: Sequence[SourceColumn]) -> None:
        super().__init__(path, columns)
        names = [OP.name, COMMIT_TIMESTAMP.name, *(c.name for c in columns), CHANGE_SEQ.name]
        # A header field is text like any other, and its quoting too.
        self._file = path.open("wb")
        self._write_lines([self._texts(pa.array([name])) for name in names])

    def _write(
        self,
        operations: pa.Array,
        commits: pa.Array,
        texts: Sequence[pa.Array],
        sequences: pa.Array,
    ) -> None:
        values = [
            csv_texts(text, column, CSV_NULL)
            for text, column in zip(texts, self.columns, strict=True)
        ]
        self._write_lines([operations, commits, *values, self._texts(sequences)])

    def append(self, rows: Lines) -> None:
        self._file.write(rows.content)

    @staticmethod
    def _texts(values: pa.Array) -> pa.Array:
        return csv_texts(values, SourceColumn("", 25, -1), CSV_NULL)

    def _write_lines(self, fields: Sequence[pa.Array]) -> None:
        import pyarrow.compute as pc

        lines = pc.binary_join_element_wise(*fields, ",")
        self._file.writelines(f"{line}\n".encode() for line in lines.to_pylist())

    def _finish(self) -> None:
        self._file.close()


FILES: dict[Format, type[TableFile]] = {"parquet": ParquetFile, "csv": CsvFile}
