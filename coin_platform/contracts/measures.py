"""What is counted to judge a table against its contract, in SQL that PostgreSQL and Spark share.

One pass over a slice yields, by partition, its rows, how many distinct keys they have, and for
each condition the rows that break it. The checks of all layers judge these numbers.
"""

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from coin_platform.contracts.model import Column, Table, Type

NULL, RANGE, FINITE = "null", "range", "finite"


@dataclass(frozen=True)
class Measured:
    """The counts of one partition; `broken` by condition, only where rows broke it."""

    rows: int = 0
    keys: int = 0
    broken: Mapping[str, int] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)

    def broken_of(self, kind: str) -> dict[str, int]:
        """Rows by column that break the conditions of a kind."""
        prefix = f"{kind}."
        return {
            name.removeprefix(prefix): rows
            for name, rows in self.broken.items()
            if name.startswith(prefix)
        }


def conditions(table: Table) -> dict[str, str]:
    """For each `kind.column` an SQL condition that is true of a row that breaks the contract."""
    return {
        f"{kind}.{column.name}": condition
        for column in table.columns
        for kind, condition in column_conditions(column)
    }


def column_conditions(column: Column) -> Iterator[tuple[str, str]]:
    if not column.nullable:
        yield NULL, f"{column.name} IS NULL"
    if column.type is Type.DOUBLE:
        # NaN is larger than every number in both engines.
        yield FINITE, f"abs({column.name}) > {sys.float_info.max!r}"
    bounds = [
        f"{column.name} {operator} {bound!r}"
        for operator, bound in (("<", column.minimum), (">", column.maximum))
        if bound is not None
    ]
    if bounds:
        yield RANGE, " OR ".join(bounds)
    if column.values:
        allowed = ", ".join(f"'{value}'" for value in column.values)
        yield RANGE, f"{column.name} NOT IN ({allowed})"
