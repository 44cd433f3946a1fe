"""A result as a table to look at: aligned, one row a line, or one value a line where that is wide.

Widths are those of the first rows, so that a long result streams; a longer value later on is shown
whole, out of line. Nothing in it acts on a terminal.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import TYPE_CHECKING

from rich.cells import cell_len

from coin_platform.query.texts import is_number, texts, visible

if TYPE_CHECKING:
    import pyarrow as pa

NULL = "null"
PLAN = ["explain_key", "explain_value"]
MEASURED_ROWS = 1000
GAP = "  "

Row = Sequence[str]


class Counted:
    """Batches, counted as they pass; none behind so many rows, where a limit is given."""

    def __init__(self, batches: "Iterable[pa.RecordBatch]", limit: int | None = None) -> None:
        self._batches, self._limit = batches, limit
        self.rows = 0
        self.more = False

    def __iter__(self) -> "Iterator[pa.RecordBatch]":
        for batch in self._batches:
            left = batch.num_rows if self._limit is None else self._limit - self.rows
            self.more = batch.num_rows > left
            self.rows += min(batch.num_rows, left)
            yield batch.slice(0, left)
            if self.more:
                return


def rows_of(batches: "Iterable[pa.RecordBatch]") -> Iterator[Row]:
    """The rows as texts that may be printed."""
    for batch in batches:
        columns = [
            [NULL if text is None else visible(text) for text in texts(column).to_pylist()]
            for column in batch.columns
        ]
        yield from zip(*columns, strict=True)


def lines_of(
    schema: "pa.Schema",
    batches: "Iterable[pa.RecordBatch]",
    width: int | None = None,
    bold: Callable[[str], str] = str,
) -> Iterator[str]:
    """The lines of the table; `width` is that of the screen, which it may otherwise exceed.

    The plan that EXPLAIN gives is shown as it is drawn.
    """
    if schema.names == PLAN:
        yield from plan_lines(batches)
        return
    names = [visible(name) for name in schema.names]
    rows = rows_of(batches)
    first = list(islice(rows, MEASURED_ROWS))
    widths = [max(map(cell_len, column)) for column in zip(names, *first, strict=True)]
    if width is not None and sum(widths) + len(GAP) * (len(widths) - 1) > width and first:
        yield from records(names, chain(first, rows), bold)
        return
    right = [is_number(field.type) for field in schema]
    yield bold(line(names, widths, right))
    yield GAP.join("-" * width for width in widths)
    for row in chain(first, rows):
        yield line(row, widths, right)


def plan_lines(batches: "Iterable[pa.RecordBatch]") -> Iterator[str]:
    for batch in batches:
        for drawn in batch.column(PLAN[1]).to_pylist():
            yield from map(visible, drawn.splitlines())


def line(row: Row, widths: Sequence[int], right: Sequence[bool]) -> str:
    """A row, its cells padded to the columns' widths."""
    cells = []
    for text, width, at_right in zip(row, widths, right, strict=True):
        padding = " " * (width - cell_len(text))
        cells.append(padding + text if at_right else text + padding)
    return GAP.join(cells).rstrip()


def records(names: Row, rows: Iterable[Row], bold: Callable[[str], str]) -> Iterator[str]:
    """Each row as a block, a line for each value."""
    width = max(map(cell_len, names))
    for number, row in enumerate(rows, 1):
        yield bold(f"-- row {number} ".ljust(width + len(GAP) + 10, "-"))
        for name, text in zip(names, row, strict=True):
            yield f"{name}{' ' * (width - cell_len(name))}{GAP}{text}"
