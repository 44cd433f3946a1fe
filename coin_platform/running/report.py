"""What a run did: rows, files and seconds of each table, and what its checks found."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import dagster as dg

from coin_platform.defs.serving.assets import MARKET_SITE
from coin_platform.defs.tables import ROWS, TABLES
from coin_platform.partitions import instant_text

OURS = "coin_platform.errors."
REPORTED = (*(table.id for table in TABLES), MARKET_SITE.to_user_string())
INTERRUPTED = "DagsterExecutionInterruptedError"


@dataclass
class TableReport:
    """One table of the run. `files` is known for the layers that have files."""

    rows: int = 0
    files: int | None = None
    seconds: float = 0.0
    passed: int = 0
    failed: int = 0


@dataclass(frozen=True)
class Page:
    """The market page: where it is opened, its current release, and why no newer one is out."""

    address: str
    release: str | None
    held: list[str]


@dataclass
class Report:
    """All of the run.

    `hours` are those it did, `present` those that were there; `failed_runs` holds the ids of runs
    that did not succeed, with the reason.
    """

    present: Sequence[datetime]
    hours: list[datetime] = field(default_factory=list)
    tables: dict[str, TableReport] = field(
        default_factory=lambda: {id_: TableReport() for id_ in REPORTED}
    )
    failures: list[dict[str, str]] = field(default_factory=list)
    warnings: list[dict[str, str]] = field(default_factory=list)
    failed_runs: dict[str, str] = field(default_factory=dict)
    page: Page | None = None
    seconds: float = 0.0

    @property
    def succeeded(self) -> bool:
        return not self.failed_runs and not (self.page and self.page.held)

    @property
    def did_anything(self) -> bool:
        return any(table.seconds for table in self.tables.values()) or bool(self.failed_runs)

    def add(self, result: dg.ExecuteInProcessResult) -> None:
        """Take in the events of one finished run."""
        ids_of_step: dict[str, list[str]] = {}
        for event in result.all_events:
            if event.is_step_materialization:
                self._add_materialization(event, ids_of_step)
            elif event.event_type == dg.DagsterEventType.ASSET_CHECK_EVALUATION:
                self._add_check(event.asset_check_evaluation_data)
        for event in result.all_events:
            if event.is_step_success and event.step_key in ids_of_step:
                for id_ in ids_of_step[event.step_key]:
                    self.tables[id_].seconds += event.step_success_data.duration_ms / 1000
            elif event.is_step_failure:
                self.failed_runs.setdefault(result.run_id, reason_of(event.step_failure_data))
        if not result.success:
            self.failed_runs.setdefault(result.run_id, "the run failed")

    def _add_materialization(self, event: dg.DagsterEvent, ids: dict[str, list[str]]) -> None:
        materialization = event.step_materialization_data.materialization
        id_ = "/".join(materialization.asset_key.path)
        if id_ not in self.tables:
            return
        table = self.tables[id_]
        metadata = {name: value.value for name, value in materialization.metadata.items()}
        table.rows += number(metadata.get(ROWS))
        for files in ("files", "table_files"):  # the same on each partition of the run
            if files in metadata:
                table.files = max(table.files or 0, number(metadata[files]))
        if event.step_key and id_ not in ids.setdefault(event.step_key, []):
            ids[event.step_key].append(id_)

    def _add_check(self, evaluation: dg.AssetCheckEvaluation) -> None:
        id_ = "/".join(evaluation.asset_key.path)
        table = self.tables[id_]
        if evaluation.passed:
            table.passed += 1
            return
        table.failed += 1
        found = {
            "asset": id_,
            "check": evaluation.check_name,
            "description": evaluation.description or "",
        }
        if evaluation.partition:
            found["partition"] = evaluation.partition
        is_error = evaluation.severity == dg.AssetCheckSeverity.ERROR
        (self.failures if is_error else self.warnings).append(found)

    def as_json(self) -> dict[str, Any]:
        """The object of `coin-platform run --json`."""
        tables: dict[str, dict[str, int]] = {}
        for id_, table in self.tables.items():
            tables[id_] = {"rows": table.rows}
            if table.files is not None:
                tables[id_]["files"] = table.files
        return {
            "hours": [instant_text(hour) for hour in self.hours],
            "present": [instant_text(hour) for hour in self.present],
            "tables": tables,
            "checks": {
                "passed": sum(table.passed for table in self.tables.values()),
                "failed": sum(table.failed for table in self.tables.values()),
                "failures": [*self.failures, *self.warnings],
            },
            "errors": self.failed_runs,
            "page": {
                "path": self.page.address,
                "release": self.page.release,
                "held": self.page.held,
            }
            if self.page
            else None,
            "seconds": round(self.seconds, 1),
        }


def number(value: object) -> int:
    """A count from an event's metadata; 0 where there is none."""
    return value if isinstance(value, int) else 0


def reason_of(failure: Any) -> str:
    """What a failed step says: the platform's own words where there are any, without a stack."""
    if failure.user_failure_data and failure.user_failure_data.description:
        return str(failure.user_failure_data.description)
    error, message = failure.error, "the step failed"
    while error is not None:
        message = error.message.strip()
        if message.startswith(OURS):
            return str(message.partition(": ")[2])
        if INTERRUPTED in message:
            return "interrupted; run the same command again to go on"
        error = error.cause
    return str(message)


def layers(ids: Iterable[str]) -> list[str]:
    """The layers of the tables, in the order of the data's way."""
    return list(dict.fromkeys(id_.partition("/")[0] for id_ in ids))
