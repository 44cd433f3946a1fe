"""A task of DMS, whatever it runs on: create or adopt, test, start, watch, stop.

**What a cancelled run leaves.** The task belongs to the platform and not to the run that started
it, so nothing is stopped: one that captures changes goes on, a full load goes on to its end, and
the replication sensor asks for the hours that arrive. A start that is cut off before DMS was asked
to start leaves an instance, endpoints or a task that is `ready`; they are found by their names by
the next start, which goes on from there.
"""

import logging
from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

from coin_platform.errors import PermanentError
from coin_platform.resources.replication.dms import answers, setup
from coin_platform.resources.replication.dms.answers import Found
from coin_platform.resources.replication.dms.calls import Calls
from coin_platform.resources.replication.interface import (
    Replication,
    StartType,
    TableStatistics,
    Task,
)
from coin_platform.settings import Settings

log = logging.getLogger(__name__)

ALIVE = ("starting", "running", "stopping")
PASSING = ("creating", "modifying", "moving", "testing", "deleting", "stopping")


class DmsReplication(Replication):
    """The task that the settings name. Everything of it in AWS is made when it is first started.

    `describe` and `table_statistics` are one bounded call each. Raises `TransientError` when DMS
    throttles or takes too long, `PermanentError` with DMS's own words otherwise.
    """

    def __init__(self, settings: Settings, calls: Calls) -> None:
        self._settings = settings
        self._calls = calls
        self._arn: str | None = None
        self.poll_seconds = calls.poll_seconds

    def describe(self) -> Task:
        found = self._look()
        if found is None:
            return Task(self._settings.dms_task, "ready", self._settings.migration_type)
        return found.task

    def table_statistics(self) -> list[TableStatistics]:
        if self._arn is None and self._look() is None:
            return []
        tables = [answers.table(row, self._logs()) for row in self._tables(str(self._arn))]
        return sorted(tables, key=lambda table: (table.schema_name, table.table_name))

    def start(self, start_type: StartType) -> None:
        found = self._settled()
        if found is None or found.task.status not in ALIVE:
            # Before anything is changed, for a change hides what the task was.
            wanted = self._settings.migration_type
            needed = answers.start_needed(found, wanted, start_type) if found else start_type
            if needed != start_type:
                name = self._settings.dms_task
                log.warning("task %s: %s in place of %s", name, needed, start_type)
            found, start_type = self._prepare(found), needed
        self._start(found.arn, start_type)

    def stop(self) -> None:
        asked = False

        def stopped() -> bool | None:
            nonlocal asked
            found = self._look()
            if found is None or found.task.status not in ALIVE:
                return True
            if found.task.status == "running" and not asked:
                try:
                    self._stop(found.arn)
                    asked = True
                except PermanentError:
                    # It may have come to its end by itself since we looked.
                    if self.describe().status in ALIVE:
                        raise
            return None

        self._calls.wait(f"stopping task {self._settings.dms_task}", stopped)

    def _look(self) -> Found | None:
        found = self._find()
        self._arn = found.arn if found else None
        return found

    def _settled(self) -> Found | None:
        """The task once nothing is being done to it, perhaps by a start that was cut off."""

        def still() -> tuple[Found | None] | None:
            found = self._look()
            return None if found and found.task.status in PASSING else (found,)

        return self._calls.wait(f"preparing task {self._settings.dms_task}", still)[0]

    def _adopt(self, found: Found, wanted: Mapping[str, Any], fixed: tuple[str, ...]) -> list[str]:
        """How a task that is there differs from what is wanted; tagged by this.

        `fixed` names what DMS cannot change of it: a difference there is a `PermanentError`.
        """
        compared = {key: value for key, value in wanted.items() if key != "Tags"}
        different = answers.differences(compared, self._definition(found.arn))
        unchangeable = [text for text in different if text.startswith(fixed)]
        if unchangeable:
            raise PermanentError(
                f"task {self._settings.dms_task} is another one: {'; '.join(unchangeable)}, and "
                "DMS cannot change that. Delete the task in DMS, or name another by "
                "COIN_PLATFORM_DMS_TASK"
            )
        setup.tag(self._settings, self._calls, found.arn)
        return different

    @abstractmethod
    def _find(self) -> Found | None:
        """The task by its name, in one call."""

    @abstractmethod
    def _definition(self, arn: str) -> Mapping[str, Any]:
        """All that DMS was told of the task."""

    @abstractmethod
    def _tables(self, arn: str) -> list[Mapping[str, Any]]:
        """The statistics of all tables, in DMS's words."""

    @abstractmethod
    def _logs(self) -> str:
        """The log group that tells what became of a table."""

    @abstractmethod
    def _prepare(self, found: Found | None) -> Found:
        """The task as the settings have it, made or adopted, and tested before its first start."""

    @abstractmethod
    def _start(self, arn: str, start_type: StartType) -> None: ...

    @abstractmethod
    def _stop(self, arn: str) -> None: ...
