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


class Drift(StrEnum):
    """What happens when a column outside no longer is as the contract says.

    `EVOLVE` follows: a new column is carried on, a removed one is null from then on, a retyped one
    is converted where no value is lost. `IGNORE` goes on without the column's values and warns.
    `STOP` fails a blocking check before anything is made of the data.
    """

    EVOLVE = "evolve"
    IGNORE = "ignore"
    STOP = "stop"


class Severity(StrEnum):
    """What happens to a row that breaks a rule."""

    WARN = "warn"  # it is kept, and says which rules it broke
    QUARANTINE = "quarantine"  # it goes to the quarantine table
    FAIL = "fail"  # nothing of its hour is written


@dataclass(frozen=True)
class Rule:
    """One rule of a table's rows.

    `broken` is SQL over the table's columns that is true of a row that breaks the rule; null counts
    as kept. It must mean the same to Sail, JVM Spark and EMR. `reason` says in words what is wrong
    with such a row, `action` what its owner does about it.
    """

    id: str
    severity: Severity
    broken: str
    reason: str
    action: str
    owner: str = "team:data-engineering"


@dataclass(frozen=True)
class Column:
    """One column: its name, type and meaning, and the values it may hold.

    `minimum` and `maximum` are inclusive and judged on non-null values only. `values` lists the
    only values a text column may hold. `unit` is shown in documentation, e.g. `USD` or `percent`.
    `drift` says what happens when the column is gone outside, or has another type there.
    """

    name: str
    type: Type
    description: str
    nullable: bool = True
    unit: str | None = None
    minimum: float | None = None
    maximum: float | None = None
    values: tuple[str, ...] = ()
    drift: Drift = Drift.STOP


@dataclass(frozen=True)
class Table:
    """One table: where it lives, what a row is, what identifies it, and its columns in order.

    `time_column` is the column that places a row on the partition grid (an hour or a day);
    None where rows belong to no single partition. `new_columns` says what happens when a column
    turns up that is not in the contract. `rules` are judged row by row.
    """

    layer: str
    name: str
    description: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    time_column: str | None = None
    new_columns: Drift = Drift.IGNORE
    rules: tuple[Rule, ...] = ()

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
