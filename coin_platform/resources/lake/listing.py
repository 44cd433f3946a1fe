"""Which raw files there are, and what their names say; `raw.py` reads them.

Names are DMS's (`resources/replication/layout.py`): a change file is named by the time when it was
made, so that files are skipped by name.
"""

import logging
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from coin_platform.resources.lake.storage import is_local, objects_after
from coin_platform.resources.replication.layout import CHANGE_FILE, LOAD_FILE

log = logging.getLogger(__name__)

FIRST_LOAD = "LOAD"  # after every name of a change file, which starts with a digit
UNFINISHED = re.compile(r"[._].*|.*\.(tmp|crc|inprogress)")


@dataclass(frozen=True, order=True)
class RawFile:
    """A finished raw file. Sorts as changes apply: the full load first, then by time of making."""

    is_change: bool
    name: str
    path: str

    @property
    def is_load(self) -> bool:
        return not self.is_change

    @property
    def is_csv(self) -> bool:
        return ".csv" in self.name

    @property
    def written_at(self) -> datetime | None:
        """What the name of a change file says; None for a full load's, which has no time."""
        if self.is_load:
            return None
        day, _, clock = self.name.partition(".")[0].partition("-")
        return datetime.strptime(f"{day}{clock:0<12}", "%Y%m%d%H%M%S%f").replace(tzinfo=UTC)


def parse(path: str) -> RawFile | None:
    """The raw file at a path; None for one that is not finished or not a raw file at all.

    The latter is said in a warning: reading past it could hide rows.
    """
    name = path.rpartition("/")[2]
    if LOAD_FILE.fullmatch(name):
        return RawFile(is_change=False, name=name, path=path)
    if CHANGE_FILE.fullmatch(name):
        return RawFile(is_change=True, name=name, path=path)
    if not UNFINISHED.fullmatch(name):
        log.warning("%s is named neither as a load nor as a change file: it is not read", path)
    return None


def list_files(uri: str, options: Mapping[str, str], first: str = "") -> list[RawFile]:
    """The finished raw files below a URI or a folder, sorted; none where there is no such folder.

    Files whose names come before `first` are left out, and are not looked at any further, since
    history is long. Names of change files sort by time; a load's comes after all of them, so that
    no time as a bound leaves out a load.
    """
    paths = _local_paths(uri, first) if is_local(uri) else objects_after(uri, first, options)
    return sorted(file for file in map(parse, paths) if file is not None)


def _local_paths(folder: str, first: str) -> Iterator[str]:
    """Paths as the folder lists them. Asking for each file's size would take most of the time."""
    try:
        entries = os.scandir(folder)
    except FileNotFoundError:
        return
    with entries:
        for entry in entries:
            if entry.name >= first and entry.is_file():
                yield entry.path
            elif entry.is_dir():
                yield from _local_paths(entry.path, first)


def first_name(since: datetime) -> str:
    """What no change file made at `since` or later is named before.

    Nothing is, for a `since` ahead of this machine's clock: names are times of the replication's
    clock, and a market that is simulated or replayed may run ahead of it.
    """
    if since > datetime.now(UTC):
        return ""
    utc = since.astimezone(UTC)
    return f"{utc:%Y%m%d-%H%M%S}{utc.microsecond // 1000:03d}"
