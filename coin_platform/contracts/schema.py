"""What a table really looks like against its contract: the differences, and what follows from each.

Pure: where columns are looked up is the business of the database, the lake and the API's client.
They give types in the contract's words (`double`) where it has one, else in their own (`numeric`).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any, NamedTuple

from coin_platform.contracts.model import Drift, Table, Type

TYPES = frozenset(kind.value for kind in Type)


class Change(StrEnum):
    """How a column differs."""

    NEW = "new"
    REMOVED = "removed"
    RETYPED = "retyped"
    LOOSENED = "loosened"  # it may be null now


class Found(NamedTuple):
    """A column as it is: its type, None where it has none to tell (CSV), and whether null may be.

    `nullable` is None where the format does not say.
    """

    type: str | None
    nullable: bool | None = None


Schema = Mapping[str, Found]

CONSEQUENCES = {
    (Change.NEW, Drift.EVOLVE): "it is carried on to processed",
    (Change.NEW, Drift.IGNORE): "it is left out",
    (Change.REMOVED, Drift.EVOLVE): "it is null from now on",
    (Change.REMOVED, Drift.IGNORE): "it is null from now on",
    (Change.RETYPED, Drift.EVOLVE): "values are converted where nothing is lost, others are null",
    (Change.RETYPED, Drift.IGNORE): "its values are left out",
    (Change.LOOSENED, Drift.EVOLVE): "the check of required values guards it",
    (Change.LOOSENED, Drift.IGNORE): "the check of required values guards it",
}
UNTIL = "nothing is made of it until it is as the contract says or the contract follows"


@dataclass(frozen=True)
class Difference:
    """One column that is not as the contract says, and what the contract says about that.

    `where` is the table, file or endpoint; `found` and `wanted` are types. `values` counts the
    coins or points concerned, of which `example` is one, where they were looked at.
    """

    where: str
    column: str
    change: Change
    action: Drift
    found: str | None = None
    wanted: str | None = None
    values: int | None = None
    example: str | None = None

    def __str__(self) -> str:
        what = {
            Change.NEW: f"is new ({self.found})" if self.found else "is new",
            Change.REMOVED: "is gone",
            Change.RETYPED: f"is {self.found}, not {self.wanted}",
            Change.LOOSENED: "may be null, and must not",
        }[self.change]
        count = f" in {self.values:,} of them" if self.values else ""
        count += f", e.g. {self.example}" if self.example else ""
        then = CONSEQUENCES.get((self.change, self.action), UNTIL)
        return f"{self.where}: {self.column} {what}{count} ({self.action}: {then})"


def differences(table: Table, found: Schema, where: str) -> list[Difference]:
    """Every difference, in the contract's order, new columns last; none where all is as it says."""
    listed = []
    for column in table.columns:
        there = found.get(column.name)
        change = None
        if there is None:
            change = Change.REMOVED
        elif there.type not in (None, column.type.value):
            change = Change.RETYPED
        elif there.nullable and not column.nullable:
            change = Change.LOOSENED
        if change is not None:
            kind = there.type if there is not None else None
            listed.append(
                Difference(where, column.name, change, column.drift, kind, column.type.value)
            )
    for name, there in found.items():
        if name not in table.column_names:
            listed.append(
                Difference(where, name, Change.NEW, new_column_action(table, there), there.type)
            )
    return listed


def new_column_action(table: Table, found: Found) -> Drift:
    """What happens to a new column: one of a type that no contract has cannot be carried on."""
    follows = table.new_columns is Drift.EVOLVE
    return Drift.IGNORE if follows and found.type not in TYPES else table.new_columns


def stopping(found: Iterable[Difference]) -> list[Difference]:
    """Those that the contract does not go on with."""
    return [difference for difference in found if difference.action is Drift.STOP]


def sentence(found: Sequence[Difference]) -> str:
    """All of them on one line."""
    return "; ".join(map(str, found)) or "as the contract"


def as_metadata(found: Iterable[Difference]) -> list[dict[str, Any]]:
    """The differences as JSON, to be recorded with a run; `from_metadata` reads it."""
    return [{**asdict(difference), "says": str(difference)} for difference in found]


def from_metadata(recorded: Iterable[Mapping[str, Any]]) -> list[Difference]:
    """What `as_metadata` recorded."""
    return [
        Difference(
            **{
                **{name: value for name, value in one.items() if name != "says"},
                "change": Change(one["change"]),
                "action": Drift(one["action"]),
            }
        )
        for one in recorded
    ]


def merged(found: Iterable[Difference]) -> list[Difference]:
    """Those of the same column and kind as one, with the sum of their values."""
    by_column: dict[tuple[str, str, Change], Difference] = {}
    for difference in found:
        place = (difference.where, difference.column, difference.change)
        known = by_column.get(place)
        if known is None:
            by_column[place] = difference
        else:
            values = (known.values or 0) + (difference.values or 0)
            by_column[place] = replace(known, values=values or None)
    return list(by_column.values())


def absent(found: Iterable[Difference]) -> set[str]:
    """Columns of the contract that hold no usable values: removed, or retyped and not followed."""
    return {
        difference.column
        for difference in found
        if difference.change is Change.REMOVED
        or (
            difference.change is Change.RETYPED
            and (difference.action is not Drift.EVOLVE or difference.found not in TYPES)
        )
    }
