"""Scripts as runs of an EMR Serverless application."""

import uuid
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from coin_platform.errors import PermanentError, SettingsError
from coin_platform.resources.aws.errors import explained, unless
from coin_platform.resources.aws.tags import tags
from coin_platform.resources.engine.emr.cluster_request import GLUE
from coin_platform.resources.engine.emr.runner import (
    SPARK,
    Progress,
    Runner,
    Script,
    State,
    Status,
    Submission,
)

if TYPE_CHECKING:
    from coin_platform.settings import Settings

LOGS = "logs/emr-serverless"
DELTA = ",".join(f"/usr/share/aws/delta/lib/{jar}.jar" for jar in ("delta-spark", "delta-storage"))
PYTHON = "./environment/bin/python"  # in the archive, which is unpacked as `environment`
STATES = {
    "SUBMITTED": State.WAITING,
    "QUEUED": State.WAITING,
    "PENDING": State.WAITING,
    "SCHEDULED": State.WAITING,
    "RUNNING": State.RUNNING,
    "CANCELLING": State.RUNNING,
    "SUCCESS": State.DONE,
    "FAILED": State.FAILED,
    "CANCELLED": State.CANCELLED,
}


class ServerlessRunner(Runner):
    """Runs scripts on the configured application, which starts and stops itself."""

    def __init__(self, settings: "Settings", emr: Any) -> None:
        self._settings, self._emr = settings, emr
        if not settings.emr_execution_role_arn:
            raise SettingsError(
                "EMR Serverless runs jobs with a role: set COIN_PLATFORM_EMR_EXECUTION_ROLE_ARN"
            )
        self._application = str(settings.emr_serverless_application)

    def submit(self, script: Script, progress: Progress) -> Submission:  # noqa: ARG002
        logs = f"s3://{self._settings.bucket('platform')}/{LOGS}/"
        with explained(f"starting {script.name} on application {self._application}"):
            started = self._emr.start_job_run(
                applicationId=self._application,
                clientToken=str(uuid.uuid4()),
                executionRoleArn=self._settings.emr_execution_role_arn,
                name=script.name,
                tags=tags(self._settings),
                executionTimeoutMinutes=0,  # none; the platform has its own
                jobDriver={
                    "sparkSubmit": {
                        "entryPoint": script.entry,
                        "entryPointArguments": list(script.arguments),
                        "sparkSubmitParameters": parameters(script, self._settings),
                    }
                },
                configurationOverrides={
                    "monitoringConfiguration": {"s3MonitoringConfiguration": {"logUri": logs}}
                },
            )
        return Submission(self._application, started["jobRunId"])

    def status(self, submission: Submission) -> Status:
        with explained(f"asking for run {submission}"):
            run = self._emr.get_job_run(
                applicationId=submission.place, jobRunId=submission.id
            )["jobRun"]  # fmt: skip
        state = STATES.get(run["state"])
        if state is None:
            raise PermanentError(f"run {submission} is {run['state']}, which is not known here")
        return Status(state, run.get("stateDetails", ""))

    def cancel(self, submission: Submission, *, by_force: bool) -> None:
        if by_force:
            return  # the service ends by itself what does not heed the first call
        by = {"applicationId": submission.place, "jobRunId": submission.id}
        with explained(f"cancelling run {submission}"):
            unless({"ValidationException"}, self._emr.cancel_job_run, **by)  # it is over

    def log_keys(self, submission: Submission) -> Sequence[str]:
        folder = f"{LOGS}/applications/{submission.place}/jobs/{submission.id}/SPARK_DRIVER"
        return [f"{folder}/{name}.gz" for name in ("stderr", "stdout")]

    def probe(self) -> str:
        with explained(f"asking for application {self._application}"):
            found = self._emr.get_application(applicationId=self._application)["application"]
        return f"EMR Serverless application {found['name']} is {found['state']}"


def parameters(script: Script, settings: "Settings") -> str:
    """What `spark-submit` is given: code, Delta, the Glue catalog, and the Python packages."""
    conf = {**SPARK, "spark.hadoop.hive.metastore.client.factory.class": GLUE}
    conf["spark.jars"] = DELTA
    if settings.emr_serverless_archive:
        conf["spark.archives"] = f"{settings.emr_serverless_archive}#environment"
        for name in ("emr-serverless.driverEnv.PYSPARK_DRIVER_PYTHON",
                     "emr-serverless.driverEnv.PYSPARK_PYTHON",
                     "executorEnv.PYSPARK_PYTHON"):  # fmt: skip
            conf[f"spark.{name}"] = PYTHON
    return " ".join(
        ["--py-files", script.py_files, *(f"--conf {name}={value}" for name, value in conf.items())]
    )
