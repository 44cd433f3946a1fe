"""Hours, days and windows."""

from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coin_platform.partitions import HOUR, Window, floor_hour, last_closed_hour, windows_of

HOURS = st.integers(0, 2000).map(lambda n: datetime(2026, 1, 1, tzinfo=UTC) + HOUR * n)


def test_an_hour_is_closed_once_it_is_over():
    assert last_closed_hour(datetime(2026, 5, 1, 14, 0, tzinfo=UTC)).hour == 13
    assert last_closed_hour(datetime(2026, 5, 1, 13, 59, 59, tzinfo=UTC)).hour == 12


def test_hours_are_utc_whatever_the_zone_of_the_instant():
    kolkata = timezone(timedelta(hours=5, minutes=30))
    instant = datetime(2026, 5, 1, 5, 10, tzinfo=kolkata)
    assert floor_hour(instant) == datetime(2026, 4, 30, 23, tzinfo=UTC)


@pytest.mark.parametrize(
    ("start", "end"),
    [
        (datetime(2026, 1, 1), datetime(2026, 1, 2)),  # noqa: DTZ001
        (datetime(2026, 1, 1, 0, 30, tzinfo=UTC), datetime(2026, 1, 1, 2, tzinfo=UTC)),
        (datetime(2026, 1, 1, 2, tzinfo=UTC), datetime(2026, 1, 1, 2, tzinfo=UTC)),
    ],
    ids=["naive", "not whole", "empty"],
)
def test_a_window_that_is_not_whole_utc_hours_is_refused(start, end):
    with pytest.raises(ValueError, match="window"):
        Window(start, end)


@given(st.sets(HOURS, min_size=1, max_size=60))
def test_windows_hold_exactly_the_hours_given(hours):
    windows = windows_of(list(hours))
    assert sorted(hour for window in windows for hour in window.hours) == sorted(hours)
    assert all(one.end < next_.start for one, next_ in pairwise(windows))


@given(HOURS, st.integers(1, 400), st.integers(1, 100))
def test_chunks_cover_a_window_without_overlap(start, length, size):
    window = Window(start, start + HOUR * length)
    chunks = list(window.chunks(size))
    assert [hour for chunk in chunks for hour in chunk.hours] == window.hours
    assert all(len(chunk.hours) <= size for chunk in chunks)
