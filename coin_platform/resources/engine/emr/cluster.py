"""The cluster by its name: found among those that live, or made.

Of several with the name the oldest is used, by everybody. So two runs that make one at the same
moment end up on the same cluster, and the one who made the other ends it again.
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from coin_platform.errors import PlatformError
from coin_platform.resources.aws.errors import explained
from coin_platform.resources.engine.emr.cluster_request import BOOTSTRAP, request
from coin_platform.resources.engine.emr.package import Package

if TYPE_CHECKING:
    from coin_platform.resources.engine.emr.runner import Progress
    from coin_platform.settings import Settings

log = logging.getLogger(__name__)

ALIVE = ("STARTING", "BOOTSTRAPPING", "RUNNING", "WAITING")


@dataclass(frozen=True, order=True)
class Cluster:
    """A cluster that lives; sorts by age, the oldest first."""

    made_at: datetime
    id: str
    state: str


class Clusters:
    """Finds, makes and ends the platform's cluster."""

    def __init__(self, settings: "Settings", emr: Any, s3: Any, package: Package) -> None:
        self._settings, self._emr, self._s3, self._package = settings, emr, s3, package

    def find(self) -> Cluster | None:
        """The oldest cluster that lives, has the name, and what the steps need; often none."""
        return next((cluster for cluster in self.named() if self.is_fit(cluster)), None)

    def named(self) -> list[Cluster]:
        """The clusters that live and have the name, the oldest first."""
        name = self._settings.emr_cluster
        with explained(f"looking for cluster {name}"):
            pages = self._emr.get_paginator("list_clusters").paginate(ClusterStates=list(ALIVE))
            return sorted(
                Cluster(
                    found["Status"]["Timeline"]["CreationDateTime"],
                    found["Id"],
                    found["Status"]["State"],
                )
                for page in pages
                for found in page["Clusters"]
                if found["Name"] == name
            )

    def is_fit(self, cluster: Cluster) -> bool:
        """Whether the platform made it with the packages of this version, or others made it.

        One that an older version made is left to end itself. What is on a cluster of others is
        theirs to say.
        """
        with explained(f"looking at cluster {cluster.id}"):
            found = self._emr.list_bootstrap_actions(ClusterId=cluster.id)
        ours = [action for action in found["BootstrapActions"] if action["Name"] == BOOTSTRAP]
        return all(action["ScriptPath"].endswith(self._package.bootstrap_key) for action in ours)

    def make(self, progress: "Progress") -> str:
        """Make a cluster and give its id; that of an older one, if another run was quicker."""
        bucket = self._settings.bucket("platform")
        bootstrap = self._package.upload_bootstrap(self._s3, bucket)
        name = self._settings.emr_cluster
        with explained(f"making cluster {name}"):
            made: str = self._emr.run_job_flow(**request(self._settings, bootstrap))["JobFlowId"]
        try:
            progress(
                f"no cluster {name} lives: {made} is being made; "
                f"it ends after {self._settings.emr_idle_minutes} idle minutes"
            )
            oldest = self.find()
        except BaseException:
            self.end_unused(made)
            raise
        if oldest is None or oldest.id == made:
            return made
        progress(f"another run made {oldest.id} before: that is used, and {made} ended")
        self.end_unused(made)
        return oldest.id

    def end_unused(self, cluster_id: str) -> None:
        """End a cluster that this run made, unless somebody gave it a step. Raises nothing."""
        try:
            with explained(f"ending cluster {cluster_id}"):
                if self._emr.list_steps(ClusterId=cluster_id)["Steps"]:
                    return
                if self._settings.emr_termination_protection:
                    self._emr.set_termination_protection(
                        JobFlowIds=[cluster_id], TerminationProtected=False
                    )
                self._emr.terminate_job_flows(JobFlowIds=[cluster_id])
        except PlatformError as error:
            log.warning("%s; it ends itself when idle", error)

    def reason_gone(self, cluster_id: str) -> str | None:
        """Why the cluster does not live any more; None while it does."""
        with explained(f"asking for cluster {cluster_id}"):
            status = self._emr.describe_cluster(ClusterId=cluster_id)["Cluster"]["Status"]
        if status["State"] in ALIVE:
            return None
        return ": ".join([status["State"], *words(status.get("StateChangeReason", {}))])


def words(reason: dict[str, str]) -> Iterator[str]:
    """What EMR says of a change of state, as far as it says anything."""
    return (reason[name] for name in ("Code", "Message") if reason.get(name))
