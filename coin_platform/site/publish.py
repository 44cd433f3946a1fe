"""Bringing the site up to date: publish a release, or hold the last one and say why.

A survey says cheaply what a release would be made of; only if that differs from what the newest
release was made of is there anything to do.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from coin_platform.errors import TransientError
from coin_platform.partitions import HOUR, instant_text
from coin_platform.resources.lake.served import ServedLake
from coin_platform.site import assets, build, history, market, pages, quality
from coin_platform.site.evidence import Evidence
from coin_platform.site.market import Market
from coin_platform.site.release import Held, History, Release
from coin_platform.site.releases import Releases
from coin_platform.site.shown import Missing, Shown, missing_hours, shown

NOTHING_YET = "curated has no hour yet: nothing can be shown"


@dataclass(frozen=True)
class Survey:
    """What a release made now would show, of which versions of the tables, and what checks say."""

    missing: Missing
    shown: Shown | None
    evidence: Evidence | None
    versions: Mapping[str, int]
    fingerprint: str

    @property
    def reasons(self) -> list[str]:
        """Why it may not be published; empty where it may."""
        return self.evidence.reasons if self.evidence else [NOTHING_YET]


@dataclass(frozen=True)
class Outcome:
    """The release that is current now, and why no newer one is."""

    release: str | None
    held: Held | None
    facts: Mapping[str, Any]


def survey(
    site: Releases, lake: ServedLake, days: int, currency: str, look: Callable[[Shown], Evidence]
) -> Survey:
    """Look at what is there; `look` gives what the checks say of what is shown."""
    versions = versions_of(lake)
    missing = known_missing_hours(site.newest(), versions) or missing_hours(lake)
    what = shown(missing, days)
    evidence = look(what) if what else None
    basis = {
        "versions": versions,
        "days": days,
        "currency": currency,
        "evidence": evidence.as_json() if evidence else None,
        "code": assets.fingerprint(),
    }
    digest = hashlib.sha256(json.dumps(basis, sort_keys=True).encode()).hexdigest()
    return Survey(missing, what, evidence, versions, digest[:32])


def known_missing_hours(newest: Release | None, versions: Mapping[str, int]) -> Missing:
    """What the newest release remembers of these versions, so that they need not be read.

    Empty where it is of others. Reading a table takes libraries that nothing else needs when
    there is nothing to do.
    """
    if newest is None or newest.facts.get("versions") != versions:
        return {}
    return {date.fromisoformat(day): set(hours) for day, hours in newest.missing.items()}


def versions_of(lake: ServedLake) -> dict[str, int]:
    """The version of each served table that exists, by its id."""
    versions = {table.id: lake.version(table) for table in lake.tables()}
    return {name: version for name, version in versions.items() if version is not None}


def is_outdated(site: Releases, lake: ServedLake) -> bool:
    """Whether a table changed since the newest release, and no hold says what became of that."""
    newest = site.newest()
    if newest is None or site.pointer().held:
        return False
    return newest.facts.get("versions") != versions_of(lake)


def is_due(site: Releases, found: Survey) -> bool:
    """Whether the site is not as the survey would have it.

    After a rollback it is as it should be until something else changes than what the release that
    was rolled back was made of.
    """
    held = site.pointer().held
    if found.reasons:
        return held is None or list(held.reasons) != found.reasons
    return held is not None or not is_built(site, found)


def is_built(site: Releases, found: Survey) -> bool:
    """Whether the newest release is made of what was surveyed, and one is current."""
    newest = site.newest()
    if newest is None or newest.fingerprint != found.fingerprint or site.current() is None:
        return False
    return newest.history is not None and site.history(newest.history) is not None


def bring_up_to_date(  # noqa: PLR0913  a site, what it is made of, and who makes it when
    site: Releases, lake: ServedLake, found: Survey, currency: str, run_id: str, now: datetime
) -> Outcome:
    """Publish what was surveyed, or hold the current release where checks forbid it.

    Raises `TransientError` when a table changes while it is read, or checks are still to look.
    """
    if found.evidence is not None and found.evidence.is_pending:
        raise TransientError("; ".join(found.reasons))
    with site.writing():
        if found.shown is None or found.evidence is None or found.reasons:
            held = site.hold(found.reasons, pages.entries(), now)
            return Outcome(site.pointer().release, held, {})
        current = site.current()
        if current is not None and is_built(site, found):
            site.release_hold()
            return Outcome(current.id, None, current.facts)
        history_id = history.id_of(lake, found.shown, currency)
        past = site.history(history_id) or history.read(lake, found.shown, currency)
        numbers = market.read(lake, found.shown, currency)
        state = quality.read(lake, found.shown)
        if versions_of(lake) != found.versions:
            raise TransientError("a table changed while the page was made of it: try again")
        if not isinstance(past, History):
            past = site.add_history(History(history_id, past.sources), history.files(past.coins))
        release = described(found, found.shown, numbers, past, run_id, now)
        files = build.files(release, numbers, state, found.evidence)
        done = site.publish(release, files, pages.entries(), now)
        return Outcome(done.id, None, {**release.facts, "files": len(done.files)})


def described(  # noqa: PLR0913  what a release tells
    found: Survey, what: Shown, numbers: Market, behind: History, run_id: str, now: datetime
) -> Release:
    """The release as it says of itself what it is; without its files."""
    return Release(
        id=f"{now:%Y%m%dT%H%M%SZ}-{found.fingerprint[:8]}",
        built_at=instant_text(now),
        hour=instant_text(what.hour),
        fingerprint=found.fingerprint,
        facts={
            "run_id": run_id,
            "closed_at": instant_text(what.hour + HOUR),
            "sources": sorted({*numbers.sources, *behind.sources}),
            "versions": dict(found.versions),
            "days": len(what.days),
            "hours": len(what.hours),
            "coins": sum(coin.is_priced for coin in numbers.coins),
        },
        files={},
        history=behind.id,
        missing={f"{day:%Y-%m-%d}": sorted(hours) for day, hours in found.missing.items()},
    )
