"""What the replication sensor asks for, given what it sees."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from coin_platform.defs.raw.sensors import REQUESTS_PER_TICK, Cursor, HoursInRuns, decide
from coin_platform.resources.replication.interface import Task

RUNNING = Task(
    "task-01", "running", "full-load-and-cdc", started_at=datetime(2026, 5, 1, tzinfo=UTC)
)
STOPPED = Task("task-01", "stopped", "full-load", stop_reason="Stop Reason NORMAL")
READY = Task("task-01", "ready", "full-load-and-cdc")

NOON, ONE = "2026-05-01-12:00", "2026-05-01-13:00"
EARLY, LATE = "2026-05-01 13:00:01.000000", "2026-05-01 13:30:00.000000"


def test_an_hour_that_arrived_by_itself_is_asked_for_with_its_version():
    assert decide(RUNNING, {NOON: EARLY}, {}, {}).requests == {NOON: EARLY}


def test_an_hour_that_a_run_has_recorded_already_is_not_asked_for():
    decision = decide(RUNNING, {NOON: EARLY}, {}, {NOON: EARLY})
    assert decision.requests == {}
    assert "materialized already" in decision.reason


def test_a_later_change_of_a_recorded_hour_is_asked_for_as_a_new_version():
    assert decide(RUNNING, {NOON: LATE}, {}, {NOON: EARLY}).requests == {NOON: LATE}


def test_an_hour_that_a_run_is_busy_with_waits_for_the_next_tick():
    decision = decide(RUNNING, {NOON: EARLY}, {}, {}, busy={NOON})
    assert decision.requests == {}
    assert decision.pending == {NOON: EARLY}
    assert "busy" in decision.reason


def test_a_running_task_brings_new_hours_without_being_asked():
    assert decide(RUNNING, {}, {NOON: 7}, {}).requests == {}


def test_hours_in_the_database_wake_a_task_that_does_not_run():
    for task in (READY, STOPPED):
        assert decide(task, {}, {NOON: 7}, {}).requests == {NOON: "database event 7"}


def test_a_database_event_of_a_busy_hour_is_not_forgotten():
    decision = decide(READY, {}, {NOON: 7, ONE: 8}, {}, busy={NOON})
    assert decision.requests == {ONE: "database event 8"}
    assert decision.postponed == [7]


def test_a_quiet_tick_says_why():
    assert decide(RUNNING, {}, {}, {}).reason == "task task-01 is running; nothing new in raw"


def test_the_cursor_survives_being_stored():
    cursor = Cursor("20260501-130001000.parquet", "load", 12, {NOON: EARLY})
    assert Cursor.read(cursor.write()) == cursor
    assert Cursor.read(None) == Cursor()


def test_a_run_over_a_range_is_busy_with_the_hours_within():
    runs = HoursInRuns([("2026-05-01-10:00", "2026-05-01-12:00")])
    assert NOON in runs
    assert ONE not in runs


HOURS = st.integers(0, 200).map(lambda n: f"2026-05-{n // 24 + 1:02}-{n % 24:02}:00")
VERSIONS = st.sampled_from([EARLY, LATE])


@given(
    st.dictionaries(HOURS, VERSIONS, max_size=150),
    st.dictionaries(HOURS, st.integers(1, 1000), max_size=30),
    st.dictionaries(HOURS, VERSIONS, max_size=50),
    st.sets(HOURS, max_size=20),
    st.sampled_from([RUNNING, STOPPED, READY]),
)
def test_no_hour_is_lost_and_none_is_asked_for_twice(arrived, loaded, recorded, busy, task):
    decision = decide(task, arrived, loaded, recorded, busy)
    assert len(decision.requests) <= REQUESTS_PER_TICK
    assert not set(decision.requests) & (set(decision.pending) | busy)
    for hour, version in arrived.items():
        is_new = version > recorded.get(hour, "")
        assert (hour in decision.requests or hour in decision.pending) == is_new or hour in loaded
    if task is not RUNNING:
        kept = set(decision.requests) | set(decision.pending)
        assert all(hour in kept or event in decision.postponed for hour, event in loaded.items())
