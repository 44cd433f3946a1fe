"""The market page and the exports in a bucket: whole or not at all, on whichever machine."""

from datetime import UTC, datetime, timedelta

import pytest

from coin_platform.errors import SettingsError, TransientError
from coin_platform.exports import MANIFEST
from coin_platform.exports_bucket import BucketExports
from coin_platform.resources.aws.objects import Objects
from coin_platform.site.release import History, Release
from coin_platform.site.releases import open_site
from coin_platform_tests.aws.box import PROJECT
from coin_platform_tests.integration.served_lake import D1, small_lake

NOW = datetime(2026, 3, 1, 11, tzinfo=UTC)
ENTRIES = {"index.html": b"<html>", "coins.html": b"<html>"}
CURATED = f"curated-{PROJECT}"


@pytest.fixture
def machine(aws_settings, tmp_path):
    """Opens the site as another machine does, whose home is empty."""
    return lambda name: open_site(aws_settings(home=tmp_path / name))


def publish(site, number, content=b"{}", keep=None):
    now = NOW + timedelta(hours=number)
    release = Release(f"{now:%Y%m%dT%H%M%SZ}-{number:08d}", str(now), str(now), str(number), {}, {})
    files = [("data/overview.js", content), ("pages/a.html", b"same")]
    return site.publish(release, files, ENTRIES, now)


def names(box):
    pages = box.client("s3").get_paginator("list_objects_v2").paginate(Bucket=CURATED)
    return [item["Key"] for page in pages for item in page.get("Contents", [])]


def test_a_release_is_in_the_bucket_and_another_machine_reads_it(box, machine):
    done = publish(machine("one"), 1, b"first")
    assert f"serving/site/releases/{done.id}/release.json" in names(box)
    other = machine("two")
    assert other.current().id == done.id
    assert other.content(done.id, "data/overview.js") == b"first"
    assert other.broken(other.current()) == []
    other.bring_here()
    assert other.entry.read_bytes() == b"<html>"
    assert (other.root / "releases" / done.id / "pages/a.html").read_bytes() == b"same"


def with_history(site, number, history):
    if site.history(history) is None:
        site.add_history(History(history, ["simulated"]), [("1.js", history.encode())])
    now = NOW + timedelta(hours=number)
    release = Release(f"r{number}", str(now), str(now), str(number), {}, {}, history)
    return site.publish(release, [("a.html", b"a")], ENTRIES, now)


def test_a_history_is_uploaded_once_for_all_machines_and_goes_with_its_releases(box, machine):
    with_history(machine("one"), 1, "h1")
    [history] = [name for name in names(box) if name.endswith("history/h1/1.js")]
    first = box.client("s3").head_object(Bucket=CURATED, Key=history)["LastModified"]
    done = with_history(machine("two"), 2, "h1")
    assert box.client("s3").head_object(Bucket=CURATED, Key=history)["LastModified"] == first
    other = machine("three")
    assert other.broken(other.current()) == []
    other.bring_here()
    assert other.histories.content("h1", "1.js") == b"h1"
    box.client("s3").delete_object(Bucket=CURATED, Key=history)
    assert machine("five").broken(done) == ["history/h1/1.js"]
    for number in range(3, 9):
        with_history(machine("six"), number, "h2")
    assert not [name for name in names(box) if "history/h1" in name]


def test_a_history_that_is_cut_off_is_not_there_and_is_made_again(box, machine):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Objects, "put", interrupted)
        with pytest.raises(KeyboardInterrupt):
            with_history(machine("one"), 1, "h1")
    assert machine("two").history("h1") is None
    assert with_history(machine("two"), 2, "h1").history == "h1"
    other = machine("three")
    other.bring_here()
    assert other.histories.content("h1", "1.js") == b"h1"


def test_pages_have_the_type_that_a_browser_needs(box, machine):
    done = publish(machine("one"), 1)
    for name, kind in (
        ("index.html", "text/html"),
        (f"releases/{done.id}/data/overview.js", "javascript"),
    ):
        head = box.client("s3").head_object(Bucket=CURATED, Key=f"serving/site/{name}")
        assert kind in head["ContentType"]


def test_each_machine_goes_on_from_what_is_published_and_old_releases_go(box, machine):
    releases = [publish(machine(f"machine-{n}"), n).id for n in range(7)]
    last = machine("last")
    assert last.names() == releases[:1:-1]
    assert not [name for name in names(box) if releases[0] in name]


def test_a_hold_and_a_rollback_reach_the_bucket(machine):
    first, second = (publish(machine("one"), n) for n in (1, 2))
    machine("two").hold(["prices differ"], ENTRIES, NOW)
    assert machine("three").pointer().held.reasons == ("prices differ",)
    machine("three").roll_back(None, NOW)
    assert machine("four").current().id == first.id
    with pytest.raises(SettingsError, match="no release nowhere"):
        machine("four").roll_back("nowhere", NOW)
    assert second.id in machine("four").names()


def test_a_publication_that_is_cut_off_changes_nothing_and_the_next_one_sweeps(box, machine):
    first = publish(machine("one"), 1, b"first")
    site = machine("two")
    site.names()
    uploaded = []
    real = Objects.put

    def cut_off(self, name, content):
        if len(uploaded) == 1:
            raise KeyboardInterrupt
        uploaded.append(name)
        real(self, name, content)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Objects, "put", cut_off)
        with pytest.raises(KeyboardInterrupt):
            publish(site, 2, b"second")
    assert machine("three").current().id == first.id
    assert machine("three").names() == [first.id]
    third = publish(machine("two"), 3, b"third")
    assert machine("three").names() == [third.id, first.id]
    assert not [name for name in names(box) if "-00000002" in name]


def test_a_bucket_that_fails_for_long_leaves_the_former_release_current(box, machine):
    first = publish(machine("one"), 1)
    box.fail("s3", 1_000, status=503, code="SlowDown", action="PUT")
    with pytest.raises(TransientError, match="SlowDown"):
        publish(machine("one"), 2)
    box.mend()
    assert machine("two").current().id == first.id
    assert publish(machine("one"), 3).id == machine("two").current().id


@pytest.fixture
def exports(aws_settings, tmp_path):
    """Exports of a small lake as a machine has them whose home is empty."""
    lake = small_lake(tmp_path)

    def opened(name):
        settings = aws_settings(home=tmp_path / name)
        objects = Objects(settings, f"s3://{CURATED}/serving/exports")
        return BucketExports(lake, settings.home / "exports", objects)

    return opened


def test_a_day_is_exported_to_the_bucket_and_read_back_elsewhere(box, exports):
    manifest = exports("one").write(D1)
    other = exports("two")
    other.bring_here(D1)
    assert other.manifest(D1) == manifest
    assert {entry["file"] for entry in manifest} | {MANIFEST} == {
        name.rpartition("/")[2] for name in names(box)
    }
    assert exports("two").address(D1) == f"s3://{CURATED}/serving/exports/{D1}"


def test_a_day_whose_export_is_cut_off_is_not_exported_until_it_is_done_again(exports):
    exports("one").write(D1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Objects, "upload", interrupted)
        with pytest.raises(KeyboardInterrupt):
            exports("one").write(D1)
    other = exports("two")
    other.bring_here(D1)
    assert not (other.folder_of(D1) / MANIFEST).exists()
    exports("two").write(D1)
    other.bring_here(D1)
    assert other.manifest(D1)


def interrupted(*_):
    raise KeyboardInterrupt
