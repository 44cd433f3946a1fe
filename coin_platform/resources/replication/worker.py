"""The process that is the replication task while it runs, as an instance of AWS DMS would be.

    python -m coin_platform.resources.replication.worker < configuration.json

`local.py` starts it. It holds the task's lock from its first moment to its last, needs nothing of
the process that started it, and may be killed at any instruction.
"""

import json
import logging
import logging.handlers
import os
import shutil
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg

from coin_platform.errors import PermanentError, TransientError
from coin_platform.resources.replication import catalog, slot
from coin_platform.resources.replication.full_load import FullLoad
from coin_platform.resources.replication.held import HeldFolder
from coin_platform.resources.replication.interface import StartType
from coin_platform.resources.replication.journal import Journal, JournalFile
from coin_platform.resources.replication.layout import Format
from coin_platform.resources.replication.shutdown import Shutdown, ShutdownSignal
from coin_platform.resources.replication.start import begin
from coin_platform.resources.replication.state import TaskFolder, TaskState, at_text, write_pid
from coin_platform.resources.replication.stream import Pace, Stream

LOG_BYTES = 1 << 20
RETRY_PAUSE = 0.5

EMPTIED = "somebody emptied the lake {}; start the task with reload-target"

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Configuration:
    """What a worker is told on its standard input. Holds secrets: it is never written or logged.

    `lock` is the descriptor it inherits. `retry_seconds` is how long it tries to reach the
    database before it gives up; `pace` is that of `stream.Pace`.
    """

    task: str
    lake: str
    start_type: StartType
    file_format: Format
    connection: dict[str, Any]
    lock: int
    retry_seconds: float = 60.0
    pace: dict[str, Any] = field(default_factory=dict)


class FolderRemovedError(Exception):
    """The task's folder or the lake is not there any more, or is another one."""


