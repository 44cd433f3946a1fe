"""What the folder of an embedded server holds, and what it tells of the server's processes.

Every process of the server holds a lock on the file `alive` that it inherited at its start. So
the server is gone exactly when the lock is free, whoever was killed and whatever process ids were
used again since; PostgreSQL's own `postmaster.pid` is only asked for details.

Nothing here starts or stops anything; that is `embedded.py`'s.
"""

import fcntl
import json
import os
import secrets
import socket
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from coin_platform.errors import PermanentError

HOST = "127.0.0.1"
LOG_BYTES = 8 * 2**20
PROCESSES = Path("/proc")


@dataclass(frozen=True)
class Postmaster:
    """What `postmaster.pid` says, which may be out of date."""

    pid: int
    port: int
    ready: bool


@dataclass(frozen=True)
class Identity:
    """What a server keeps from start to start: its port, and its name in process titles."""

    port: int
    name: str


class ServerFolder:
    """The files of one embedded server."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self.data = self.path / "data"
        self.passfile = self.path / "passfile"
        self.log = self.path / "server.log"
        self.lease = self.path / "lease"
        self.alive_lock = self.path / "alive"
        self.start_lock = self.path / "start.lock"
        self._identity = self.path / "server.json"

    def create(self) -> None:
        """Make the folder, closed to others. Raises `PermanentError` where it cannot be written."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.path.mkdir(mode=0o700, exist_ok=True)
            if not os.access(self.path, os.R_OK | os.W_OK | os.X_OK):
                raise PermissionError(f"it belongs to user {self.path.stat().st_uid}")
        except OSError as error:
            raise PermanentError(
                f"{self.path} cannot be written ({error}): make it writable for this user, or "
                "set COIN_PLATFORM_HOME to a folder that is"
            ) from error

    def alive(self) -> bool:
        """Whether any process of the server lives."""
        try:
            lock = os.open(self.alive_lock, os.O_RDONLY | os.O_CLOEXEC)
        except (FileNotFoundError, NotADirectoryError):
            return False
        except PermissionError as error:
            raise PermanentError(
                f"{self.path} belongs to another user: run as that user, or set "
                "COIN_PLATFORM_HOME to a folder of your own"
            ) from error
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        else:
            return False
        finally:
            os.close(lock)

    def postmaster(self) -> Postmaster | None:
        """The postmaster's own record; None where it is missing, torn or still being written."""
        try:
            lines = (self.data / "postmaster.pid").read_text().splitlines()
            return Postmaster(int(lines[0]), int(lines[3]), lines[7].strip() == "ready")
        except (FileNotFoundError, IndexError, ValueError):
            return None

    def processes(self) -> tuple[list[int], list[int]]:
        """Ids of the server's postmaster and of its other processes, told by their titles."""
        if not PROCESSES.is_dir():  # macOS
            postmaster = self.postmaster()
            return [postmaster.pid] if postmaster else [], []
        postmasters: list[int] = []
        others: list[int] = []
        identity = self.identity()
        if identity is None:
            return [], []
        name = identity.name
        for file in PROCESSES.glob("[0-9]*/cmdline"):
            with suppress(OSError):  # it has ended meanwhile
                title = file.read_text(errors="replace")
                if f"cluster_name={name}" in title:
                    postmasters.append(int(file.parent.name))
                elif title.startswith(f"postgres: {name}:"):
                    others.append(int(file.parent.name))
        return postmasters, others

    def identity(self) -> Identity | None:
        """What was remembered at the last start; None for a server that never started."""
        try:
            remembered = json.loads(self._identity.read_text())
            return Identity(int(remembered["port"]), str(remembered["name"]))
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            return None

    def next_identity(self) -> Identity:
        """Remember, for a start now, the same name, and the same port or a free one."""
        last = self.identity()
        name = last.name if last else f"coin_platform-{secrets.token_hex(4)}"
        port = last.port if last and is_free(last.port) else _free_port()
        write_private(self._identity, json.dumps({"port": port, "name": name}) + "\n")
        return Identity(port, name)

    def bound_log(self) -> None:
        """Keep only the end of a log that has grown; the server goes on appending to it."""
        with suppress(FileNotFoundError):
            if self.log.stat().st_size > LOG_BYTES:
                self.log.with_suffix(".log.1").write_bytes(self._log_end(LOG_BYTES // 8))
                os.truncate(self.log, 0)

    def log_tail(self) -> str:
        """The log's last lines, for an error message."""
        lines = self._log_end(4000).decode(errors="replace").splitlines()[-8:]
        return "\n".join([f"The end of {self.log}:", *lines])

    def _log_end(self, size: int) -> bytes:
        try:
            with self.log.open("rb") as log:
                log.seek(max(0, self.log.stat().st_size - size))
                return log.read()
        except FileNotFoundError:
            return b""


def write_private(path: Path, text: str) -> None:
    """Write a file that its folder's owner alone may read, whole or not at all."""
    temporary = path.with_name(f"{path.name}.new")
    temporary.unlink(missing_ok=True)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(descriptor)
    if os.geteuid() == 0:  # root may be helping out in a user's home
        owner = path.parent.stat()
        os.chown(temporary, owner.st_uid, owner.st_gid)
    temporary.rename(path)


def answers(port: int) -> bool:
    """Whether anybody listens on the loopback port."""
    with socket.socket() as probe:
        probe.settimeout(2)
        return probe.connect_ex((HOST, port)) == 0


def is_free(port: int) -> bool:
    """Whether a server could listen on the loopback port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
    return port
