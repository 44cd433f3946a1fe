"""The same task on DMS Serverless, which provides and takes back its capacity by itself.

It has no replication instance, so it tests the connections itself at each start; what it finds
wrong is the message of the failed task.
"""

from collections.abc import Mapping
from typing import Any

from coin_platform.resources.replication.dms import answers, payloads, setup
from coin_platform.resources.replication.dms.answers import Found
from coin_platform.resources.replication.dms.replication import DmsReplication
from coin_platform.resources.replication.interface import StartType

ENDS = ("SourceEndpointArn", "TargetEndpointArn")  # of a replication that has run


class ServerlessReplication(DmsReplication):
    """The replication config `dms_task` and its replication."""

    def _find(self) -> Found | None:
        answer = self._calls.find(
            "describe_replications",
            "Replications",
            {"replication-config-id": self._settings.dms_task},
        )
        return answers.serverless(answer) if answer else None

    def _definition(self, arn: str) -> Mapping[str, Any]:
        by = {"replication-config-arn": arn}
        return self._calls.find("describe_replication_configs", "ReplicationConfigs", by) or {}

    def _tables(self, arn: str) -> list[Mapping[str, Any]]:
        return list(
            self._calls.every(
                f"reading the table statistics of replication {self._settings.dms_task}",
                "describe_replication_table_statistics",
                "ReplicationTableStatistics",
                ReplicationConfigArn=arn,
            )
        )

    def _logs(self) -> str:
        return f"dms-serverless-replication-{str(self._arn).rpartition(':')[2]}"

    def _prepare(self, found: Found | None) -> Found:
        name = self._settings.dms_task
        first = found is None or found.task.status == "ready"
        arns = setup.endpoints(self._settings, self._calls, used=not first)
        wanted = payloads.replication_config(self._settings, arns.source, arns.target)
        if found is None:
            self._calls.make(f"making replication {name}", "create_replication_config", **wanted)
        elif different := self._adopt(found, wanted, () if first else ENDS):
            changes = {
                key: value
                for key, value in wanted.items()
                if key not in ("ReplicationConfigIdentifier", "Tags")
            }
            self._calls(
                f"changing replication {name} ({'; '.join(different)})",
                "modify_replication_config",
                ReplicationConfigArn=found.arn,
                **changes,
            )
        return self._calls.wait(f"making replication {name}", self._settled)

    def _start(self, arn: str, start_type: StartType) -> None:
        self._calls(
            f"starting replication {self._settings.dms_task}",
            "start_replication",
            ReplicationConfigArn=arn,
            StartReplicationType=start_type,
        )

    def _stop(self, arn: str) -> None:
        self._calls(
            f"stopping replication {self._settings.dms_task}",
            "stop_replication",
            ReplicationConfigArn=arn,
        )
