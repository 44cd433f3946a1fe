"""Exports of a day: what the files hold, and that they are whole or not there."""

import csv
import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from coin_platform.contracts import curated
from coin_platform.contracts.serving import DAILY_EXPORTS
from coin_platform.defs.serving.export_checks import judged
from coin_platform.errors import PermanentError
from coin_platform.exports import MANIFEST
from coin_platform.resources.lake import Lake
from coin_platform.resources.lake.served import ServedLake
from coin_platform_tests.integration.served_lake import (
    D1,
    D2,
    HOSTILE,
    NAMES,
    PRICES,
    curate,
    exports_of,
    small_lake,
)

FILES = sorted(
    [MANIFEST, *(f"{t.name}.{kind}" for t in curated.TABLES for kind in ("csv", "parquet"))]
)


@pytest.fixture
def lake(tmp_path):
    return small_lake(tmp_path)


def files_of(folder):
    """Every file below a folder that is meant to be seen, with its content."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.startswith(".")
    }


def csv_of(exports, day, table):
    path = exports.folder_of(day) / f"{table.name}.csv"
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, strict=True))


def passes(exports, lake, day):
    return {name: verdict.passed for name, verdict in judged(exports, lake, day).facts.items()}


def test_a_day_is_exported_as_two_files_a_table_and_a_manifest(lake):
    exports = exports_of(lake)
    exports.write(D1)
    folder = Path(lake.url) / "serving" / "exports" / "2026-03-01"
    assert sorted(path.name for path in folder.iterdir()) == FILES
    assert passes(exports, lake, D1) == {
        "files_are_readable": True,
        "exports_agree_with_curated": True,
    }


def test_numbers_keep_every_digit_and_only_texts_that_look_like_formulas_are_marked(lake):
    exports = exports_of(lake)
    exports.write(D1)
    rows = csv_of(exports, D1, curated.DAILY_COIN_PRICES)
    assert {int(row["coin_id"]): float(row["close"]) for row in rows} == PRICES
    assert [row["name"] for row in rows] == [NAMES[1], f"'{HOSTILE}", NAMES[3], ""]
    assert {row["symbol"] for row in rows} == {"'-X"}
    assert {row["day"] for row in rows} == {"2026-03-01"}
    typed = pq.read_table(exports.folder_of(D1) / "daily_coin_prices.parquet")
    assert typed["name"].to_pylist() == list(NAMES.values())
    assert (
        dict(zip(typed["coin_id"].to_pylist(), typed["close"].to_pylist(), strict=True)) == PRICES
    )


def test_lines_end_as_rfc_4180_has_it_and_rows_are_in_order_of_the_key(lake):
    exports = exports_of(lake)
    exports.write(D1)
    text = (exports.folder_of(D1) / "top_prices.csv").read_bytes()
    assert text.count(b"\r\n") == text.count(b"\n") == 1 + len(PRICES)
    ranks = [int(row["rank"]) for row in csv_of(exports, D1, curated.TOP_PRICES)]
    assert ranks == sorted(ranks)


def test_the_manifest_says_of_each_file_what_it_is_made_of(lake):
    exports = exports_of(lake)
    exports.write(D2)
    manifest = json.loads((exports.folder_of(D2) / MANIFEST).read_text())
    assert sorted([MANIFEST, *(entry["file"] for entry in manifest)]) == FILES
    for entry in manifest:
        assert list(entry) == list(DAILY_EXPORTS.column_names)
        content = (exports.folder_of(D2) / entry["file"]).read_bytes()
        assert entry["sha256"] == hashlib.sha256(content).hexdigest()
        assert entry["bytes"] == len(content)
        [table] = [t for t in curated.TABLES if t.name == entry["table_name"]]
        assert entry["version"] == lake.detail(table).version
        assert (entry["hours"], entry["hours_missing"]) == (23, "13")
        assert entry["published_at"] == "2026-03-03T00:00:00Z"
        assert entry["source"] == "simulated"
    rows = {entry["table_name"]: entry["rows"] for entry in manifest}
    assert rows["daily_coin_prices"] == len(PRICES)
    assert rows["market_overview"] == 2


def test_exported_again_the_files_are_the_same(lake):
    exports = exports_of(lake)
    exports.write(D1)
    first = files_of(exports.folder)
    exports.write(D1)
    assert files_of(exports.folder) == first


def test_a_day_that_changed_takes_the_place_of_what_was_exported(lake):
    exports = exports_of(lake)
    exports.write(D1)
    curate(Lake(lake.url), D1, prices={1: 5.0})
    assert passes(exports, lake, D1) == {
        "files_are_readable": True,
        "exports_agree_with_curated": False,
    }
    exports.write(D1)
    [row] = csv_of(exports, D1, curated.DAILY_COIN_PRICES)
    assert row["close"] == "5.0"
    assert sorted(path.name for path in exports.folder_of(D1).iterdir()) == FILES


def test_a_day_without_rows_is_exported_with_headers(lake):
    curate(Lake(lake.url), D1, prices={})
    exports = exports_of(lake)
    exports.write(D1)
    assert csv_of(exports, D1, curated.TOP_PRICES) == []
    assert all(passes(exports, lake, D1).values())


@pytest.mark.parametrize(
    "spoil",
    [
        lambda folder: (folder / "top_prices.csv").unlink(),
        lambda folder: (folder / "top_prices.csv").write_text("day\n"),
        lambda folder: (folder / "top_prices.parquet").write_bytes(b"PAR1"),
        lambda folder: (folder / MANIFEST).write_text("[]"),
        lambda folder: (folder / MANIFEST).write_text("[{"),
        lambda folder: (folder / MANIFEST).write_text("[1]"),
        lambda folder: (folder / MANIFEST).write_text('[{"file": "x"}]'),
        lambda folder: (folder / MANIFEST).unlink(),
    ],
)
def test_files_that_were_spoiled_are_named(lake, spoil):
    exports = exports_of(lake)
    exports.write(D1)
    spoil(exports.folder_of(D1))
    assert passes(exports, lake, D1) == {
        "files_are_readable": False,
        "exports_agree_with_curated": False,
    }
    exports.write(D1)
    assert all(passes(exports, lake, D1).values())


def test_a_table_that_is_not_there_yet_leaves_the_day_unexported(tmp_path):
    exports = exports_of(ServedLake(Lake(str(tmp_path / "lake"))))
    with pytest.raises(PermanentError, match="there is no curated/daily_coin_prices yet"):
        exports.write(D1)
    assert not exports.folder_of(D1).exists()


EXPORT = """
import os, sys
from datetime import date
from pathlib import Path
from coin_platform import exports
from coin_platform.resources.lake import Lake
from coin_platform.resources.lake.served import ServedLake

