"""A replication task on a replication instance."""

from collections.abc import Mapping
from typing import Any

from coin_platform.errors import PermanentError, TransientError
from coin_platform.resources.replication.dms import answers, payloads, setup
from coin_platform.resources.replication.dms.answers import Found
from coin_platform.resources.replication.dms.replication import DmsReplication
from coin_platform.resources.replication.interface import StartType

FIXED = ("SourceEndpointArn", "TargetEndpointArn", "ReplicationInstanceArn")
# Now and then DMS says so of connections that it has just found good.
UNTESTED = "Test connection"
CHANGEABLE = ("MigrationType", "TableMappings", "ReplicationTaskSettings")


class TaskReplication(DmsReplication):
    """The task `dms_task` on the instance `dms_instance`, both made if they are not there."""

    def _find(self) -> Found | None:
        answer = self._calls.find(
            "describe_replication_tasks",
            "ReplicationTasks",
            {"replication-task-id": self._settings.dms_task},
            WithoutSettings=True,
        )
        return answers.task(answer) if answer else None

    def _definition(self, arn: str) -> Mapping[str, Any]:
        by = {"replication-task-arn": arn}
        return self._calls.find("describe_replication_tasks", "ReplicationTasks", by) or {}

    def _tables(self, arn: str) -> list[Mapping[str, Any]]:
        return list(
            self._calls.every(
                f"reading the table statistics of task {self._settings.dms_task}",
                "describe_table_statistics",
                "TableStatistics",
                ReplicationTaskArn=arn,
            )
        )

    def _logs(self) -> str:
        return f"dms-tasks-{self._settings.dms_instance}"

    def _prepare(self, found: Found | None) -> Found:
        name = self._settings.dms_task
        first = found is None or found.task.status == "ready"
        arns = setup.endpoints(self._settings, self._calls, used=not first)
        instance = setup.instance(self._settings, self._calls)
        wanted = payloads.task(self._settings, arns.source, arns.target, instance)
        different = self._adopt(found, wanted, FIXED) if found else []
        setup.connect(self._calls, instance, arns, anew=first or arns.changed)
        if found is None:
            self._calls.make(f"making task {name}", "create_replication_task", **wanted)
        elif different:
            self._calls(
                f"changing task {name} ({'; '.join(different)})",
                "modify_replication_task",
                ReplicationTaskArn=found.arn,
                **{key: wanted[key] for key in CHANGEABLE},
            )
        return self._calls.wait(f"making task {name}", self._settled)

    def _start(self, arn: str, start_type: StartType) -> None:
        try:
            self._calls(
                f"starting task {self._settings.dms_task}",
                "start_replication_task",
                ReplicationTaskArn=arn,
                StartReplicationTaskType=start_type,
            )
        except PermanentError as error:
            if UNTESTED not in str(error):
                raise
            raise TransientError(f"{error}; they were, which DMS may notice late") from error

    def _stop(self, arn: str) -> None:
        self._calls(
            f"stopping task {self._settings.dms_task}",
            "stop_replication_task",
            ReplicationTaskArn=arn,
        )
