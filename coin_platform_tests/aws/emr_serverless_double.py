"""A double of EMR Serverless: runs move as its runs do, and their scripts really run."""

import itertools
import shlex
import signal
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from coin_platform_tests.aws.box import Box
from coin_platform_tests.aws.doubles import ApiError
from coin_platform_tests.aws.emr_scripts import LOOK_SECONDS, Process, submitted

OVER = ("SUCCESS", "FAILED", "CANCELLED")


@dataclass
class Run:
    id: str
    request: Mapping[str, Any]
    state: str = "SUBMITTED"
    details: str = ""
    cancelled: bool = False


class EmrServerlessDouble:
    """One application. `reports = False` loses the messages of scripts."""

    paths = ("/applications/",)

    def __init__(self, box: Box, application: str, pace: float = 0.05) -> None:
        self._box, self.application, self.pace = box, application, pace
        self.runs: dict[str, Run] = {}
        self.reports = True
        self._numbers = itertools.count(1)
        self._closing = threading.Event()
        self._threads: list[threading.Thread] = []

    def rest(
        self, method: str, path: str, query: Mapping[str, str], body: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        _, _, application, *rest = path.split("/")
        if application != self.application:
            raise ApiError("ResourceNotFoundException", f"Application {application} not found", 404)
        match method, rest:
            case "GET", []:
                return {"application": {
                    "applicationId": application, "name": "coins", "state": "STARTED",
                    "arn": "arn", "releaseLabel": "emr-spark-8.1.0", "type": "Spark",
                    "createdAt": 0, "updatedAt": 0,
                }}  # fmt: skip
            case "POST", ["jobruns"]:
                return self._start(body)
            case "GET", ["jobruns", run_id]:
                return {"jobRun": self._told(self._run(run_id))}
            case "DELETE", ["jobruns", run_id]:
                run = self._run(run_id)
                if run.state in OVER:
                    raise ApiError("ValidationException", f"Job run {run_id} is {run.state}")
                run.cancelled = True
                return {"applicationId": application, "jobRunId": run_id}
        raise ApiError("UnknownOperationException", f"{method} {path}", 404)

    def close(self) -> None:
        self._closing.set()
        for thread in self._threads:
            thread.join(timeout=30)

    def _start(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        if not body.get("executionRoleArn") or not body.get("clientToken"):
            raise ApiError("ValidationException", "executionRoleArn and clientToken are needed")
        run = Run(f"00run{next(self._numbers):08d}", body)
        self.runs[run.id] = run
        thread = threading.Thread(target=self._live, args=(run,), daemon=True)
        self._threads.append(thread)
        thread.start()
        return {"applicationId": self.application, "jobRunId": run.id, "arn": "arn"}

    def _run(self, run_id: str) -> Run:
        if run_id not in self.runs:
            raise ApiError("ResourceNotFoundException", f"Job run {run_id} not found", 404)
        return self.runs[run_id]

    def _told(self, run: Run) -> dict[str, Any]:
        return {
            "applicationId": self.application, "jobRunId": run.id, "state": run.state,
            "stateDetails": run.details, "arn": "arn", "createdBy": "us", "createdAt": 0,
            "updatedAt": 0, "executionRole": run.request["executionRoleArn"],
            "releaseLabel": "emr-spark-8.1.0", "jobDriver": run.request["jobDriver"],
        }  # fmt: skip

    def _live(self, run: Run) -> None:
        for state in ("PENDING", "SCHEDULED"):
            run.state = state
            self._closing.wait(self.pace)
        driver = run.request["jobDriver"]["sparkSubmit"]
        archive, _, _ = submitted(shlex.split(driver["sparkSubmitParameters"]))
        s3 = self._box.client("s3")
        process = Process(
            s3, self._box.environment(), archive, driver["entryPoint"],
            driver["entryPointArguments"], not self.reports,
        )  # fmt: skip
        run.state = "RUNNING"
        try:
            while process.returncode is None:
                if run.cancelled or self._closing.is_set():
                    run.state = "CANCELLING"
                    process.signal(signal.SIGKILL)
                self._closing.wait(LOOK_SECONDS)
            monitoring = run.request["configurationOverrides"]["monitoringConfiguration"]
            place = monitoring["s3MonitoringConfiguration"]["logUri"].rstrip("/")
            folder = f"{place}/applications/{self.application}/jobs/{run.id}/SPARK_DRIVER"
            process.save_logs(s3, folder)
            if run.cancelled:
                run.state = "CANCELLED"
            elif process.returncode == 0:
                run.state = "SUCCESS"
            else:
                run.details = f"Job execution failed, exit code {process.returncode}"
                run.state = "FAILED"
        finally:
            process.close()
