"""What a task of DMS does, played by a local task that copies real rows, with files put into S3.

The local task writes what DMS would write (`docs/replication.md`) and is tested on its own; here it
writes into a folder of its own, from which finished files go to the bucket of the target endpoint.
"""

import threading
import time
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime

from coin_platform.contracts.raw import CHANGE_SEQ, COMMIT_TIMESTAMP
from coin_platform.errors import PlatformError
from coin_platform.resources.replication.interface import Task
from coin_platform.resources.replication.layout import CSV_NULL
from coin_platform.resources.replication.local import LocalReplication
from coin_platform_tests.integration.replication_support import QUICK

PUMP_SECONDS = 0.05
# The only profile of files that the local task writes.
PROFILE = {
    "AddColumnName": True,
    "CsvNullValue": CSV_NULL,
    "IncludeOpForFullLoad": True,
    "TimestampColumnName": COMMIT_TIMESTAMP.name,
    "UseTaskStartTimeForFullLoadTimestamp": True,
    "DatePartitionEnabled": False,
}


class Job:
    """One task's life. Passing states last `seconds`; `lost` tables do not come through."""

    def __init__(self, folder, seconds, s3, connection):
        self.folder, self.seconds, self.s3 = folder, seconds, s3
        self.connection = connection  # arguments to connect with, for a source endpoint
        self.ran = False
        self.failure = None
        self.lost = set()
        self._passing = []  # (state, until)
        self._busy = None  # a thread that starts or stops the local task, and the state it makes
        self._local = None
        self._loaded_at = None
        self._carries = None
        self._uploaded = {}
        self._guard = threading.RLock()

    def pass_through(self, *states):
        """Be in each of these states for a while."""
        with self._guard:
            until = time.monotonic()
            self._passing = [(state, until := until + self.seconds) for state in states]

    def passing(self):
        """The state that passes now; None where there is none."""
        now = time.monotonic()
        return next((state for state, until in self._passing if now < until), None)

    @property
    def status(self):
        return self.look()[0].status

    def start(self, kind, migration_type, source, target, mappings):
        """Start in the background, as DMS does; what goes wrong is its failure."""
        with self._guard:
            if kind != "resume-processing":
                self._loaded_at, self._carries = None, migration_type
            self.ran, self.failure = True, wrong_profile(target, mappings)
            self._target = target
            if self.failure:
                return
            self._local = LocalReplication(
                self.folder / "replication",
                self.folder / "lake",
                lambda: self.connection(source),
                # To a local task of another type nothing of the former is left to go on from.
                migration_type=self._carries,
                file_format=target["DataFormat"],
                options=QUICK,
            )
            first = self._local.describe().status == "ready"
            local_kind = "start-replication" if first else kind
            self._in_background("starting", lambda: self._local.start(local_kind))
            threading.Thread(target=self._pump, daemon=True).start()

    def stop(self):
        self._in_background("stopping", self._local.stop)

    def fail(self, message):
        """Fail as DMS does: 100 %, no errors, and a message."""
        self.settle()
        if self._local:
            self._local.stop()
        self.failure = message

    def close(self):
        self.settle()
        if self._local:
            self._local.stop()

    def settle(self):
        if self._busy:
            self._busy[0].join()

    def look(self):
        """The task, its tables' statistics and when its load ended; what they count is in S3."""
        with self._guard:
            task = self._task()
            statistics = self._statistics() if self._local else []
            if self._local:
                loaded = self._local.describe().full_load_progress_percent == 100
                self.upload()
                if loaded and not self._loaded_at:
                    self._loaded_at = datetime.now(UTC)
            return task, statistics, self._loaded_at

    def upload(self):
        """Put files that are new or changed into the bucket, in order; remove a former load's."""
        with self._guard:
            here = self._files()
            for key in [key for key in self._uploaded if key not in here and "/LOAD" in key]:
                self.s3().delete_object(Bucket=self._target["BucketName"], Key=key)
                del self._uploaded[key]
            for key, path in here.items():
                stat = path.stat()
                mark = stat.st_ino, stat.st_mtime_ns, stat.st_size
                if self._uploaded.get(key) != mark:
                    self.s3().upload_file(str(path), self._target["BucketName"], key)
                    self._uploaded[key] = mark

    def _files(self):
        market = self.folder / "lake" / "raw" / "market"
        if not market.exists():
            return {}
        below = f"{self._target['BucketFolder']}/" if self._target.get("BucketFolder") else ""
        paths = sorted(market.glob("*/*"), key=lambda path: (path.name[0] != "L", path.name))
        return {
            f"{below}market/{path.parent.name}/{path.name}": path
            for path in paths
            if path.parent.name not in self.lost
        }

    def _task(self):
        passing = self.passing()
        if passing or not self.ran:
            local = self._local.describe() if self._local else Task("", "ready", "cdc")
            return replace(local, status=passing or "ready")
        if self.failure:
            local = self._local.describe() if self._local else Task("", "failed", "cdc")
            return replace(
                local,
                status="failed",
                stop_reason="Stop Reason FATAL_ERROR",
                last_failure_message=self.failure,
                full_load_progress_percent=100,
                stopped_at=local.stopped_at or datetime.now(UTC),
            )
        if self._busy and self._busy[0].is_alive():
            return replace(self._local.describe(), status=self._busy[1])
        return self._local.describe()

    def _statistics(self):
        return [
            replace(row, table_state="Table error", full_load_rows=0)
            if row.table_name in self.lost
            else row
            for row in self._local.table_statistics()
        ]

    def _in_background(self, state, work):
        self.settle()

        def run():
            try:
                work()
            except PlatformError as error:
                self.failure = str(error)

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        self._busy = thread, state

    def _pump(self):
        """Files come without anybody looking at the task."""
        local, starting = self._local, self._busy[0]
        while starting.is_alive() or local.describe().status in ("starting", "running", "stopping"):
            # S3 may fail for a moment, and the bucket be gone when a test is over.
            with suppress(Exception):
                self.upload()
            time.sleep(PUMP_SECONDS)


def wrong_profile(target, mappings):
    """Why the local task cannot write the files asked for; None where it can."""
    wrong = [f"{name}={target.get(name)}" for name in PROFILE if target.get(name) != PROFILE[name]]
    added = [rule for rule in mappings["rules"] if rule.get("rule-action") == "add-column"]
    if [(rule["value"], rule["expression"]) for rule in added] != [
        (CHANGE_SEQ.name, "$AR_H_CHANGE_SEQ")
    ]:
        wrong.append(f"add-column rules {added}")
    return f"this double writes no files with {', '.join(wrong)}" if wrong else None
