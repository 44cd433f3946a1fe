"""Exports in a bucket: written to a folder as elsewhere, then published, the manifest last.

A day without a manifest is not exported, so that nobody takes files of two exports for one: it is
removed first and written last. A kill in between leaves the day to be exported again.
"""

import shutil
from datetime import date
from pathlib import Path

from coin_platform.exports import MANIFEST, Exports, Manifest
from coin_platform.resources.aws.objects import Objects
from coin_platform.resources.lake.served import ServedLake


class BucketExports(Exports):
    """As `Exports`, with the bucket as what counts; the folder is a workspace."""

    def __init__(self, lake: ServedLake, folder: Path, objects: Objects) -> None:
        super().__init__(lake, folder)
        self._objects = objects

    def address(self, day: date) -> str:
        return f"{self._objects.uri}/{day.isoformat()}"

    def bring_here(self, day: date) -> None:
        folder, below = self.folder_of(day), f"{day.isoformat()}/"
        shutil.rmtree(folder, ignore_errors=True)
        names = list(self._objects.names(below))
        self._objects.download({name: self.folder / name for name in names})

    def write(self, day: date) -> Manifest:
        manifest = super().write(day)
        objects, below = self._objects, f"{day.isoformat()}/"
        former = set(objects.names(below))
        here = {f"{below}{path.name}": path for path in self.folder_of(day).iterdir()}
        last = here.pop(f"{below}{MANIFEST}")
        objects.delete([f"{below}{MANIFEST}"])
        objects.upload(here)
        objects.put(f"{below}{MANIFEST}", last.read_bytes())
        objects.delete(former - set(here) - {f"{below}{MANIFEST}"})
        return manifest
