"""Where transforms run: Sail in this process, or a step on EMR."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from coin_platform.contracts.measures import Measured
from coin_platform.partitions import Window

if TYPE_CHECKING:
    from dagster import AssetExecutionContext


@dataclass(frozen=True)
class Outcome:
    """What a transform job reports: rows by partition, and facts for an operator.

    `rows` maps the start of each hour (or each day, ISO 8601) of the window to the rows now in
    the table for it; `quarantined` likewise the rows kept out of it. `stopped` says of partitions
    why nothing was written for them. `facts` holds numbers and short texts, JSON-serializable;
    `details` such facts by partition.
    """

    rows: dict[str, int]
    facts: dict[str, Any] = field(default_factory=dict)
    quarantined: dict[str, int] = field(default_factory=dict)
    stopped: dict[str, str] = field(default_factory=dict)
    details: dict[str, dict[str, Any]] = field(default_factory=dict)


class Engine(ABC):
    """Runs a registered transform job, by name, over a window."""

    least_hours: int = 1
    """Hours of a window below which a run costs more to start than to do."""

    @abstractmethod
    def run(
        self,
        job: str,
        window: Window,
        progress: Callable[[str], None] = lambda _: None,
        run_id: str = "",
        context: "AssetExecutionContext | None" = None,
    ) -> Outcome:
        """Run the job `layer/table` of `transforms.jobs` and wait for it.

        `run_id` is the orchestrator's, for rows that say who wrote them. `context` is that of its
        step, for an engine that reports to the orchestrator from elsewhere.

        Raises `PermanentError` or `TransientError` with the engine's own reason; what the table
        held before is then still what it holds.
        """

    @abstractmethod
    def measure(self, table: str, window: Window) -> dict[str, Measured]:
        """What checks judge of the table `layer/name`, by the partition keys of `Outcome.rows`."""

    @abstractmethod
    def probe(self) -> str:
        """Say who would run jobs, having asked; raises like `run`."""
