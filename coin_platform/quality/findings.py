"""What a statistical check finds of an hour: words, numbers, and the worst offenders."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from coin_platform.quality.limits import Limits

if TYPE_CHECKING:
    from coin_platform.quality.robust import Usual


@dataclass(frozen=True)
class Finding:
    """One verdict; `worst` are rows of one table, the worst offender first."""

    passed: bool
    text: str
    numbers: Mapping[str, float] = field(default_factory=dict)
    worst: Sequence[Mapping[str, str]] = ()


def too_few(count: int, limits: Limits) -> Finding | None:
    """Nothing is unusual while there is too little to compare with."""
    if count >= limits.least_hours:
        return None
    needed = f"at least {limits.least_hours} are needed"
    return Finding(True, f"too few hours before it to compare with: {count}, {needed}")


def compared(name: str, value: float, of: "Usual", **bounds: float) -> dict[str, float]:
    """The numbers behind a verdict, as the metadata shows them."""
    return {name: value, "usual": of.centre, **bounds, "hours_compared": of.count}


def markdown(rows: Sequence[Mapping[str, str]]) -> str:
    """The rows as a Markdown table under the keys of the first; without rows, nothing."""
    if not rows:
        return ""
    lines = [list(rows[0]), ["---"] * len(rows[0]), *(list(row.values()) for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
