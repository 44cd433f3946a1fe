"""Who uses the embedded server: a lock that each using process holds until it exits.

The lock is the kernel's (`flock`), so a process that is killed lets go of it too. The replication
worker holds none: it is a service that is stopped together with the server.
"""

import fcntl
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_held: dict[Path, int] = {}
_guard = threading.Lock()


def hold(file: Path) -> None:
    """Hold a share of the lease until this process exits; again does nothing.

    Waits while the last user is stopping the server. The file's folder must exist.
    """
    with _guard:
        if file not in _held:
            descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            fcntl.flock(descriptor, fcntl.LOCK_SH)
            _held[file] = descriptor


@contextmanager
def sole_user(file: Path) -> Iterator[bool]:
    """Give up this process's share; whether nobody else has one, and nobody gets one meanwhile.

    The body may stop the server when told True. Of several processes that end at once, exactly
    one is told so.
    """
    with _guard:
        if (share := _held.pop(file, None)) is not None:
            os.close(share)
    try:
        descriptor = os.open(file, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:  # nobody ever used it
        yield True
        return
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
    finally:
        os.close(descriptor)
