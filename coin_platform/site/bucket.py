"""Releases in a bucket: built in a folder as elsewhere, then published whole.

    index.html, …, current.js, releases/<id>/, history/<id>/   as `releases.py` says, below a prefix

A history or a release is there once its manifest is, which is written after its files; the pointer
is written last. A kill leaves the former release whole and current, and what it left is removed by
the next publication. The folder is a workspace: what a new machine lacks is fetched when needed.
"""

import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from coin_platform.errors import PermanentError
from coin_platform.resources.aws.objects import Objects
from coin_platform.site.folders import Digests, Folders
from coin_platform.site.release import History, Pointer
from coin_platform.site.releases import POINTER, Releases


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

    def history(self, name: str) -> History | None:
        self._fetch_once()
        return super().history(name)

    def content(self, release: str, name: str) -> bytes:
        self._download_missing(self.releases, release, [name])
        return super().content(release, name)

    def _broken_of(self, folders: Folders, id_: str, digests: Digests) -> list[str]:
        """Files that are gone; what is in a bucket does not change by itself."""
        below = f"{folders.root.name}/{id_}/"
        there = {name.removeprefix(below) for name in self._objects.names(below)}
        return [name for name in digests if name not in there]

    def bring_here(self) -> None:
        """Have the current release in the folder, with what it shows and the ways in."""
        current = self.current()
        if current is None:
            return
        self._download_missing(self.releases, current.id, current.files)
        if current.history and (shown := self.history(current.history)):
            self._download_missing(self.histories, shown.id, shown.files)
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
        """Have the folder say what the bucket says: the pointer, and what is there."""
        self._fetched = True
        for folders in (self.releases, self.histories):
            self._fetch_manifests(folders)
        pointer = self._objects.get(POINTER)
        if pointer is None:
            (self.root / POINTER).unlink(missing_ok=True)
        else:
            (self.root / POINTER).write_bytes(pointer)

    def _fetch_manifests(self, folders: Folders) -> None:
        folders.root.mkdir(parents=True, exist_ok=True)
        there = {}
        for name in self._objects.folders(folders.root.name):
            manifest = self._objects.get(f"{folders.root.name}/{name}/{folders.manifest}")
            if manifest is not None:  # else it is left by a kill
                there[name] = manifest
        for path in folders.root.iterdir():
            if path.name not in there:
                shutil.rmtree(path)
        for name, manifest in there.items():
            (folders.root / name).mkdir(exist_ok=True)
            (folders.root / name / folders.manifest).write_bytes(manifest)

    def _push(self) -> None:
        """Have the bucket say what the folder says; the pointer last, then nothing too many."""
        for folders in (self.histories, self.releases):  # what a release shows is there before it
            self._upload(folders)
        entries = [path for path in self.root.iterdir() if path.is_file()]
        for path in sorted(entries, key=lambda path: path.name == POINTER):
            if path.name.startswith("."):
                continue
            content = path.read_bytes()
            if self._objects.get(path.name) != content:
                self._objects.put(path.name, content)
        for folders in (self.releases, self.histories):
            self._delete_others(folders)

    def _upload(self, folders: Folders) -> None:
        """Put what the bucket does not have, each manifest after its files."""
        objects, kind = self._objects, folders.root.name
        there = set(objects.folders(kind))
        for name in folders.names():
            manifest = f"{kind}/{name}/{folders.manifest}"
            if name in there and objects.get(manifest) is not None:
                continue
            digests = folders.read(name)["files"]
            objects.upload(
                {f"{kind}/{name}/{file}": folders.root / name / file for file in digests}
            )
            objects.put(manifest, (folders.root / name / folders.manifest).read_bytes())

    def _delete_others(self, folders: Folders) -> None:
        """Delete what the folder does not have."""
        kind = folders.root.name
        for name in set(self._objects.folders(kind)) - set(folders.names()):
            self._objects.delete([f"{kind}/{name}/{folders.manifest}"])  # first: whole or not there
            self._objects.delete(list(self._objects.names(f"{kind}/{name}/")))

    def _download_missing(self, folders: Folders, id_: str, files: Iterable[str]) -> None:
        here, below = folders.root / id_, f"{folders.root.name}/{id_}"
        missing = self._objects.download(
            {f"{below}/{name}": here / name for name in files if not (here / name).exists()}
        )
        if missing:
            raise PermanentError(
                f"{self._objects.uri}/{missing[0]} is gone: `coin-platform site rollback` makes a "
                "whole release current"
            )
