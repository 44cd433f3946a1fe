"""Waiting for raw: what is read while nothing has come, and when an hour last changed."""

import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from coin_platform.contracts import raw
from coin_platform.defs.raw.sensors import versions_in
from coin_platform.delivery import (
    READS,
    deliver,
    files_of,
    read_logs,
    start_before_the_first_row,
    versions,
)
from coin_platform.errors import TransientError
from coin_platform.partitions import HOUR, Window
from coin_platform.resources.lake import Lake
from coin_platform.resources.lake.listing import RawFile
from coin_platform_tests.integration.lake_files import H, change_name, quote, write_raw
from coin_platform_tests.unit.fakes import FakeDatabase, FakeLake, FakeReplication, snapshot_of


class CountingLake(FakeLake):
    def __init__(self):
        super().__init__()
        self.reads = 0

    def raw_rows(self, table, files, columns, window=None):
        self.reads += 1
        return super().raw_rows(table, files, columns, window)


@dataclass
class QuietReplication(FakeReplication):
    """Runs since the same moment and brings nothing."""

    brings: bool = False
    looks: int = 0

    def describe(self):
        self.looks += 1
        since = datetime(2026, 5, 1, tzinfo=UTC) if self.started else None
        return replace(super().describe(), started_at=since)


def test_the_log_is_read_anew_only_when_the_task_or_its_files_have_changed():
    database, lake = FakeDatabase({H: snapshot_of(H)}), CountingLake()
    task = QuietReplication(database, lake)
    with pytest.raises(TransientError, match="is not in raw after"):
        deliver(task, database, lake, Window.of_hour(H), 0.5, lambda _: None)
    assert task.looks > 3
    # Both tables, before the start and after it.
    assert lake.reads == 4


@dataclass
class SlowlyMade(FakeReplication):
    """What it stands on has to be made first; it brings at the second look after its start."""

    brings: bool = False
    looks: int = 0

    def start(self, start_type):
        time.sleep(0.6)
        super().start(start_type)

    def describe(self):
        self.looks += bool(self.started)
        self.brings = self.looks > 1
        return super().describe()


def test_what_must_be_made_before_a_start_takes_no_time_of_the_delivery():
    database, lake = FakeDatabase({H: snapshot_of(H)}), FakeLake()
    task = SlowlyMade(database, lake)
    there = deliver(task, database, lake, Window.of_hour(H), 0.5, lambda _: None)
    assert there["coin_quotes"].rows == {H: 2}


@dataclass
class SlowlyCapturing(FakeReplication):
    """Runs for some looks before it knows of its tables."""

    migration_type: str = "cdc"
    after: int = 3
    looks: int = 0

    def table_statistics(self):
        self.looks += 1
        return super().table_statistics() if self.looks > self.after else []


def test_no_row_is_written_before_a_task_of_changes_only_captures_them():
    task = SlowlyCapturing(FakeDatabase(), FakeLake())
    start_before_the_first_row(task, 30)
    assert task.started == ["start-replication"]
    assert task.looks == 4
    start_before_the_first_row(task, 30)
    assert task.started == ["start-replication"]


def test_a_task_that_does_not_come_to_capture_is_waited_for_so_long_and_no_longer():
    task = SlowlyCapturing(FakeDatabase(), FakeLake(), after=1000)
    with pytest.raises(TransientError, match="captures no changes after 0 s"):
        start_before_the_first_row(task, 0.01)


def test_tasks_that_load_and_tasks_that_failed_hold_nothing_up():
    loads = SlowlyCapturing(FakeDatabase(), FakeLake(), migration_type="full-load-and-cdc")
    start_before_the_first_row(loads, 0.01)
    assert loads.started == []
    fails = SlowlyCapturing(FakeDatabase(), FakeLake(), failure="no slot")
    start_before_the_first_row(fails, 0.01)
    assert fails.status == "failed"


CHANGES = st.lists(
    st.tuples(st.integers(0, 3), st.integers(0, 9), st.sampled_from("IUD")), min_size=1, max_size=30
)


@given(CHANGES, st.integers(1, 5))
def test_the_versions_of_a_log_in_parts_add_up_to_those_of_the_whole(changes, size):
    log = pd.DataFrame(
        [
            {
                "Op": op,
                "snapshot_hour": H + HOUR * hour,
                "loaded_at": None if op == "D" else H + HOUR * at,
                "commit_timestamp": f"{H + HOUR * at:%Y-%m-%d %H:%M:%S.%f}",
            }
            for hour, at, op in changes
        ]
    )
    log["loaded_at"] = pd.to_datetime(log["loaded_at"], utc=True)
    newest = {}
    for hour, at, _ in changes:
        newest[hour] = max(at, newest.get(hour, 0))
    whole = versions(log)
    assert whole == {
        H + HOUR * hour: f"{H + HOUR * at:%Y-%m-%d %H:%M:%S.%f}" for hour, at in newest.items()
    }
    parts = [versions(log[n : n + size]) for n in range(0, len(log), size)]
    assert whole == {
        hour: max(part[hour] for part in parts if hour in part)
        for hour in {hour for part in parts for hour in part}
    }


def test_the_sensor_sees_the_newest_version_of_each_hour_in_any_part_of_any_file(
    tmp_path, monkeypatch
):
    monkeypatch.setattr("coin_platform.resources.lake.raw.BATCH_ROWS", 2)
    lake = Lake(str(tmp_path))
    write_raw(lake, raw.COIN_QUOTES, "LOAD00000001.parquet", [quote(n) for n in range(5)])
    write_raw(
        lake,
        raw.COIN_QUOTES,
        change_name(H + 9 * HOUR),
        [quote(9, H + HOUR, seq=1), quote(1, op="D", at=H + 7 * HOUR, seq=2)],
    )
    assert versions_in(lake, lake.raw_files(raw.COIN_QUOTES)) == {
        H: "2026-03-01 07:00:00.000000",
        H + HOUR: "2026-03-01 02:00:00.000000",
    }


class ReplacedWhileRead:
    """A raw lake whose load is replaced while it is read, so many times."""

    def __init__(self, times):
        self.left = times

    def raw_files(self, table, since):
        return [RawFile(False, f"LOAD{self.left}.parquet", "")]

    def raw_rows(self, table, files, columns, window):
        assert files == self.raw_files(table, window.start), "the files of a former listing"
        return pa.table({name: [] for name in columns})

    def load_started(self, table, files):
        if self.left:
            self.left -= 1
            raise pa.ArrowInvalid("Parquet magic bytes not found in footer")


def test_a_file_that_is_replaced_while_it_is_read_is_read_again():
    window = Window.of_hour(H)
    lake = ReplacedWhileRead(READS - 1)
    found = read_logs(lake, files_of(lake, window), window, 0)
    assert {name: len(rows) for name, rows in found.items()} == {"coins": 0, "coin_quotes": 0}
    broken = ReplacedWhileRead(READS)
    with pytest.raises(pa.ArrowInvalid, match="magic bytes"):
        read_logs(broken, files_of(broken, window), window, 0)
