"""A replication task as AWS DMS describes it, and what the platform asks of one.

Field names and values are those of DMS's DescribeReplicationTasks and DescribeTableStatistics, in
snake case, so that one reading of them serves both backends. See `docs/replication.md`.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

MigrationType = Literal["full-load", "full-load-and-cdc", "cdc"]
Status = Literal[
    "creating", "ready", "starting", "running", "stopping", "stopped", "failed",
    "modifying", "moving", "failed-move", "testing", "deleting",
]  # fmt: skip
TableState = Literal[
    "Before load", "Full load", "Table completed", "Table cancelled", "Table error",
    "Table does not exist", "Table is being reloaded",
]  # fmt: skip
StartType = Literal["start-replication", "resume-processing", "reload-target"]


@dataclass(frozen=True)
class TableStatistics:
    """How far one mapped table is; counts are of rows since the task's last (re)load."""

    schema_name: str
    table_name: str
    table_state: TableState
    inserts: int = 0
    updates: int = 0
    deletes: int = 0
    ddls: int = 0
    full_load_rows: int = 0
    full_load_error_rows: int = 0
    last_error: str | None = None


@dataclass(frozen=True)
class Task:
    """A task's state. `stop_reason` reads `Stop Reason FULL_LOAD_ONLY_FINISHED`, as DMS says it."""

    identifier: str
    status: Status
    migration_type: MigrationType
    stop_reason: str | None = None
    last_failure_message: str | None = None
    full_load_progress_percent: int = 0
    tables_loaded: int = 0
    tables_errored: int = 0
    started_at: datetime | None = None
    stopped_at: datetime | None = None


class Replication(ABC):
    """One replication task from the database to the raw layer: create, start, watch, stop.

    Who waits for it pauses `poll_seconds` between two looks.
    """

    poll_seconds: float = 0.1

    @abstractmethod
    def describe(self) -> Task:
        """The task now; creates its definition (status `ready`) where there is none. Cheap."""

    @abstractmethod
    def table_statistics(self) -> list[TableStatistics]:
        """Every mapped table, by schema and name."""

    @abstractmethod
    def start(self, start_type: StartType) -> None:
        """Ask for a start and return; watch `describe` for what comes of it.

        As in DMS, the first start is `start-replication` and only the first; later ones are
        `resume-processing` (go on after the last delivered change) or `reload-target` (load
        everything anew). Raises `PermanentError` for the wrong type or in the wrong state.
        """

    @abstractmethod
    def stop(self) -> None:
        """Ask for an orderly stop and wait for it; nothing happens if it does not run."""
