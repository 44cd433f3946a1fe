"""The contenders of a work in turn, several rounds, each run in a process of its own.

Their order rotates, so that none always comes first into a cold cache. A run's result is compared
with that of its round's first contender before its time counts.
"""

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.contender import work_of
from benchmarks.work import Measured, Sizes, Work

ROOT = Path(__file__).resolve().parent.parent
SHOWN = 2_000  # characters of a message


class RaceError(Exception):
    """A contender failed, or what it made is not what the others made."""


@dataclass
class Outcome:
    """All runs of one work, by contender."""

    name: str
    work: Work
    sizes: Sizes
    runs: dict[str, list[Measured]] = field(default_factory=dict)


def race(name: str, sizes: Sizes, rounds: int, say: Callable[[str], None]) -> Outcome:
    """Run the work. Raises `RaceError`."""
    work = work_of(name)
    outcome = Outcome(name, work, sizes, {contender: [] for contender in work.contenders})
    shared = Path(tempfile.mkdtemp(prefix=f"bench-{name}-"))
    try:
        say(f"{name}: preparing")
        call(name, None, sizes, shared, shared)
        for number in range(rounds):
            expected: Any = None
            order = list(work.contenders)
            order = order[number % len(order) :] + order[: number % len(order)]
            for contender in order:
                if number >= work.rounds.get(contender, rounds):
                    continue
                own = Path(tempfile.mkdtemp(prefix=f"bench-{name}-own-"))
                try:
                    done = call(name, contender, sizes, shared, own)
                finally:
                    shutil.rmtree(own, ignore_errors=True)
                result, measured = done["result"], Measured(**done["measured"])
                if contender not in work.limits:
                    expected = result if expected is None else expected
                    if result != expected:
                        raise RaceError(
                            f"{name}: {contender} made {str(result)[:SHOWN]}, "
                            f"and not {str(expected)[:SHOWN]}"
                        )
                outcome.runs[contender].append(measured)
                say(
                    f"{name}: round {number + 1}, {contender}: {measured.seconds:.3f} s, "
                    f"{measured.cpu_seconds:.2f} s CPU, {measured.peak_mb:.0f} MB"
                )
    finally:
        work.clean_up(shared)
        shutil.rmtree(shared, ignore_errors=True)
    return outcome


def call(name: str, contender: str | None, sizes: Sizes, shared: Path, own: Path) -> dict[str, Any]:
    """One run in its process; None as the contender prepares the work."""
    asked = {
        "work": name,
        "contender": contender,
        "sizes": sizes.as_dict(),
        "shared": str(shared),
        "own": str(own),
    }
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.contender"],
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    if done.returncode:
        raise RaceError(f"{name}: {contender or 'preparing'} failed: {done.stderr[-SHOWN:]}")
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer
