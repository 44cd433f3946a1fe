"""The engine on EMR: what becomes of a job, and of what was measured with it."""

import json
import uuid
from typing import TYPE_CHECKING, Any

from coin_platform.contracts.measures import Measured
from coin_platform.errors import PermanentError, PlatformError, TransientError
from coin_platform.partitions import Window
from coin_platform.resources.aws.objects import content_of
from coin_platform.resources.engine.emr.logs import tail
from coin_platform.resources.engine.emr.messages import Channel, Report
from coin_platform.resources.engine.emr.package import Package
from coin_platform.resources.engine.emr.runner import (
    Progress,
    Runner,
    Script,
    State,
    Status,
    Submission,
)
from coin_platform.resources.engine.emr.watch import Pace, wait, withdraw
from coin_platform.resources.engine.interface import Engine, Outcome
from coin_platform.resources.engine.orders import MEASURE, RUN, Orders
from coin_platform.resources.engine.reports import (
    measurements_key,
    measurements_of,
)
from coin_platform.resources.lake import Lake
from coin_platform.resources.lake.glue import GlueCatalog

if TYPE_CHECKING:
    from dagster import AssetExecutionContext

    from coin_platform.settings import Settings

MONTH_HOURS = 31 * 24


def quiet(_: str) -> None:
    """Whoever asks for measurements hears no progress."""


class EmrEngine(Engine):
    """Runs jobs as scripts on EMR, over the lake in S3, one at a time for each caller."""

    # A step starts in half a minute, and needs little longer for a month than for an hour.
    least_hours = MONTH_HOURS

    def __init__(  # noqa: PLR0913  its parts
        self,
        settings: "Settings",
        lake: Lake,
        runner: Runner,
        package: Package,
        catalog: GlueCatalog,
        s3: Any,
        pace: Pace | None = None,
    ) -> None:
        self._settings, self._lake, self._runner = settings, lake, runner
        self._package, self._catalog, self._s3 = package, catalog, s3
        self._pace = pace or Pace()
        self._bucket = settings.bucket("platform")

    def run(
        self,
        job: str,
        window: Window,
        progress: Progress = quiet,
        run_id: str = "",
        context: "AssetExecutionContext | None" = None,
    ) -> Outcome:
        from coin_platform.transforms.jobs import job_named

        job_named(job)  # one that is not there is said at once
        orders = Orders.given(RUN, job, window, run_id, self._lake, self._bucket)
        report = self._carry_out(orders, progress, context)
        assert report.outcome is not None  # noqa: S101 - for the type checker: it was seen to be
        self._catalog.register(self._lake)
        return report.outcome

    def measure(self, table: str, window: Window) -> dict[str, Measured]:
        """What the step that wrote the table measured, while that holds; else a step's findings."""
        known = self._known(table, window)
        if known is not None:
            return known
        orders = Orders.given(MEASURE, table, window, "", self._lake, self._bucket)
        report = self._carry_out(orders, quiet, None)
        assert report.measured is not None  # noqa: S101 - as above
        return report.measured

    def probe(self) -> str:
        return self._runner.probe()

    def _known(self, table: str, window: Window) -> dict[str, Measured] | None:
        """What is kept of the table as it is now, of the tables that it is compared with too."""
        from coin_platform.transforms.measure import versions_read

        versions = versions_read(self._lake, table)
        key = measurements_key(table, versions[table], window)
        kept = content_of(self._s3, self._bucket, key)
        if kept is None:
            return None
        found = measurements_of(json.loads(kept))
        return found.partitions if found.versions == versions else None

    def _carry_out(
        self, orders: Orders, progress: Progress, context: "AssetExecutionContext | None"
    ) -> Report:
        """Have the orders carried out, and give the report; raises if that is not all it should be.

        However this is left, the submission is over.
        """
        from coin_platform.resources.engine.emr.pipes import arguments, session

        channel = Channel(self._s3, self._bucket, uuid.uuid4().hex)
        report = Report()
        with session(channel, orders, progress, context) as hear:

            def listen() -> None:
                for message in channel.read():
                    report.hear(message)
                    hear(message)

            at = self._package.upload(self._s3, self._bucket)
            region = ("--region", str(self._settings.region))
            script = Script(
                f"{orders.work} {orders}", at.entry, at.code, (*region, *arguments(channel))
            )
            submission = self._runner.submit(script, progress)
            try:
                progress(f"{orders}: submitted as {submission}")
                minutes = self._settings.emr_step_timeout_minutes
                status = wait(self._runner, submission, listen, progress, self._pace, minutes)
            except BaseException:
                withdraw(self._runner, submission, self._pace)
                raise
        self._judge(orders, submission, status, report)
        return report

    def _judge(
        self, orders: Orders, submission: Submission, status: Status, report: Report
    ) -> None:
        """Raise unless the script ended well *and* said what it was to say."""
        what = f"{orders}: {submission}"
        if report.failure is not None:
            raise type(report.failure)(f"{report.failure} (as {submission})")
        if status.state is State.LOST:
            raise TransientError(f"{what} was lost with what ran it: {status.reason}")
        if status.state is State.CANCELLED:
            raise PermanentError(f"{what} was cancelled from outside: {status.reason}")
        expected = report.outcome if orders.work == RUN else report.measured
        if status.state is State.DONE and report.closed and expected is not None:
            return
        raise self._silent(what, submission, status, report)

    def _silent(
        self, what: str, submission: Submission, status: Status, report: Report
    ) -> PlatformError:
        """The error of a script that ended without having said how."""
        printed = tail(self._s3, self._bucket, self._runner.log_keys(submission), self._pace.logs)
        if status.state is State.DONE:
            return PermanentError(
                f"{what} completed and never reported, so nothing of it counts as done; {printed}"
            )
        reason = status.reason or "EMR gives no reason"
        if report.opened:
            return TransientError(f"{what} died: {reason}; {printed}")
        return PermanentError(f"{what} could not start its script: {reason}; {printed}")