class Worker:
    """Runs the task in this process until it ends, fails or is asked to stop.

    It writes below the two folders that it holds and nowhere else.
    """

    def __init__(
        self, configuration: Configuration, task: HeldFolder, shutdown: ShutdownSignal
    ) -> None:
        self._configuration = configuration
        self._shutdown = shutdown
        self._task = task
        self._folder = TaskFolder(task.inside)
        lake = Path(configuration.lake)
        lake.mkdir(parents=True, exist_ok=True)
        self._lake = HeldFolder(lake)
        self._state = self._defined()
        # By the slot, which no two tasks share: a removed one may still be writing there.
        self._journals = JournalFile(
            self._folder.journal, self._lake.inside, f".{self._state.slot}"
        )
        self._failing_since: float | None = None

    def run(self) -> None:
        """Do the task's work; its outcome is in the task's state. Never raises."""
        try:
            reason = self._work()
            self._journals.recover()
            self._end("stopped", reason)
        except Exception as error:
            if not self._task.in_place:
                self._leave()
                return
            logger.exception("the task failed")
            failure = str(error) or type(error).__name__
            if isinstance(error, FileNotFoundError | FolderRemovedError):
                failure = EMPTIED.format(self._lake.path)
            self._end("failed", "FATAL_ERROR", failure)

    def _end(self, status: str, reason: str, failure: str | None = None) -> None:
        self._shutdown.ignore()
        self._folder.update(
            status=status,
            stop_reason=f"Stop Reason {reason}",
            last_failure_message=failure,
            stopped_at=at_text(datetime.now(UTC)),
        )
        logger.info("%s: %s", status, reason)

    def _leave(self) -> None:
        """End without a task; where it was removed, not moved, nobody will go on with its slot."""
        self._shutdown.ignore()
        logger.warning("%s was removed: nothing is left to do", self._task.path)
        if self._folder.is_guarded_by(self._configuration.lock):
            return
        shutil.rmtree(self._journals.staging, ignore_errors=True)
        with (
            suppress(psycopg.OperationalError),  # most often the server went with the home
            catalog.connect(self._configuration.connection) as connection,
        ):
            slot.drop(connection, self._state.slot)

    def _defined(self) -> TaskState:
        state = self._folder.read()
        if state is None:
            raise PermanentError(f"{self._task.path} holds no task; start it anew")
        return state

    def _work(self) -> str:
        """Work through lost connections; the reason why the task stopped in good order."""
        if self._configuration.start_type != "resume-processing":
            self._forget()
        try:
            while True:
                began = time.monotonic()
                try:
                    self._attempt()
                except (psycopg.OperationalError, TransientError) as error:
                    self._have_patience(error, began)
                else:
                    return "FULL_LOAD_ONLY_FINISHED"
        except Shutdown:
            return "NORMAL"

    def _forget(self) -> None:
        """Give the earlier load up, before anybody sees the task running with its statistics."""
        # An open delivery whose files are gone is the lake's loss, which the load makes good.
        with suppress(PermanentError):
            self._journals.recover()
        journal = self._journals.read() or Journal(self._state.slot)
        journal.loaded, journal.tables = False, {}
        journal.moves, journal.removals = [], []
        self._journals.save(journal)

    def _have_patience(self, error: Exception, began: float) -> None:
        """Wait before another attempt; raise if all of them failed for too long."""
        now, limit = time.monotonic(), self._configuration.retry_seconds
        if self._failing_since is None or now - began > limit:
            self._failing_since = now
        if now - self._failing_since > limit:
            raise PermanentError(
                f"gave up after {limit:g} s: {str(error).strip()}; "
                "once PostgreSQL answers, start the task with resume-processing"
            ) from error
        logger.warning("will try again: %s", error)
        time.sleep(RETRY_PAUSE)

    def _heard(self) -> None:
        self._shutdown.check()
        self._failing_since = None
        self._check_folders()

    def _check_folders(self) -> None:
        if not (self._task.in_place and self._lake.in_place):
            raise FolderRemovedError

    def _attempt(self) -> None:
        """Connect and work until the task is done, which only a full load ever is."""
        self._check_folders()
        journal = self._journals.recover() or Journal(self._state.slot)
        file_format = self._configuration.file_format
        arguments = self._configuration.connection
        with catalog.connect(arguments) as connection:
            self._folder.update(status="running")
            if not journal.loaded:
                load = FullLoad(self._journals, journal, file_format)
                begin(connection, arguments, load, self._state.migration_type)
                self._heard()
            if self._state.migration_type != "full-load":
                pace = Pace(**self._configuration.pace)
                with catalog.connect(arguments) as reader:
                    Stream(
                        connection, reader, self._journals, journal, file_format, pace, self._heard
                    ).follow()


def main() -> None:
    """Read the configuration, leave the process that started us, and work."""
    shutdown = ShutdownSignal()
    shutdown.install()
    configuration = Configuration(**json.load(sys.stdin))
    if os.fork():
        # Not sys.exit: what is buffered or registered belongs to the child.
        os._exit(0)
    os.setsid()
    os.dup2(os.open(os.devnull, os.O_RDONLY), sys.stdin.fileno())
    write_pid(configuration.lock)
    task = HeldFolder(Path(configuration.task))
    folder = TaskFolder(task.inside)
    if not folder.is_guarded_by(configuration.lock):
        return  # removed before we came, and another's by now
    handler = logging.handlers.RotatingFileHandler(folder.log, maxBytes=LOG_BYTES, backupCount=1)
    logging.Formatter.converter = time.gmtime
    logging.basicConfig(
        level=logging.INFO, handlers=[handler], format="%(asctime)sZ %(levelname)s %(message)s"
    )
    Worker(configuration, task, shutdown).run()
    logging.shutdown()
    # Without waiting for threads: a signal may have met one being started, which then nobody ends,
    # and nothing that they still do matters.
    os._exit(0)


if __name__ == "__main__":
    main()
