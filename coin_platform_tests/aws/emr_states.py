"""The clusters and steps of EMR's double, and what EMR tells of them."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from coin_platform_tests.aws.emr_scripts import Process

ALIVE = ("STARTING", "BOOTSTRAPPING", "RUNNING", "WAITING")
OVER = ("COMPLETED", "FAILED", "CANCELLED", "INTERRUPTED")


@dataclass
class Step:
    id: str
    request: Mapping[str, Any]
    state: str = "PENDING"
    reason: dict[str, str] = field(default_factory=dict)
    failure: dict[str, str] = field(default_factory=dict)
    process: Process | None = None
    cancelled: str = ""
    states: list[str] = field(default_factory=lambda: ["PENDING"])

    def become(self, state: str) -> None:
        self.state = state
        self.states.append(state)


@dataclass
class Cluster:
    id: str
    request: Mapping[str, Any]
    state: str = "STARTING"
    reason: dict[str, str] = field(default_factory=dict)
    protected: bool = False
    steps: list[Step] = field(default_factory=list)
    made_at: float = field(default_factory=time.time)
    idle_since: float = field(default_factory=time.monotonic)
    ending: dict[str, str] | None = None
    states: list[str] = field(default_factory=lambda: ["STARTING"])

    def become(self, state: str) -> None:
        if state != self.state:
            self.state = state
            self.states.append(state)

    @property
    def idle_timeout(self) -> float | None:
        policy = self.request.get("AutoTerminationPolicy")
        return policy["IdleTimeout"] if policy else None


def told(cluster: Cluster) -> dict[str, Any]:
    return {
        "Id": cluster.id,
        "Name": cluster.request["Name"],
        "Status": {
            "State": cluster.state,
            "StateChangeReason": cluster.reason,
            "Timeline": {"CreationDateTime": cluster.made_at},
        },
    }


def told_step(step: Step) -> dict[str, Any]:
    failure = {"FailureDetails": step.failure} if step.failure else {}
    return {
        "Id": step.id,
        "Name": step.request["Name"],
        "ActionOnFailure": step.request["ActionOnFailure"],
        "Status": {"State": step.state, "StateChangeReason": step.reason, **failure},
    }