left = int(sys.argv[2])

def dying(event, arguments):
    # Every file that is opened for writing, made, renamed or removed is a place to die.
    global left
    if event in ("open", "os.rename", "os.mkdir", "os.remove", "os.rmdir", "shutil.rmtree"):
        if "exports" in str(arguments[0]):
            left -= 1
            if left < 0:
                os.kill(os.getpid(), 9)

lake = ServedLake(Lake(sys.argv[1]))
sys.addaudithook(dying)
exports.Exports(lake, Path(lake.exports)).write(date(2026, 3, 1))
"""


def test_a_kill_anywhere_leaves_whole_days_only_and_the_next_run_mends_the_rest(lake):
    exports = exports_of(lake)
    exports.write(D1)
    before = files_of(exports.folder_of(D1))
    curate(Lake(lake.url), D1, prices={1: 5.0, 2: 6.0})
    exports.write(D1)
    after = files_of(exports.folder_of(D1))
    assert before != after

    places, finished = 0, False
    while not finished:
        # The export of the day before the change stands there, and the change is to be exported.
        for name, content in before.items():
            (exports.folder_of(D1) / name).write_bytes(content)
        done = subprocess.run(
            [sys.executable, "-c", EXPORT, lake.url, str(places)], capture_output=True, check=False
        )
        finished = done.returncode == 0
        assert finished or done.returncode == -9, done.stderr
        seen = files_of(exports.folder_of(D1)) if exports.folder_of(D1).exists() else None
        assert seen in (before, after, None)
        exports.write(D1)
        assert files_of(exports.folder_of(D1)) == after
        assert [
            p.name for p in exports.folder.iterdir() if ".new" in p.name or ".old" in p.name
        ] == []
        places += 5
    assert places > 10


def test_exports_are_below_the_lake_and_reach_nothing_of_raw(lake):
    exports = exports_of(lake)
    exports.write(D1)
    assert "secret" not in b"".join(files_of(exports.folder).values()).decode(errors="replace")
