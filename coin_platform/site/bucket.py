"""Releases in a bucket: built in a folder as elsewhere, then published whole.

    index.html, …, current.js, releases/<id>/   as `releases.py` says, below one prefix

A release is there once its `release.json` is, which is written after its files; the pointer is
written last. A kill leaves the former release whole and current, and what it left is removed by the
next publication. The folder is a workspace: what a new machine lacks of it is fetched when needed.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from coin_platform.errors import PermanentError
from coin_platform.resources.aws.objects import Objects
from coin_platform.site.release import Pointer, Release
from coin_platform.site.releases import MANIFEST, POINTER, RELEASES, Releases


class BucketReleases(Releases):
    """As `Releases`, with the bucket as what counts. One publication at a time is the caller's."""

    def __init__(self, root: Path, keep: int, objects: Objects) -> None:
        super().__init__(root, keep)
        self._objects = objects
        self._fetched = False
        self._depth = 0

    @property
    def address(self) -> str:
        return f"{self._objects.uri}/index.html"

    def pointer(self) -> Pointer:
        self._fetch_once()
        return super().pointer()

    def names(self) -> list[str]:
        self._fetch_once()
        return super().names()

    def content(self, release: str, name: str) -> bytes:
        path = self.root / RELEASES / release / name
        if not path.exists():
            self._download(release, [name])
        return super().content(release, name)

    def broken(self, release: Release) -> list[str]:
        """Files of the release that are gone; what is in a bucket does not change by itself."""
        below = f"{RELEASES}/{release.id}/"
        there = {name.removeprefix(below) for name in self._objects.names(below)}
        return [name for name in release.files if name not in there]

    def bring_here(self) -> None:
        """Have the current release in the folder, with the ways in."""
        current = self.current()
        if current is None:
            return
        folder = self.root / RELEASES / current.id
        self._download(current.id, [name for name in current.files if not (folder / name).exists()])
        entries = [name for name in self._objects.names() if "/" not in name]
        self._objects.download({name: self.root / name for name in entries})

    @contextmanager
    def writing(self) -> Iterator[None]:
        with super().writing():
            if self._depth == 0:
                self._fetch()
            self._depth += 1
            try:
                yield
            except BaseException:
                self._fetched = False  # the folder may be ahead of the bucket
                raise
            finally:
                self._depth -= 1
            if self._depth == 0:
                self._push()

    def _fetch_once(self) -> None:
        if not self._fetched:
            self._fetch()

    def _fetch(self) -> None:
        """Have the folder say what the bucket says: the pointer, and what releases there are."""
        self._fetched = True
        here = self.root / RELEASES
        here.mkdir(parents=True, exist_ok=True)
        there = {}
        for name in self._objects.folders(RELEASES):
            manifest = self._objects.get(f"{RELEASES}/{name}/{MANIFEST}")
            if manifest is not None:  # else it is left by a kill
                there[name] = manifest
        for path in here.iterdir():
            if path.name not in there:
                shutil.rmtree(path)
        for name, manifest in there.items():
            (here / name).mkdir(exist_ok=True)
            (here / name / MANIFEST).write_bytes(manifest)
        pointer = self._objects.get(POINTER)
        if pointer is None:
            (self.root / POINTER).unlink(missing_ok=True)
        else:
            (self.root / POINTER).write_bytes(pointer)

    def _push(self) -> None:
        """Have the bucket say what the folder says; the pointer last, then nothing too many."""
        objects, there = self._objects, set(self._objects.folders(RELEASES))
        here = set(super().names())
        for name in here:
            below = f"{RELEASES}/{name}"
            if name in there and objects.get(f"{below}/{MANIFEST}") is not None:
                continue
            folder = self.root / below
            files = {f"{below}/{path}": folder / path for path in self.read(name).files}
            objects.upload(files)
            objects.put(f"{below}/{MANIFEST}", (folder / MANIFEST).read_bytes())
        entries = [path for path in self.root.iterdir() if path.is_file()]
        for path in sorted(entries, key=lambda path: path.name == POINTER):
            if path.name.startswith("."):
                continue
            content = path.read_bytes()
            if objects.get(path.name) != content:
                objects.put(path.name, content)
        for name in there - here:
            below = f"{RELEASES}/{name}/"
            objects.delete([f"{below}{MANIFEST}"])  # first: a release is whole or not there
            objects.delete(list(objects.names(below)))

    def _download(self, release: str, names: list[str]) -> None:
        below = f"{RELEASES}/{release}"
        missing = self._objects.download(
            {f"{below}/{name}": self.root / below / name for name in names}
        )
        if missing:
            raise PermanentError(
                f"{self._objects.uri}/{missing[0]} is gone: `coin-platform site rollback` makes a "
                "whole release current"
            )
