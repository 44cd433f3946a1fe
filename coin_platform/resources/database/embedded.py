"""The embedded PostgreSQL server of a home: created, started and stopped here.

Whoever needs the server first starts it; it outlives them and is shared by all processes.
What its folder tells of it is `server_folder.py`'s, who still uses it `leases.py`'s, and the
databases inside it `endpoint.py`'s.
"""

import fcntl
import os
import secrets
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from coin_platform.errors import PermanentError, TransientError
from coin_platform.resources.database.binaries import account_for, child_options, executables
from coin_platform.resources.database.server_folder import (
    HOST,
    Identity,
    ServerFolder,
    answers,
    is_free,
    write_private,
)

USER = "coin_platform"
START_SECONDS = 300  # replaying the log after a kill takes time; max_wal_size bounds it
ORPHAN_SECONDS = 5  # backends that outlive their postmaster notice within moments, or hang
PORTS_TO_TRY = 3
STOPPING = ((signal.SIGINT, 30), (signal.SIGQUIT, 10), (signal.SIGKILL, 10))
# The server enters its data folder before it gives up root, and then names it without its path:
# so it works below folders that only root may pass, such as /root.
CURRENT_FOLDER = Path("/proc/self/cwd")
IN_BACKGROUND = ("/bin/sh", "-c", '"$@" &', "sh")

SETTINGS = {
    "listen_addresses": HOST,
    "unix_socket_directories": "",  # their paths may hold 107 bytes only; a home is often deeper
    "timezone": "UTC",
    "log_timezone": "UTC",
    "wal_level": "logical",
    "max_wal_senders": "10",
    "max_replication_slots": "10",
    "max_slot_wal_keep_size": "4GB",
    "max_wal_size": "1GB",
    "shared_buffers": "128MB",
    "log_checkpoints": "off",
    "log_min_error_statement": "panic",  # errors are logged, statements (and secrets) are not
}


@dataclass(frozen=True)
class Server:
    """Where a running server answers. The passfile (libpq's format) holds the password."""

    host: str
    port: int
    user: str
    passfile: Path


