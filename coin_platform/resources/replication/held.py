"""A folder held by its descriptor: what is done in it is done in that folder and in no other.

A path leads wherever it leads by now. Whoever removes a home and makes it anew puts another
worker's folder at the path of a worker that still lives.
"""

import os
from pathlib import Path


class HeldFolder:
    """The folder that is at a path now, held open as long as the process lives.

    Below `inside` everything happens in this folder, wherever it is moved; once it is removed,
    nothing can be made there any more. `path` is its name, for messages.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        self.inside = Path(f"/proc/self/fd/{self._descriptor}")

    @property
    def in_place(self) -> bool:
        """Whether its path still leads to it."""
        try:
            there = self.path.stat()
        except FileNotFoundError:
            return False
        return os.path.samestat(there, os.fstat(self._descriptor))
