"""A double of EMR: clusters and steps move as EMR's do, and steps really run.

States take `pace` seconds each. What a test wants to go wrong is set on the double:

- `reports = False`: scripts run, and every message they write is lost;
- `dies = True`: a step is killed once its script has said that it runs;
- `loses_cluster = "message"`: as soon as a step runs, its cluster terminates with that message;
- `delay_logs`: seconds after its end until a step's logs are in S3.
"""

import itertools
import signal
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from botocore.session import get_session
from botocore.validate import ParamValidator

from coin_platform_tests.aws.box import Box
from coin_platform_tests.aws.doubles import ApiError
from coin_platform_tests.aws.emr_scripts import LOOK_SECONDS, Process, submitted
from coin_platform_tests.aws.emr_states import ALIVE, OVER, Cluster, Step, told, told_step

MODEL = get_session().get_service_model("emr")


class EmrDouble:
    """Clusters of one account. A minute of idleness takes `idle_scale` of its seconds."""

    target = "ElasticMapReduce"

    def __init__(self, box: Box, pace: float = 0.05, idle_scale: float = 1) -> None:
        self._box, self.pace, self.idle_scale = box, pace, idle_scale
        self.clusters: dict[str, Cluster] = {}
        self.reports, self.dies = True, False
        self.loses_cluster, self.delay_logs = "", 0.0
        self.fails_to_boot = False
        self._numbers = itertools.count(1)
        self._guard = threading.RLock()
        self._closing = threading.Event()
        self._threads: list[threading.Thread] = []

    # The service

    def call(self, action: str, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        shape = MODEL.operation_model(action).input_shape
        problems = ParamValidator().validate(parameters, shape)
        if problems.has_errors():
            raise ApiError("ValidationException", problems.generate_report())
        calls: dict[str, Callable[[Mapping[str, Any]], Mapping[str, Any]]] = {
            "RunJobFlow": self.run_job_flow,
            "ListClusters": self.list_clusters,
            "DescribeCluster": self.describe_cluster,
            "ListBootstrapActions": self.list_bootstrap_actions,
            "AddJobFlowSteps": self.add_job_flow_steps,
            "ListSteps": self.list_steps,
            "DescribeStep": self.describe_step,
            "CancelSteps": self.cancel_steps,
            "SetTerminationProtection": self.set_termination_protection,
            "TerminateJobFlows": self.terminate_job_flows,
        }
        if action not in calls:
            raise ApiError("UnknownOperationException", f"the double does not play {action}")
        with self._guard:
            return calls[action](parameters)

    def close(self) -> None:
        self._closing.set()
        for thread in self._threads:
            thread.join(timeout=30)

    def run_job_flow(self, given: Mapping[str, Any]) -> Mapping[str, Any]:
        roles = [group["InstanceRole"] for group in given["Instances"]["InstanceGroups"]]
        if roles.count("MASTER") != 1:
            raise ApiError("ValidationException", "exactly one MASTER instance group is needed")
        if not given.get("ServiceRole") or not given.get("JobFlowRole"):
            raise ApiError("ValidationException", "ServiceRole and JobFlowRole are needed")
        cluster = Cluster(f"j-{next(self._numbers):013d}", given)
        cluster.protected = given["Instances"].get("TerminationProtected", False)
        self.clusters[cluster.id] = cluster
        thread = threading.Thread(target=self._live, args=(cluster,), daemon=True)
        self._threads.append(thread)
        thread.start()
        return {"JobFlowId": cluster.id, "ClusterArn": f"arn:aws:emr:cluster/{cluster.id}"}

    def list_clusters(self, given: Mapping[str, Any]) -> Mapping[str, Any]:
        wanted = given.get("ClusterStates", [*ALIVE, "TERMINATING", "TERMINATED"])
        found = [told(c) for c in reversed(self.clusters.values()) if c.state in wanted]
        first = int(given.get("Marker", 0))
        more = {"Marker": str(first + 2)} if len(found) > first + 2 else {}  # small pages
        return {"Clusters": found[first : first + 2], **more}

    def describe_cluster(self, given: Mapping[str, Any]) -> Mapping[str, Any]:
        cluster = self._cluster(given["ClusterId"])
        request = cluster.request
        return {
            "Cluster": {
                **told(cluster),
                **{name: request[name] for name in ("ReleaseLabel", "LogUri") if name in request},
                "TerminationProtected": cluster.protected,
                "Tags": request.get("Tags", []),
            }
        }

    def list_bootstrap_actions(self, given: Mapping[str, Any]) -> Mapping[str, Any]:
        actions = self._cluster(given["ClusterId"]).request.get("BootstrapActions", [])
        return {
            "BootstrapActions": [
                {"Name": a["Name"], "ScriptPath": a["ScriptBootstrapAction"]["Path"]}
                for a in actions
            ]
        }

    def add_job_flow_steps(self, given: Mapping[str, Any]) -> Mapping[str, Any]:
        cluster = self._cluster(given["JobFlowId"])
        if cluster.state not in ALIVE or cluster.ending:
            raise ApiError(
                "ValidationException",
                f"A job flow that is shutting down, terminated, or finished may not be modified: "
                f"{cluster.id}",
            )
        added = [Step(f"s-{next(self._numbers):013d}", step) for step in given["Steps"]]
        cluster.steps += added
        return {"StepIds": [step.id for step in added]}

    def list_steps(self, given: Mapping[str, Any]) -> Mapping[str, Any]:
        steps = self._cluster(given["ClusterId"]).steps
        return {"Steps": [told_step(step) for step in reversed(steps)]}

    def describe_step(self, given: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"Step": told_step(self._step(given["ClusterId"], given["StepId"]))}

    def cancel_steps(self, given: Mapping[str, Any]) -> Mapping[str, Any]:
        answers = []
        for step_id in given["StepIds"]:
            step = self._step(given["ClusterId"], step_id)
            if step.state in OVER:
                answers.append({"StepId": step_id, "Status": "FAILED", "Reason": "it is over"})
                continue
            step.cancelled = given.get("StepCancellationOption", "SEND_INTERRUPT")
            if step.process:
                interrupt = step.cancelled == "SEND_INTERRUPT"
                step.process.signal(signal.SIGINT if interrupt else signal.SIGKILL)
            answers.append({"StepId": step_id, "Status": "SUBMITTED"})
        return {"CancelStepsInfoList": answers}

    def set_termination_protection(self, given: Mapping[str, Any]) -> Mapping[str, Any]:
        for cluster_id in given["JobFlowIds"]:
            self._cluster(cluster_id).protected = given["TerminationProtected"]
        return {}

    def terminate_job_flows(self, given: Mapping[str, Any]) -> Mapping[str, Any]:
        for cluster_id in given["JobFlowIds"]:
            if self._cluster(cluster_id).protected:
                raise ApiError("ValidationException", "Could not shut down one or more job flows "
                               "since they are termination protected.")  # fmt: skip
            self.lose(cluster_id, "Terminated by user request", "USER_REQUEST")
        return {}

    # What a test does from outside

    def lose(self, cluster_id: str, message: str, code: str = "INSTANCE_FAILURE") -> None:
        """Let a cluster terminate."""
        self._cluster(cluster_id).ending = {"Code": code, "Message": message}

    @property
    def steps(self) -> list[Step]:
        return [step for cluster in self.clusters.values() for step in cluster.steps]

    @property
    def alive(self) -> list[str]:
        return [cluster.id for cluster in self.clusters.values() if cluster.state in ALIVE]

    def _cluster(self, cluster_id: str) -> Cluster:
        if cluster_id not in self.clusters:
            raise ApiError("InvalidRequestException", f"Cluster id '{cluster_id}' is not valid.")
        return self.clusters[cluster_id]

    def _step(self, cluster_id: str, step_id: str) -> Step:
        for step in self._cluster(cluster_id).steps:
            if step.id == step_id:
                return step
        raise ApiError("InvalidRequestException", f"Step id '{step_id}' is not valid.")

    # The life of a cluster, in a thread of its own

    def _live(self, cluster: Cluster) -> None:
        for state in ("STARTING", "BOOTSTRAPPING"):
            cluster.become(state)
            self._closing.wait(self.pace)
        if self.fails_to_boot:
            cluster.ending = {"Code": "BOOTSTRAP_FAILURE", "Message": "bootstrap action 1 failed"}
        cluster.idle_since = time.monotonic()
        while not self._closing.is_set() and cluster.ending is None:
            step = next((step for step in cluster.steps if step.state == "PENDING"), None)
            if step is not None:
                cluster.become("RUNNING")
                self._carry_out(cluster, step)
                cluster.idle_since = time.monotonic()
                continue
            cluster.become("WAITING")
            idle = time.monotonic() - cluster.idle_since
            limit = cluster.idle_timeout
            if limit is not None and idle > limit * self.idle_scale and not cluster.protected:
                cluster.ending = {"Code": "ALL_STEPS_COMPLETED", "Message": "Auto-terminated: idle"}
            self._closing.wait(LOOK_SECONDS)
        with self._guard:
            for step in cluster.steps:
                if step.state not in OVER:
                    step.become("CANCELLED")
            cluster.reason = cluster.ending or {}
            cluster.become("TERMINATING")
        self._closing.wait(self.pace)
        cluster.become("TERMINATED" if not self.fails_to_boot else "TERMINATED_WITH_ERRORS")

    def _carry_out(self, cluster: Cluster, step: Step) -> None:
        if step.cancelled:
            step.become("CANCELLED")
            return
        jar = step.request["HadoopJarStep"]
        if jar["Jar"] != "command-runner.jar" or jar["Args"][0] != "spark-submit":
            self._failed(step, "Unknown Error.", "no such program")
            return
        archive, entry, arguments = submitted(jar["Args"][1:])
        s3, environment = self._box.client("s3"), self._box.environment()
        step.process = Process(s3, environment, archive, entry, arguments, not self.reports)
        step.become("RUNNING")
        if step.cancelled:  # in the moment between
            step.process.signal(signal.SIGINT)
        logs = f"{cluster.request['LogUri'].rstrip('/')}/{cluster.id}/steps/{step.id}"
        try:
            self._watch(cluster, step, step.process)
            self._closing.wait(self.delay_logs)
            step.process.save_logs(s3, logs)
        finally:
            step.process.close()

    def _watch(self, cluster: Cluster, step: Step, process: Process) -> None:
        while process.returncode is None:
            if self.loses_cluster:
                self.lose(cluster.id, self.loses_cluster)
            if cluster.ending or self._closing.is_set():
                cluster.reason = cluster.ending or {}
                cluster.become("TERMINATING")  # before its steps, which that interrupts
                process.kill()
                step.become("INTERRUPTED")
                return
            if self.dies and b"opened" in self._first_words(step):
                process.kill()
            self._closing.wait(LOOK_SECONDS)
        if step.cancelled:
            step.become("CANCELLED")
        elif process.returncode == 0:
            step.become("COMPLETED")
        else:
            self._failed(step, "Unknown Error.", f"exit code {process.returncode}")

    def _failed(self, step: Step, reason: str, message: str) -> None:
        step.failure = {"Reason": reason, "Message": message}
        step.become("FAILED")

    def _first_words(self, step: Step) -> bytes:
        """What the step's script has said through Pipes so far, its first chunk."""
        from dagster_pipes import decode_param

        words = step.request["HadoopJarStep"]["Args"]
        place = decode_param(words[words.index("--dagster-pipes-messages") + 1])
        s3, key = self._box.client("s3"), f"{place['key_prefix']}/1.json"
        if not s3.list_objects_v2(Bucket=place["bucket"], Prefix=key)["KeyCount"]:
            return b""
        content: bytes = s3.get_object(Bucket=place["bucket"], Key=key)["Body"].read()
        return content
