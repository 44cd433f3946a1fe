"""What a release and a history say of themselves, and the pointer of the current release."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Held:
    """Why the newest data is not shown: since when, and what the checks say."""

    since: str
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class Pointer:
    """Which release is current, none at first, since when, and why it has not moved on."""

    release: str | None = None
    since: str | None = None
    held: Held | None = None


@dataclass(frozen=True)
class History:
    """What `history.json` says: the closed days behind releases; `files` as a release has them."""

    id: str
    sources: Sequence[str]
    files: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Release:
    """What `release.json` says; `files` are the digests of its files by name.

    `history` is the id of the history that it shows beside its own files. `missing` are the days
    of curated that it was made of, shown or older, with the hours that each lacks.
    """

    id: str
    built_at: str
    hour: str
    fingerprint: str
    facts: Mapping[str, Any]
    files: Mapping[str, str]
    history: str | None = None
    missing: Mapping[str, Sequence[int]] = field(default_factory=dict)
