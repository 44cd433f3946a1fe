"""Where a script runs: submitted, watched and cancelled in the same way on all kinds of EMR."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum

Progress = Callable[[str], None]

# Delta in Spark's own catalog, and the platform's session; whatever the cluster's defaults are.
SPARK = {
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.ansi.enabled": "true",
}


@dataclass(frozen=True)
class Script:
    """What to submit: a name that people see, S3 addresses, and the script's arguments."""

    name: str
    entry: str
    py_files: str
    arguments: tuple[str, ...]


class State(Enum):
    """How far a submission is. `LOST` says that what ran it has gone."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"
    LOST = "lost"

    @property
    def is_over(self) -> bool:
        return self not in (State.WAITING, State.RUNNING)


@dataclass(frozen=True)
class Status:
    """A state and, where EMR gives one, its reason."""

    state: State
    reason: str = ""


@dataclass(frozen=True)
class Submission:
    """One submitted script: its id, and that of the cluster or application it runs on."""

    place: str
    id: str

    def __str__(self) -> str:
        return f"{self.id} on {self.place}"


class Runner(ABC):
    """Calls to EMR; each is one bounded request and raises the platform's errors."""

    @abstractmethod
    def submit(self, script: Script, progress: Progress) -> Submission:
        """Submit the script. What was started for it alone is ended if that fails."""

    @abstractmethod
    def status(self, submission: Submission) -> Status:
        """How far it is."""

    @abstractmethod
    def cancel(self, submission: Submission, *, by_force: bool) -> None:
        """Ask it to end, or make it end. No error when it is over."""

    @abstractmethod
    def log_keys(self, submission: Submission) -> Sequence[str]:
        """The objects, in the platform's bucket, that hold what it printed; errors first."""

    @abstractmethod
    def probe(self) -> str:
        """Say what would run a script."""
