"""Scripts as steps of a cluster: `spark-submit` on its primary node, by `command-runner.jar`."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from coin_platform.errors import PermanentError
from coin_platform.resources.aws.errors import explained
from coin_platform.resources.engine.emr.cluster import Clusters, words
from coin_platform.resources.engine.emr.cluster_request import LOGS, SPARK_DEFAULTS
from coin_platform.resources.engine.emr.runner import (
    Progress,
    Runner,
    Script,
    State,
    Status,
    Submission,
)

if TYPE_CHECKING:
    from coin_platform.settings import Settings

STATES = {
    "PENDING": State.WAITING,
    "RUNNING": State.RUNNING,
    "CANCEL_PENDING": State.RUNNING,
    "COMPLETED": State.DONE,
    "FAILED": State.FAILED,
    "INTERRUPTED": State.LOST,  # with `CONTINUE` only the end of its cluster does that to a step
    "CANCELLED": State.CANCELLED,
}


class StepRunner(Runner):
    """Runs scripts as steps of the platform's cluster, which is made when there is none."""

    def __init__(self, settings: "Settings", emr: Any, clusters: Clusters) -> None:
        self._settings, self._emr, self._clusters = settings, emr, clusters

    def submit(self, script: Script, progress: Progress) -> Submission:
        found = self._clusters.find()
        if found is not None:
            return self._add(found.id, script)
        made = self._clusters.make(progress)
        try:
            return self._add(made, script)
        except BaseException:
            self._clusters.end_unused(made)
            raise

    def _add(self, cluster_id: str, script: Script) -> Submission:
        step = {
            "Name": script.name,
            "ActionOnFailure": "CONTINUE",
            "HadoopJarStep": {"Jar": "command-runner.jar", "Args": spark_submit(script)},
        }
        with explained(f"giving cluster {cluster_id} the step {script.name}"):
            added = self._emr.add_job_flow_steps(JobFlowId=cluster_id, Steps=[step])
        return Submission(cluster_id, added["StepIds"][0])

    def status(self, submission: Submission) -> Status:
        with explained(f"asking for step {submission}"):
            step = self._emr.describe_step(ClusterId=submission.place, StepId=submission.id)
        found = step["Step"]["Status"]
        state = STATES.get(found["State"])
        if state is None:
            raise PermanentError(f"step {submission} is {found['State']}, which is not known here")
        if state in (State.FAILED, State.CANCELLED, State.LOST):
            gone = self._clusters.reason_gone(submission.place)
            if gone is not None:
                return Status(State.LOST, gone)
        failure = found.get("FailureDetails", {})
        reasons = [failure[name] for name in ("Reason", "Message") if failure.get(name)]
        return Status(state, ": ".join(reasons or words(found.get("StateChangeReason", {}))))

    def cancel(self, submission: Submission, *, by_force: bool) -> None:
        option = "TERMINATE_PROCESS" if by_force else "SEND_INTERRUPT"
        with explained(f"cancelling step {submission}"):
            self._emr.cancel_steps(
                ClusterId=submission.place,
                StepIds=[submission.id],
                StepCancellationOption=option,
            )

    def log_keys(self, submission: Submission) -> Sequence[str]:
        folder = f"{LOGS}{submission.place}/steps/{submission.id}"
        return [f"{folder}/{name}.gz" for name in ("stderr", "stdout")]

    def probe(self) -> str:
        name = self._settings.emr_cluster
        found = self._clusters.find()
        if found is None:
            return f"no cluster {name} lives: the next transform makes one, which takes minutes"
        return f"cluster {name} ({found.id}) is {found.state}"


def spark_submit(script: Script) -> list[str]:
    """The command; the driver runs on the primary node, so that what it prints is the step's.

    It says what Spark must be like itself: a cluster of others has other defaults.
    """
    conf = [
        part for name, value in SPARK_DEFAULTS.items() for part in ("--conf", f"{name}={value}")
    ]
    return [
        *("spark-submit", "--deploy-mode", "client", "--name", script.name, *conf),
        *("--py-files", script.py_files, script.entry, *script.arguments),
    ]
