"""The vocabulary of contracts: what a column and a table are.

Nothing here knows a concrete table or an engine; tables are declared in the modules beside this
one, and `render.py` turns them into DDL, Spark and Arrow schemas and Dagster metadata.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum


class Type(StrEnum):
    """A logical column type; every engine's own type follows from it (see `render.py`)."""

    INTEGER = "integer"
    BIGINT = "bigint"
    DOUBLE = "double"
    TEXT = "text"
    BOOLEAN = "boolean"
    TIMESTAMP = "timestamp"  # an instant, UTC, microseconds
    DATE = "date"


@dataclass(frozen=True)
class Column:
    """One column: its name, type and meaning, and the values it may hold.

    `minimum` and `maximum` are inclusive and judged on non-null values only. `values` lists the
    only values a text column may hold. `unit` is shown in documentation, e.g. `USD` or `percent`.
    """

    name: str
    type: Type
    description: str
    nullable: bool = True
    unit: str | None = None
    minimum: float | None = None
    maximum: float | None = None
    values: tuple[str, ...] = ()


@dataclass(frozen=True)
class Table:
    """One table: where it lives, what a row is, what identifies it, and its columns in order.

    `time_column` is the column that places a row on the partition grid (an hour or a day);
    None where rows belong to no single partition.
    """

    layer: str
    name: str
    description: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    time_column: str | None = None

    def __post_init__(self) -> None:
        names = self.column_names
        duplicated = {name for name in names if names.count(name) > 1}
        unknown = {*self.key, *([self.time_column] if self.time_column else [])} - set(names)
        if duplicated or unknown:
            message = f"contract of {self.id}: duplicated {duplicated}, undeclared {unknown}"
            raise ValueError(message)

    @property
    def id(self) -> str:
        """`layer/name`, as in asset keys and reports."""
        return f"{self.layer}/{self.name}"

    @property
    def column_names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    def column(self, name: str) -> Column:
        """The column of that name; `KeyError` where there is none."""
        for column in self.columns:
            if column.name == name:
                return column
        message = f"{self.id} has no column {name!r}; it has {', '.join(self.column_names)}"
        raise KeyError(message)


def without(columns: Sequence[Column], *names: str) -> tuple[Column, ...]:
    """The columns except those named; `KeyError` if a name is not among them."""
    missing = set(names) - {column.name for column in columns}
    if missing:
        message = f"no such columns to leave out: {sorted(missing)}"
        raise KeyError(message)
    return tuple(column for column in columns if column.name not in names)


def required(column: Column) -> Column:
    """The same column, not null."""
    return replace(column, nullable=False)
