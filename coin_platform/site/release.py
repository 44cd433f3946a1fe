"""What a release says of itself, and what the pointer says of the current one."""

from collections.abc import Mapping
from dataclasses import dataclass
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
class Release:
    """What `release.json` says; `files` are the digests of its files by name."""

    id: str
    built_at: str
    hour: str
    fingerprint: str
    facts: Mapping[str, Any]
    files: Mapping[str, str]
