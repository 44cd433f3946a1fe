"""What a step on a cluster is told to do, as it travels in the extras of the Pipes context."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from coin_platform.partitions import Window, instant_text
from coin_platform.resources.lake import Lake

RUN, MEASURE = "run", "measure"


@dataclass(frozen=True)
class Orders:
    """`work` is `run` or `measure`, `job` the id of a job or of a table, both `layer/name`.

    `bucket` is the platform's own, where measurements are kept.
    """

    work: str
    job: str
    start: str
    end: str
    run_id: str
    roots: Mapping[str, str]
    storage_options: Mapping[str, str]
    bucket: str

    @classmethod
    def given(  # noqa: PLR0913  what a step has to know
        cls, work: str, job: str, window: Window, run_id: str, lake: Lake, bucket: str
    ) -> "Orders":
        start, end = instant_text(window.start), instant_text(window.end)
        return cls(work, job, start, end, run_id, lake.roots, lake.storage_options, bucket)

    def json(self) -> dict[str, Any]:
        return asdict(self)

    @property
    def window(self) -> Window:
        return Window(datetime.fromisoformat(self.start), datetime.fromisoformat(self.end))

    @property
    def lake(self) -> Lake:
        return Lake(self.roots, self.storage_options)

    def __str__(self) -> str:
        return f"{self.job}, {self.window}"
