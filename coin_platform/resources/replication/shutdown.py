"""SIGTERM and SIGINT as an exception, raised wherever the worker is.

Everything the worker does may be cut off at any instruction, so an orderly end needs no more.
"""

import signal
from types import FrameType


class Shutdown(KeyboardInterrupt):
    """The process was asked to end. A `KeyboardInterrupt`, on which psycopg cancels its query."""


class ShutdownSignal:
    """Raises `Shutdown` once, at the first signal."""

    def __init__(self) -> None:
        self._requested = False

    def install(self) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._handle)

    def ignore(self) -> None:
        """From here on the process ends anyway."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)

    def check(self) -> None:
        """Raise again: a signal that meets a finalizer is swallowed there."""
        if self._requested:
            raise Shutdown

    def _handle(self, _number: int, _frame: FrameType | None) -> None:
        self._requested = True
        self.ignore()
        raise Shutdown
