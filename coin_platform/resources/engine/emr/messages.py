"""What a submission says of itself while it runs: Dagster Pipes' messages, as objects in S3.

The script writes `1.json`, `2.json`, … of lines below the submission's prefix. They are read here
in the thread that watches the submission, so that nothing goes on reading after it, and one that
never reports costs no wait. (`PipesS3MessageReader` reads in a thread of its own, waits for a
silent script for as long again, and takes a failing S3 for silence.)
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from coin_platform.contracts.measures import Measured
from coin_platform.errors import PlatformError
from coin_platform.resources.aws.errors import explained
from coin_platform.resources.aws.objects import content_of
from coin_platform.resources.engine.interface import Outcome
from coin_platform.resources.engine.reports import (
    FAILURE,
    MEASURED,
    OUTCOME,
    failure_of,
    measurements_of,
    outcome_of,
)

VERSION_FIELD = "__dagster_pipes_version"
Message = Mapping[str, Any]
Hear = Callable[[Message], None]


class Channel:
    """The place in S3 of one submission's context and messages."""

    def __init__(self, s3: Any, bucket: str, name: str) -> None:
        self._s3, self.bucket, self.prefix = s3, bucket, f"pipes/{name}"
        self._next = 1

    @property
    def context_params(self) -> dict[str, Any]:
        """Where the script finds its context, in Pipes' words."""
        return {"bucket": self.bucket, "key": f"{self.prefix}/context.json"}

    @property
    def message_params(self) -> dict[str, Any]:
        """Where the script leaves its messages, in Pipes' words."""
        return {"bucket": self.bucket, "key_prefix": self.prefix}

    def put_context(self, data: Mapping[str, Any]) -> None:
        with explained(f"giving {self.prefix} its context"):
            self._s3.put_object(
                Bucket=self.bucket,
                Key=self.context_params["key"],
                Body=json.dumps(data).encode(),
            )

    def read(self) -> list[Message]:
        """The messages that came since the last time. Raises the platform's errors."""
        messages: list[Message] = []
        while (chunk := self._next_chunk()) is not None:
            self._next += 1
            found = [json.loads(line) for line in chunk.splitlines() if line]
            messages += [message for message in found if VERSION_FIELD in message]
        return messages

    def _next_chunk(self) -> bytes | None:
        return content_of(self._s3, self.bucket, f"{self.prefix}/{self._next}.json")


@dataclass
class Report:
    """What the messages of a submission said so far."""

    opened: bool = False
    closed: bool = False
    outcome: Outcome | None = None
    measured: dict[str, Measured] | None = None
    failure: PlatformError | None = None

    def hear(self, message: Message) -> None:
        method, params = message["method"], message.get("params") or {}
        if method == "opened":
            self.opened = True
        elif method == "closed":
            self.closed = True
        elif method == "report_custom_message":
            self._told(params["payload"])

    def _told(self, payload: Mapping[str, Any]) -> None:
        if FAILURE in payload:
            self.failure = failure_of(payload[FAILURE])
        if OUTCOME in payload:
            self.outcome = outcome_of(payload[OUTCOME])
        if MEASURED in payload:
            self.measured = measurements_of(payload[MEASURED]).partitions
