"""What a work is: its data, who does it, and what is asked of ours.

A contender is a function `(Case) -> object`. It sets up, does the work once inside
`with case.timed():`, and returns what came out of it as plain JSON. All contenders of a work must
return the same; one that is a limit does less than the work on purpose and returns None.
"""

import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import psutil

SAMPLE_SECONDS = 0.02


@dataclass(frozen=True)
class Sizes:
    """How much there is to do; each can be set with `--size NAME=NUMBER`."""

    coins: int = 5_000
    hours: int = 720  # of quotes from raw to curated
    load_rows: int = 720_000  # in the table that is upserted into, and loaded
    changes: int = 50_000  # inserts, and as many updates
    history_days: int = 60  # behind the hour that is timed
    backfill_days: int = 30
    site_days: int = 90

    def with_(self, settings: Mapping[str, int]) -> "Sizes":
        """Some of them changed. Raises `ValueError` for a name that is not a size."""
        unknown = set(settings) - {size.name for size in fields(self)}
        if unknown:
            known = ", ".join(size.name for size in fields(self))
            raise ValueError(f"no size {', '.join(sorted(unknown))}; there are {known}")
        return replace(self, **settings)

    def as_dict(self) -> dict[str, int]:
        return asdict(self)


@dataclass
class Measured:
    """One run: wall and CPU seconds of the work, and the peak of resident memory while it ran.

    CPU and memory are those of the contender's process and its children; a PostgreSQL server is
    not among them.
    """

    seconds: float = 0.0
    cpu_seconds: float = 0.0
    peak_mb: float = 0.0
    parts: dict[str, float] = field(default_factory=dict)


@dataclass
class Case:
    """One run of one contender.

    `shared` is the work's folder, as `prepare` left it: read only. `own` is empty and thrown away.
    """

    sizes: Sizes
    shared: Path
    own: Path
    measured: Measured = field(default_factory=Measured)

    @contextmanager
    def timed(self) -> Iterator[None]:
        """The work itself."""
        watch = MemoryWatch()
        cpu, started = cpu_seconds(), time.perf_counter()
        watch.start()
        try:
            yield
        finally:
            self.measured.seconds = time.perf_counter() - started
            self.measured.peak_mb = watch.stop() / 1e6
            self.measured.cpu_seconds = cpu_seconds() - cpu

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """A part of the work, whose seconds are added to others of its name."""
        started = time.perf_counter()
        yield
        self.name_part(name, time.perf_counter() - started)

    def name_part(self, name: str, seconds: float) -> None:
        """Tell what a part of the work took, to be named in the report."""
        self.measured.parts[name] = self.measured.parts.get(name, 0.0) + seconds


Contender = Callable[[Case], object]


@dataclass(frozen=True)
class Goal:
    """What ours shall reach.

    With `against`, the ratio of `ours` to that contender's seconds, or with `of_memory` of its
    peak, may be at most `at_most`; with `memory_mb` instead, ours may use no more.
    """

    ours: str
    against: str = ""
    at_most: float = 0.0
    memory_mb: float = 0.0
    of_memory: bool = False

    def __str__(self) -> str:
        if self.memory_mb:
            return f"{self.ours}: below {self.memory_mb:,.0f} MB"
        if self.at_most < 1:
            return f"{self.ours}: {1 / self.at_most:.3g}x faster than {self.against}"
        what = "memory of " if self.of_memory else ""
        return f"{self.ours}: at most {self.at_most:g}x {what}{self.against}"


@dataclass(frozen=True)
class Work:
    """A work. `prepare` makes its data in a folder, once for all rounds; `note` is for readers."""

    title: str
    contenders: Mapping[str, Contender]
    goals: Sequence[Goal] = ()
    limits: Sequence[str] = ()
    prepare: Callable[[Sizes, Path], None] = lambda _sizes, _folder: None
    clean_up: Callable[[Path], None] = lambda _folder: None
    data: str = ""
    note: str = ""
    # Of contenders that are slow: run in fewer rounds.
    rounds: Mapping[str, int] = field(default_factory=dict)


class MemoryWatch:
    """Samples the resident memory of this process and its children."""

    def __init__(self) -> None:
        self._ended = threading.Event()
        self._peak = 0
        self._thread = threading.Thread(target=self._sample, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> int:
        """The peak in bytes."""
        self._ended.set()
        self._thread.join()
        return self._peak

    def _sample(self) -> None:
        me = psutil.Process(os.getpid())
        while True:
            self._peak = max(self._peak, sum(map(resident, [me, *me.children(recursive=True)])))
            if self._ended.wait(SAMPLE_SECONDS):
                return


def resident(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.NoSuchProcess:
        return 0


def cpu_seconds() -> float:
    """User and system time of this process and its children, those that ended included."""
    own = os.times()
    total = own.user + own.system + own.children_user + own.children_system
    for child in psutil.Process(os.getpid()).children(recursive=True):
        try:
            times: Any = child.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system
    return total
