"""A task's folder: what the task is, how it stands, and the lock that its worker holds.

    task.json      definition and status, written by whoever holds the lock
    journal.json   what has been delivered (`journal.py`)
    lock           locked as long as the worker lives; holds its process id
    worker.log     what the worker did; worker.err what killed it

Everything can be read without the database and without the lock.
"""

import fcntl
import json
import os
import re
import secrets
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from coin_platform.errors import PermanentError
from coin_platform.resources.replication.interface import MigrationType, Status
from coin_platform.resources.replication.journal import replace_durably

IDENTIFIER = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,254}")
SLOT_NAME_BYTES = 63


@dataclass(frozen=True)
class TaskState:
    """What `task.json` holds; times are ISO 8601, UTC. `slot` names the task's slot for ever."""

    identifier: str
    migration_type: MigrationType
    slot: str
    status: Status = "ready"
    stop_reason: str | None = None
    last_failure_message: str | None = None
    started_at: str | None = None
    stopped_at: str | None = None

    @classmethod
    def new(cls, identifier: str, migration_type: MigrationType) -> "TaskState":
        """A task that never ran. Raises `PermanentError` for an identifier that DMS refuses."""
        if not IDENTIFIER.fullmatch(identifier):
            raise PermanentError(
                f"{identifier!r} is no task identifier: a letter, then letters, digits and hyphens"
            )
        # Two homes may share a server, so the name alone does not make the slot unique.
        suffix = f"_{secrets.token_hex(4)}"
        stem = identifier.lower().replace("-", "_")[: SLOT_NAME_BYTES - len(suffix)]
        return cls(identifier, migration_type, stem + suffix)


class TaskFolder:
    """The files of one task."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.journal = path / "journal.json"
        self.log = path / "worker.log"
        self.errors = path / "worker.err"
        self._task = path / "task.json"
        self._lock = path / "lock"

    def read(self) -> TaskState | None:
        """The state as last written; None where there is no task. Raises `PermanentError`."""
        try:
            content: dict[str, Any] = json.loads(self._task.read_text())
            return TaskState(**content)
        except FileNotFoundError:
            return None
        except (ValueError, TypeError) as error:
            raise PermanentError(
                f"{self._task} is not a task's state ({error}); restore it, or remove it"
            ) from error

    def write(self, state: TaskState) -> None:
        """Replace the state, whole or not at all; only the holder of the lock may."""
        self.path.mkdir(parents=True, exist_ok=True)
        replace_durably(self._task, asdict(state))

    def update(self, **changes: Any) -> TaskState:
        """Write the state with some fields changed."""
        state = self.read()
        if state is None:
            raise PermanentError(f"{self._task} vanished; start the task anew")
        changed = replace(state, **changes)
        self.write(changed)
        return changed

    def lock(self) -> int | None:
        """Take the lock; an open descriptor that holds it, or None where a worker lives.

        The lock belongs to the open file, so a child that inherits the descriptor holds it on.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self._lock, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        return descriptor

    def is_guarded_by(self, descriptor: int) -> bool:
        """Whether that lock is still this folder's, and not that of one removed since."""
        try:
            there = self._lock.stat()
        except FileNotFoundError:
            return False
        return os.path.samestat(there, os.fstat(descriptor))

    def locked(self) -> bool:
        """Whether a worker lives."""
        if not self._lock.exists():
            return False
        descriptor = self.lock()
        if descriptor is None:
            return True
        os.close(descriptor)
        return False

    def worker_pid(self) -> int | None:
        """The process id of the worker that lives, or lived last; None before the first."""
        try:
            return int(self._lock.read_text())
        except (FileNotFoundError, ValueError):
            return None


def write_pid(descriptor: int) -> None:
    """Record this process in the lock file that it holds."""
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, str(os.getpid()).encode(), 0)


def at_text(instant: datetime) -> str:
    """An instant as `task.json` has it."""
    return instant.isoformat(timespec="microseconds")
