"""Folders that never change: each is there whole, with a manifest of its files, or not at all.

A folder is written beside the others, made durable, and renamed into its place; it is removed by a
rename out of it. Files that a former folder has with the same content are linked to it.
"""

import json
import shutil
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from coin_platform.disk import sync
from coin_platform.errors import PermanentError
from coin_platform.site import files

Digests = Mapping[str, str]


class Folders:
    """The folders below one, which need not exist, by their names."""

    def __init__(self, root: Path, manifest: str) -> None:
        self.root = root
        self.manifest = manifest

    def names(self) -> list[str]:
        """Those that are there, the greatest first."""
        return sorted((path.name for path in self.root.glob("[!.]*")), reverse=True)

    def read(self, name: str) -> dict[str, Any]:
        """What the manifest of a folder says."""
        path = self.root / name / self.manifest
        try:
            found = json.loads(path.read_text())
        except (OSError, ValueError) as error:
            raise PermanentError(f"{path} cannot be read ({error}): remove its folder") from error
        if not isinstance(found, dict):
            raise PermanentError(f"{path} cannot be read (no object): remove its folder")
        return found

    def content(self, name: str, file: str) -> bytes:
        """A file of a folder."""
        return (self.root / name / file).read_bytes()

    def broken(self, name: str, digests: Digests) -> list[str]:
        """Files of a folder that are gone, or are no longer what was written."""
        folder = self.root / name
        return [
            file
            for file, digest in digests.items()
            if not files.is_unchanged(folder / file, digest)
        ]

    def write(
        self,
        name: str,
        content: Iterable[tuple[str, bytes]],
        described: Callable[[Digests], Mapping[str, Any]],
        former: tuple[str, Digests] | None,
    ) -> Digests:
        """Write a folder with the manifest that `described` makes of its digests."""
        partial = self.root / f".{name}.partial"
        partial.mkdir(parents=True)
        digests = {
            file: self._add(partial / file, file, of_file, former) for file, of_file in content
        }
        (partial / self.manifest).write_text(json.dumps(described(digests), indent=1))
        files.make_durable(partial)
        partial.rename(self.root / name)
        sync(self.root)
        return digests

    def remove(self, name: str) -> None:
        """Have a folder no longer there."""
        gone = self.root / f".{name}.gone"
        (self.root / name).rename(gone)
        shutil.rmtree(gone)

    def sweep(self) -> None:
        """Remove what a kill left of folders that were being written or removed."""
        self.root.mkdir(parents=True, exist_ok=True)
        for path in self.root.glob(".*"):
            shutil.rmtree(path)

    def _add(
        self, path: Path, file: str, content: bytes, former: tuple[str, Digests] | None
    ) -> str:
        digest = files.digest_of(content)
        path.parent.mkdir(parents=True, exist_ok=True)
        if former is not None and former[1].get(file) == digest:
            same = self.root / former[0] / file
            if files.linked(same, path, len(content)):
                return digest
        path.write_bytes(content)
        return digest