class EmbeddedPostgres:
    """The server whose data live in `folder`; nothing happens until `ensure_running`."""

    def __init__(self, folder: Path) -> None:
        self.folder = ServerFolder(folder)

    def status(self) -> Server | None:
        """The server if it runs and answers; takes about a millisecond and starts nothing."""
        if not self.folder.alive():
            return None
        postmaster = self.folder.postmaster()
        if postmaster and postmaster.ready and answers(postmaster.port):
            return Server(HOST, postmaster.port, USER, self.folder.passfile)
        return None

    def ensure_running(self) -> Server:
        """The server, created and started if need be; safe from several processes at once.

        Raises `PermanentError` when it cannot be created or started, with the reason and the end
        of its log, and `TransientError` when it takes too long.
        """
        if server := self.status():
            return server
        self.folder.create()
        with self._alone():
            return self._ready_or_gone() or self._start()

    def stop(self) -> None:
        """Stop the server and wait until no process of it is left; nothing happens if none runs.

        Raises `TransientError` when it does not end.
        """
        if not self.folder.alive():
            return
        with self._alone():
            for number, seconds in STOPPING:
                postmasters, others = self.folder.processes()
                orphans = [] if postmasters and number != signal.SIGKILL else others
                _signal([*postmasters, *orphans], number)
                deadline = time.monotonic() + seconds
                while time.monotonic() < deadline:
                    if not self.folder.alive():
                        return
                    time.sleep(0.01)
        raise TransientError(f"PostgreSQL does not stop: {self._who()}")

    @contextmanager
    def _alone(self) -> Iterator[None]:
        lock = FileLock(self.folder.start_lock, timeout=START_SECONDS, poll_interval=0.02)
        try:
            lock.acquire()
        except Timeout as error:
            raise TransientError(
                f"another process has been starting or stopping PostgreSQL for {START_SECONDS} s: "
                f"{self._who()}"
            ) from error
        try:
            yield
        finally:
            lock.release()

    def _ready_or_gone(self) -> Server | None:
        """Wait for the server to answer, or, None, for its last process to be gone."""
        started = time.monotonic()
        while self.folder.alive():
            if server := self.status():
                return server
            waited = time.monotonic() - started
            if waited > ORPHAN_SECONDS:
                postmasters, orphans = self.folder.processes()
                if not postmasters:  # and so nothing that these still do can be committed
                    _signal(orphans, signal.SIGKILL)
            if waited > START_SECONDS:
                raise TransientError(
                    f"PostgreSQL does not answer: {self._who()}\n{self.folder.log_tail()}"
                )
            time.sleep(0.01)
        return None

    def _start(self) -> Server:
        if not self.folder.data.exists():
            self._initialize()
        if not self.folder.passfile.exists():
            raise PermanentError(
                f"{self.folder.passfile} is missing, and without its password the database cannot "
                f"be used: restore it, or remove {self.folder.path} and lose its data"
            )
        for _ in range(PORTS_TO_TRY):
            identity = self.folder.next_identity()
            self._launch(identity)
            if server := self._ready_or_gone():
                return server
            if is_free(identity.port):  # then that was not the reason
                break
        raise PermanentError(
            f"PostgreSQL does not start in {self.folder.path}.\n{self.folder.log_tail()}"
        )

    def _initialize(self) -> None:
        """Create the data folder, whole or not at all, with a password that nobody typed."""
        password = secrets.token_urlsafe(24)
        write_private(self.folder.passfile, f"{HOST}:*:*:{USER}:{password}\n")
        staging = self.folder.path / "data.incomplete"
        shutil.rmtree(staging, ignore_errors=True)
        data, password_file = staging / "data", staging / "password"
        data.mkdir(mode=0o700, parents=True)
        write_private(password_file, password)
        account = account_for(data)
        if account:
            account.own(staging, data, password_file)
        done = self._run(
            [
                str(executables(account) / "initdb"),
                f"--pgdata={_seen_from_inside(data)}",
                f"--username={USER}",
                "--pwfile=../password",
                "--auth=scram-sha-256",
                # Iterations make guessing dearer; nobody guesses a random password, and Dagster,
                # which connects for each event, would pay for them every time.
                "--set=scram_iterations=1",
                "--encoding=UTF8",
                "--locale=C",
                "--locale-provider=builtin",
                "--builtin-locale=C.UTF-8",
                "--data-checksums",
                "--no-instructions",
            ],
            data,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        if done.returncode == 0:
            data.rename(self.folder.data)
        shutil.rmtree(staging)
        if done.returncode != 0:
            raise PermanentError(
                f"PostgreSQL's data cannot be created in {self.folder.path}: "
                f"{done.stdout.strip()[-1000:]}"
            )

    def _launch(self, identity: Identity) -> None:
        """Start a postmaster that is nobody's child."""
        data = self.folder.data
        settings = {**SETTINGS, "port": identity.port, "cluster_name": identity.name}
        arguments = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        postgres = str(executables(account_for(data)) / "postgres")
        # Nothing of the server lives, so this is a leftover, maybe torn or with an id that
        # another process has by now; PostgreSQL would refuse to start over it.
        (data / "postmaster.pid").unlink(missing_ok=True)
        self.folder.bound_log()
        with self.folder.log.open("ab") as log:
            self._run(
                [*IN_BACKGROUND, postgres, "-D", _seen_from_inside(data), *arguments],
                data,
                stdout=log,
                stderr=log,
            )

    def _run(
        self, command: list[str], data: Path, **options: Any
    ) -> "subprocess.CompletedProcess[str]":
        """Run in a data folder, as its owner, and hand the lock on `alive` to all that is started.

        Even if we are killed meanwhile, the next to come waits for what we started.
        """
        lock = os.open(self.folder.alive_lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            return subprocess.run(
                command,
                cwd=data,
                stdin=subprocess.DEVNULL,
                pass_fds=[lock],
                start_new_session=True,  # Ctrl-C in our terminal is not for the server
                text=True,
                check=False,
                **child_options(account_for(data)),
                **options,
            )
        except OSError as error:
            raise PermanentError(
                f"PostgreSQL cannot be started in {self.folder.path}: {error}"
            ) from error
        finally:
            os.close(lock)

    def _who(self) -> str:
        postmasters, others = self.folder.processes()
        processes = ", ".join(map(str, [*postmasters, *others])) or "not to be found"
        return f"its processes are {processes}; end them, and see {self.folder.log}"


def _seen_from_inside(data: Path) -> str:
    """The data folder as a process that is in it may call it."""
    return str(CURRENT_FOLDER if CURRENT_FOLDER.exists() else data)


def _signal(pids: list[int], number: signal.Signals) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)
