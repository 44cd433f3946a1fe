"""The console that commands print tables to."""

import sys

from rich.console import Console

UNBOUNDED = 10_000  # columns: no line is that long


def console(*, stderr: bool = False) -> Console:
    """A console that, off a terminal, breaks and cuts no line: other programs read it there."""
    stream = sys.stderr if stderr else sys.stdout
    return Console(stderr=stderr, highlight=False, width=None if stream.isatty() else UNBOUNDED)
