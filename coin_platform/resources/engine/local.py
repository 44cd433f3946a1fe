"""The engine of a laptop: Sail in this process."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from coin_platform.contracts.measures import Measured
from coin_platform.partitions import Window
from coin_platform.resources.engine.interface import Engine, Outcome
from coin_platform.resources.engine.reasons import explained
from coin_platform.resources.engine.sail import SAIL
from coin_platform.resources.lake import Lake

if TYPE_CHECKING:
    from dagster import AssetExecutionContext
    from pyspark.sql import SparkSession


class LocalEngine(Engine):
    """Runs jobs on Sail, over one lake. All engines of a process share its server and session."""

    def __init__(self, lake: Lake) -> None:
        self.lake = lake

    def session(self) -> "SparkSession":
        """The Spark session that jobs run in; for notebooks and tests as well."""
        return SAIL.session

    def run(
        self,
        job: str,
        window: Window,
        progress: Callable[[str], None] = lambda _: None,
        run_id: str = "",
        context: "AssetExecutionContext | None" = None,  # noqa: ARG002 - it runs in this process
    ) -> Outcome:
        from coin_platform.transforms.jobs import job_named

        work = job_named(job)
        started = time.monotonic()
        with explained(f"{job}, {window}"):
            outcome = work(self.session(), self.lake, window, run_id)
        seconds = time.monotonic() - started
        progress(f"{job}: {sum(outcome.rows.values())} rows of {window} in {seconds:.1f} s")
        return outcome

    def measure(self, table: str, window: Window) -> dict[str, Measured]:
        from coin_platform.transforms.measure import measure

        with explained(f"measuring {table}, {window}"):
            return measure(self.session(), self.lake, table, window)

    def probe(self) -> str:
        from importlib.metadata import version

        with explained("a query of one row"):
            self.session().range(1).collect()
        return f"Sail {version('pysail')} answers Spark {version('pyspark')} in this process"

    def close(self) -> None:
        """Stop the process's Sail; it starts again when next used."""
        SAIL.stop()
