"""Where releases stand: each whole in a folder of its own, and one pointer to the current one.

    index.html, coins.html, …   ways in: they ask the pointer and go on to the current release
    current.js                  the pointer, and why it has not moved on
    releases/<id>/              a release: pages, assets, data and `release.json`, never changed
    history/<id>/               the closed days that releases show, each coin's in a file

A history is there before a release that shows it, and a release before the pointer names it, so
that a kill at any point leaves the former release whole and current. A history serves all the
releases of a day: what it holds changes when a day closes, or is made again.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from coin_platform.errors import PermanentError, SettingsError, TransientError
from coin_platform.partitions import instant_text
from coin_platform.site import files
from coin_platform.site.folders import Digests, Folders
from coin_platform.site.release import Held, History, Pointer, Release
from coin_platform.site.script import script, value_of

if TYPE_CHECKING:
    from coin_platform.settings import Settings

MANIFEST = "release.json"
POINTER = "current.js"
RELEASES, HISTORIES = "releases", "history"
HISTORY_MANIFEST = "history.json"
POINTER_NAME = "current"
LOCK_TIMEOUT_SECONDS = 300


def open_site(settings: "Settings") -> "Releases":
    """The releases of the configured deployment. Nothing is created yet."""
    if settings.env == "aws":
        from coin_platform.resources.aws.objects import Objects
        from coin_platform.resources.lake import roots_on_aws
        from coin_platform.site.bucket import BucketReleases

        objects = Objects(settings, f"{roots_on_aws(settings)['serving']}/site")
        return BucketReleases(settings.site_folder, settings.site_releases, objects)
    return Releases(settings.site_folder, settings.site_releases)


class Releases:
    """The releases below one folder. Names and contents go in; `bucket.py` publishes them to S3."""

    def __init__(self, root: Path, keep: int) -> None:
        self.root = root
        self.keep = keep
        self.releases = Folders(root / RELEASES, MANIFEST)
        self.histories = Folders(root / HISTORIES, HISTORY_MANIFEST)

    @property
    def entry(self) -> Path:
        """The page that people open."""
        return self.root / "index.html"

    @property
    def address(self) -> str:
        """Where the page is, as people are told."""
        return str(self.entry)

    def bring_here(self) -> None:
        """Have the current release in the folder, where it can be opened; it is there already."""

    def pointer(self) -> Pointer:
        """The pointer; an empty one before the first release."""
        try:
            found = value_of((self.root / POINTER).read_bytes())
        except FileNotFoundError:
            return Pointer()
        except (OSError, ValueError) as error:
            raise PermanentError(
                f"{self.root / POINTER} cannot be read ({error}): "
                "`coin-platform site rollback` writes it anew"
            ) from error
        held = found["held"]
        return Pointer(
            found["release"],
            found["since"],
            Held(held["since"], tuple(held["reasons"])) if held else None,
        )

    def all(self) -> list[Release]:
        """The releases that are there, newest first."""
        return [self.read(name) for name in self.names()]

    def names(self) -> list[str]:
        """The ids of the releases that are there, newest first."""
        return self.releases.names()

    def current(self) -> Release | None:
        """The release that the pointer names; None where it names none that is there."""
        name = self.pointer().release
        return self.read(name) if name and name in self.names() else None

    def newest(self) -> Release | None:
        """The release that was built last, whether it is current or was rolled back."""
        names = self.names()
        return self.read(names[0]) if names else None

    def read(self, name: str) -> Release:
        """What a release says of itself."""
        try:
            return Release(**self.releases.read(name))
        except TypeError as error:
            raise PermanentError(f"release {name} cannot be read ({error}): remove it") from error

    def history(self, name: str) -> History | None:
        """What a history says of itself; None where there is none of that id."""
        there = name in self.histories.names()
        return History(**self.histories.read(name)) if there else None

    def content(self, release: str, name: str) -> bytes:
        """A file of a release."""
        return self.releases.content(release, name)

    def broken(self, release: Release) -> list[str]:
        """Files that the release shows and that are gone, or no longer what was written."""
        broken = self._broken_of(self.releases, release.id, release.files)
        if release.history is None:
            return broken
        shown = self.history(release.history)
        if shown is None:
            return [*broken, f"{HISTORIES}/{release.history}"]
        gone = self._broken_of(self.histories, shown.id, shown.files)
        return [*broken, *(f"{HISTORIES}/{shown.id}/{name}" for name in gone)]

    def _broken_of(self, folders: Folders, id_: str, digests: Digests) -> list[str]:
        return folders.broken(id_, digests)

    def add_history(self, history: History, content: Iterable[tuple[str, bytes]]) -> History:
        """Write a history, for the releases to come; `history.files` is filled in."""
        with self.writing():
            self.histories.sweep()
            newest = self.newest()
            shown = self.history(newest.history) if newest and newest.history else None
            digests = self.histories.write(
                history.id,
                content,
                lambda digests: asdict(replace(history, files=digests)),
                (shown.id, shown.files) if shown else None,
            )
            return replace(history, files=digests)

    def publish(
        self,
        release: Release,
        content: Iterable[tuple[str, bytes]],
        entries: Mapping[str, bytes],
        now: datetime,
    ) -> Release:
        """Write a release, make it current, and remove the oldest beyond those that are kept.

        `release.files` is filled in. `entries` are the ways in, beside the pointer.
        """
        with self.writing():
            self.releases.sweep()
            former = self.newest()
            digests = self.releases.write(
                release.id,
                content,
                lambda digests: asdict(replace(release, files=digests)),
                (former.id, former.files) if former else None,
            )
            self._enter(entries)
            self._point(Pointer(release.id, instant_text(now)))
            self._remove_oldest()
            return replace(release, files=digests)

    def hold(self, reasons: Iterable[str], entries: Mapping[str, bytes], now: datetime) -> Held:
        """Leave the current release and say on it why no newer one is out; since the first time."""
        with self.writing():
            pointer = self.pointer()
            since = pointer.held.since if pointer.held else instant_text(now)
            held = Held(since, tuple(reasons))
            self._enter(entries)
            self._point(replace(pointer, held=held))
            return held

    def release_hold(self) -> None:
        """Say no longer that the current release is held."""
        with self.writing():
            pointer = self.pointer()
            if pointer.held:
                self._point(replace(pointer, held=None))

    def roll_back(self, to: str | None, now: datetime) -> Release:
        """Make a former release current: the one before the current one, or the one named.

        Raises `SettingsError` where there is none, and `PermanentError` where it is not whole.
        """
        with self.writing():
            there = self.names()
            current = self._current_or_none()
            older = [name for name in there if current is None or name < current]
            chosen = to or (older[0] if older else None)
            if chosen is None or chosen not in there:
                raise SettingsError(
                    f"no release {to}; there are {', '.join(there) or 'none'}"
                    if to
                    else f"there is no release before {current}; there are "
                    f"{', '.join(there) or 'none'}"
                )
            release = self.read(chosen)
            if broken := self.broken(release):
                raise PermanentError(
                    f"release {chosen} is not whole ({', '.join(broken[:5])}): choose another with "
                    f"`coin-platform site rollback --to`"
                )
            self._point(Pointer(chosen, instant_text(now)))
            return release

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Be the one writer of the site on this machine; may be nested."""
        from filelock import FileLock, Timeout

        self.root.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self.root / ".lock", timeout=LOCK_TIMEOUT_SECONDS, is_singleton=True)
        try:
            lock.acquire()
        except Timeout as error:
            raise TransientError(f"{lock.lock_file} is held by another writer") from error
        try:
            yield
        finally:
            lock.release()

    def _current_or_none(self) -> str | None:
        try:
            return self.pointer().release
        except PermanentError:  # a rollback mends it
            return None

    def _enter(self, entries: Mapping[str, bytes]) -> None:
        for name, content in entries.items():
            files.replace(self.root / name, content)

    def _point(self, pointer: Pointer) -> None:
        files.replace(self.root / POINTER, script(POINTER_NAME, asdict(pointer)))

    def _remove_oldest(self) -> None:
        """Keep the newest releases and the current one, and the histories that they show."""
        current = self.pointer().release
        for name in self.names()[self.keep :]:
            if name != current:
                self.releases.remove(name)
        shown = {release.history for release in self.all()}
        for name in self.histories.names():
            if name not in shown:
                self.histories.remove(name)
