"""The local replication task: its worker is a process on this machine, its state a folder.

The work itself is done in `worker.py`; nothing here speaks to the database.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from coin_platform.contracts.database import SCHEMA
from coin_platform.errors import PermanentError, TransientError
from coin_platform.resources.replication.interface import (
    MigrationType,
    Replication,
    StartType,
    TableStatistics,
    Task,
)
from coin_platform.resources.replication.journal import Journal, JournalFile
from coin_platform.resources.replication.layout import Format
from coin_platform.resources.replication.state import TaskFolder, TaskState, at_text

ALIVE = ("starting", "running", "stopping")
WORKER = "coin_platform.resources.replication.worker"
COUNTED = [
    field.name
    for field in fields(TableStatistics)
    if field.name not in ("schema_name", "table_name")
]

POLL_SECONDS = 0.05
LOCK_SECONDS = 2.0
START_SECONDS = 30.0
STOP_SECONDS = 30.0


class LocalReplication(Replication):
    """A task whose state is below `folder` and whose files are below `lake`/raw.

    `connection` returns the arguments of `psycopg.connect` and is called at each start; the role
    must be allowed to replicate and to publish a schema. A task whose migration type is changed
    becomes a new one: its status is `ready` again.
    """

    def __init__(  # noqa: PLR0913  an operator's choices, all with defaults
        self,
        folder: Path,
        lake: Path,
        connection: Callable[[], dict[str, Any]],
        *,
        identifier: str = "coin-platform",
        migration_type: MigrationType = "full-load-and-cdc",
        file_format: Format = "parquet",
        options: dict[str, Any] | None = None,
    ) -> None:
        self._folder = TaskFolder(folder / identifier)
        self._lake = lake
        self._connection = connection
        self._identifier = identifier
        self._migration_type: MigrationType = migration_type
        self._format = file_format
        self._options = options or {}

    def describe(self) -> Task:
        state = self._state()
        journal = self._journal()
        tables = list(journal.tables.values()) if journal else []
        loaded = sum(record.table_state == "Table completed" for record in tables)
        # The load ends some moments after its last table.
        percent = min(100 * loaded // max(len(tables), 1), 99)
        return Task(
            identifier=state.identifier,
            status=state.status,
            migration_type=state.migration_type,
            stop_reason=state.stop_reason,
            last_failure_message=state.last_failure_message,
            full_load_progress_percent=100 if journal and journal.loaded else percent,
            tables_loaded=loaded,
            tables_errored=sum(record.table_state == "Table error" for record in tables),
            started_at=_instant(state.started_at),
            stopped_at=_instant(state.stopped_at),
        )

    def table_statistics(self) -> list[TableStatistics]:
        journal = self._journal()
        if journal is None:
            return []
        return [
            TableStatistics(
                schema_name=SCHEMA,
                table_name=name,
                **{field: getattr(record, field) for field in COUNTED},
            )
            for name, record in sorted(journal.tables.items())
        ]

    def start(self, start_type: StartType) -> None:
        # First, because it may have to start the database, which takes its time.
        arguments = self._connection()
        descriptor = self._take_lock()
        try:
            # A child inherits the lock; a process id of an earlier worker must not outlive it.
            os.ftruncate(descriptor, 0)
            state = self._outlived(self._defined())
            self._refuse_wrong_type(start_type, state)
            started = replace(
                state,
                status="starting",
                stop_reason=None,
                last_failure_message=None,
                started_at=at_text(datetime.now(UTC)),
                stopped_at=None,
            )
            self._folder.write(started)
            self._spawn(start_type, arguments, descriptor)
        finally:
            os.close(descriptor)
        deadline = time.monotonic() + START_SECONDS
        while self.describe().status == "starting" and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)

    def stop(self) -> None:
        deadline = time.monotonic() + STOP_SECONDS
        signalled: int | None = None
        while self._folder.locked():
            pid = self._folder.worker_pid()
            if pid and pid != signalled:
                signalled = pid
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGTERM)
            if time.monotonic() > deadline:
                raise TransientError(
                    f"the worker of task {self._identifier} (process {pid}) does not stop; "
                    f"see {self._folder.log}, and kill it if need be: nothing is lost by that"
                )
            time.sleep(POLL_SECONDS)

    def _spawn(self, start_type: StartType, arguments: dict[str, Any], descriptor: int) -> None:
        configuration = {
            "task": str(self._folder.path),
            "lake": str(self._lake),
            "start_type": start_type,
            "file_format": self._format,
            "connection": arguments,
            "lock": descriptor,
            **self._options,
        }
        with self._folder.errors.open("wb") as errors:
            launch = subprocess.run(
                [sys.executable, "-m", WORKER],
                # By the pipe: arguments and environments can be read by others.
                input=json.dumps(configuration, default=str).encode(),
                stdout=errors,
                stderr=errors,
                pass_fds=[descriptor],
                cwd=self._folder.path,
                start_new_session=True,
                check=False,
            )
        if launch.returncode:
            self._folder.update(
                status="failed",
                last_failure_message=f"the worker did not start, see {self._folder.errors}",
            )

    def _take_lock(self) -> int:
        deadline = time.monotonic() + LOCK_SECONDS
        while (descriptor := self._folder.lock()) is None:
            # Whoever looks whether a worker lives holds the lock for an instant.
            status = self.describe().status
            if status in ALIVE or time.monotonic() > deadline:
                raise PermanentError(
                    f"InvalidResourceStateFault: Replication task {self._identifier} cannot be "
                    f"started, its current state is {status}"
                )
            time.sleep(POLL_SECONDS)
        return descriptor

    def _refuse_wrong_type(self, start_type: StartType, state: TaskState) -> None:
        first = state.status == "ready"
        finished = state.stop_reason == "Stop Reason FULL_LOAD_ONLY_FINISHED"
        if start_type == "start-replication" and not first:
            rule = "tasks running for the first time"
        elif start_type != "start-replication" and first:
            rule = "tasks that ran before"
        elif start_type == "resume-processing" and finished:
            rule = "tasks whose full load is not complete, or that capture changes"
        else:
            return
        name = start_type.upper().replace("-", "_")
        raise PermanentError(
            f"InvalidParameterCombinationException: Start Type : {name}, valid only for {rule}"
        )

    def _defined(self) -> TaskState:
        """The task as written, or as it would be written at its first start."""
        state = self._folder.read()
        return state or TaskState.new(self._identifier, self._migration_type)

    def _state(self) -> TaskState:
        while True:
            state = self._defined()
            if state.status in ALIVE and self._folder.locked():
                return state
            # It may have ended, or another started, between the two looks.
            if state.status not in ALIVE or state == self._folder.read():
                return self._outlived(state)

    def _outlived(self, state: TaskState) -> TaskState:
        """The state of a task that no worker runs."""
        if state.migration_type != self._migration_type:
            return TaskState(state.identifier, self._migration_type, state.slot)
        if state.status not in ALIVE:
            return state
        go_on = (
            "reload-target loads everything anew"
            if state.migration_type == "full-load"
            else "resume-processing goes on after the last delivered change"
        )
        pid = self._folder.worker_pid()
        worker = f"the worker (process {pid})" if pid else "the worker"
        died = f"{worker} died while the task was {state.status}; {go_on}"
        return replace(state, status="failed", last_failure_message=died)

    def _journal(self) -> Journal | None:
        return JournalFile(self._folder.journal, self._lake, "").read()


def _instant(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
