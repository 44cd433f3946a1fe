"""Releases: whole or not there, one current, the newest kept, and a way back."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta

import pytest

from coin_platform.errors import PermanentError, SettingsError
from coin_platform.site.release import Release
from coin_platform.site.releases import POINTER, Releases

START = datetime(2026, 5, 1, tzinfo=UTC)
ENTRIES = {"index.html": b"way in"}


def publish(site, number, files=None):
    release = Release(f"r{number:03}", "", "2026-05-01T00:00:00Z", f"made of {number}", {}, {})
    content = {"index.html": b"page %d" % number, "data/a.js": b"same"} if files is None else files
    return site.publish(release, content.items(), ENTRIES, START + timedelta(hours=number))


@pytest.fixture
def site(tmp_path):
    return Releases(tmp_path / "site", keep=3)


def test_before_the_first_release_there_is_none(site):
    assert site.pointer().release is None
    assert site.current() is site.newest() is None
    assert site.all() == []


def test_a_release_is_current_once_it_is_published(site):
    publish(site, 1)
    assert site.current().id == "r001"
    assert site.content("r001", "index.html") == b"page 1"
    assert site.entry.read_bytes() == b"way in"
    assert site.broken(site.current()) == []
    assert site.pointer().since == "2026-05-01T01:00:00Z"


def test_files_that_did_not_change_are_not_written_again(site):
    publish(site, 1)
    publish(site, 2)
    folder = site.root / "releases"
    same, changed = (
        [(folder / release / name).stat().st_ino for release in ("r001", "r002")]
        for name in ("data/a.js", "index.html")
    )
    assert same[0] == same[1]
    assert changed[0] != changed[1]


def test_the_newest_releases_are_kept_and_the_current_one_always(site):
    for number in range(1, 4):
        publish(site, number)
    site.roll_back("r001", START)
    for name in ("r001", "r002", "r003"):
        assert name in site.names()
    for number in range(4, 8):
        publish(site, number)
    assert site.names() == ["r007", "r006", "r005"]


def test_a_rollback_goes_to_the_release_before_and_further_back_each_time(site):
    for number in range(1, 4):
        publish(site, number)
    assert site.roll_back(None, START).id == "r002"
    assert site.roll_back(None, START).id == "r001"
    with pytest.raises(SettingsError, match="no release before r001; there are r003, r002, r001"):
        site.roll_back(None, START)
    assert site.roll_back("r003", START).id == site.current().id == "r003"


def test_a_rollback_to_what_is_not_there_says_what_is(site):
    publish(site, 1)
    with pytest.raises(SettingsError, match="no release r009; there are r001"):
        site.roll_back("r009", START)


def test_a_rollback_to_a_release_that_is_not_whole_is_refused(site):
    publish(site, 1)
    publish(site, 2)
    (site.root / "releases/r001/index.html").write_text("changed")
    with pytest.raises(PermanentError, match=r"r001 is not whole \(index.html\)"):
        site.roll_back("r001", START)
    assert site.current().id == "r002"


def test_a_pointer_that_cannot_be_read_says_how_it_is_mended_and_is(site):
    publish(site, 1)
    (site.root / POINTER).write_text("alert(1)")
    with pytest.raises(PermanentError, match="coin-platform site rollback"):
        site.pointer()
    assert site.roll_back(None, START).id == "r001"
    assert site.current().id == "r001"


def test_a_hold_says_since_when_and_why_and_leaves_the_release_as_it_is(site):
    publish(site, 1)
    before = (site.root / "releases/r001/index.html").stat().st_mtime_ns
    site.hold(["prices differ"], ENTRIES, START + timedelta(hours=5))
    held = site.hold(["prices differ", "and more"], ENTRIES, START + timedelta(hours=6))
    assert held.since == "2026-05-01T05:00:00Z"
    assert site.pointer().held == held
    assert site.current().id == "r001"
    assert (site.root / "releases/r001/index.html").stat().st_mtime_ns == before
    site.release_hold()
    assert site.pointer().held is None
    assert site.current().id == "r001"


def test_a_new_release_ends_a_hold(site):
    publish(site, 1)
    site.hold(["prices differ"], ENTRIES, START)
    publish(site, 2)
    assert site.pointer().held is None


def test_a_release_that_fails_while_it_is_written_is_not_there(site):
    publish(site, 1)

    def files():
        yield "index.html", b"half"
        raise OSError("no space left")

    broken = Release("r002", "", "", "", {}, {})
    with pytest.raises(OSError, match="no space"):
        site.publish(broken, files(), ENTRIES, START)
    assert site.names() == ["r001"]
    assert site.current().id == "r001"
    publish(site, 3)
    assert {path.name for path in (site.root / "releases").iterdir()} == {"r001", "r003"}


PUBLISHING = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from coin_platform.site.release import History, Release
from coin_platform.site.releases import Releases
site = Releases(Path(sys.argv[1]), keep=2)
for number in range(int(sys.argv[2]), 10**6):
    content = str(number).encode() * 1000
    history = f"h{number // 3:07}"
    if site.history(history) is None:
        site.add_history(History(history, []), [(f"{n}.js", content) for n in range(60)])
    release = Release(f"r{number:07}", "", "", str(number), {}, {}, history)
    files = [(f"data/{n}.js", content if n % 2 else b"same") for n in range(60)]
    site.publish(release, files, {"index.html": b"in"}, datetime.now(UTC))
    print(number, flush=True)
"""


def test_killed_anywhere_the_current_release_is_whole_and_the_next_one_goes_through(tmp_path):
    """Killed at random points; the seed is printed, so that a failure can be played again."""
    site = Releases(tmp_path / "site", keep=2)
    seed = random.randrange(10**6)
    print("seed", seed)  # noqa: T201  shown when the test fails
    chance = random.Random(seed)
    first = 1
    for _ in range(8):
        process = subprocess.Popen(
            [sys.executable, "-c", PUBLISHING, str(site.root), str(first)],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        )
        said = int(process.stdout.readline())
        time.sleep(chance.uniform(0, 0.15))
        process.send_signal(signal.SIGKILL)
        output, _ = process.communicate()
        published = [said, *map(int, output.split())]
        current = site.current()
        assert int(current.id[1:]) in (published[-1], published[-1] + 1)
        for release in site.all():
            assert site.broken(release) == []
        first = published[-1] + 2
    final = publish(site, 10**6)
    assert site.current() == final
    left = [path.name for path in (site.root / "releases").iterdir() if path.name[0] == "."]
    assert left == []
    assert json.loads((site.root / "releases" / final.id / "release.json").read_text())
