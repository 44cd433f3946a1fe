"""What the checks said of what the page shows, and whether that lets it be published.

The states of checks come from the orchestrator (`defs/serving/evidence.py`); nothing here asks it.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

EXAMPLES = 3


class State(StrEnum):
    """How a check of a partition stands."""

    PASSED = "passed"
    FAILED = "failed"
    STALE = "stale"  # it has not looked at what is there now
    NEVER = "never"  # it has never looked
    PENDING = "pending"  # the run that wrote what is there has not ended, and may still look


WORDS = {
    State.FAILED: "failed",
    State.STALE: "has not looked at what was written since",
    State.NEVER: "has never looked",
    State.PENDING: "is still to look",
}


@dataclass(frozen=True)
class Judged:
    """One check of one partition, and what it said when it failed."""

    table: str
    check: str
    partition: str
    state: State
    said: str = ""


@dataclass(frozen=True)
class Tally:
    """The checks of one table over the newest days: how many of its partitions stand how."""

    table: str
    check: str
    blocking: bool
    passed: int
    failed: int
    others: int


@dataclass(frozen=True)
class Evidence:
    """What the checks found.

    `unsettled` are blocking checks of what is shown that have not passed; `tallies` are of all
    checks over the `tally_days` newest days, `failures` the newest that failed of them.
    """

    unsettled: tuple[Judged, ...]
    tallies: tuple[Tally, ...]
    failures: tuple[Judged, ...]
    tally_days: int

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @property
    def reasons(self) -> list[str]:
        """Why the page may not be published, in words; empty where it may."""
        return sentences(self.unsettled)

    @property
    def is_pending(self) -> bool:
        """Whether runs that have not ended may still settle what is not settled."""
        states = {one.state for one in self.unsettled}
        return State.PENDING in states and State.FAILED not in states


def sentences(judged: Iterable[Judged]) -> list[str]:
    """One sentence for each check and state, with some of the partitions and what was said."""
    alike: dict[tuple[str, str, State], list[Judged]] = defaultdict(list)
    for one in judged:
        alike[one.table, one.check, one.state].append(one)
    return [
        f"{table}: {check} {WORDS[state]} for {listed([one.partition for one in those])}"
        + (f": {those[-1].said}" if those[-1].said else "")
        for (table, check, state), those in sorted(alike.items())
    ]


def listed(partitions: Sequence[str]) -> str:
    """The newest of the partitions, and how many more there are."""
    newest = sorted(partitions, reverse=True)
    more = len(newest) - EXAMPLES
    return ", ".join(newest[:EXAMPLES]) + (f" and {more} more" if more > 0 else "")
