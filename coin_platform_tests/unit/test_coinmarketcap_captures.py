"""Captured answers as files: which hour they show, and what is wrong with those that are none."""

import json
from datetime import UTC, datetime

import pytest

from coin_platform.errors import SettingsError
from coin_platform.resources.coinmarketcap.replay import captures

COIN = {"id": 1, "name": "A", "symbol": "A", "slug": "a", "quote": {"USD": {"price": 1.0}}}


def write(path, timestamp="2021-06-29T00:23:45.130Z", **body):
    status = {"timestamp": timestamp, "error_code": 0}
    path.write_text(json.dumps({"status": status, "data": [COIN], **body}))
    return path


def test_a_capture_shows_the_hour_that_had_closed_last_when_it_was_taken(tmp_path):
    [capture] = captures(write(tmp_path / "one.json"))
    assert capture.taken_at == datetime(2021, 6, 29, 0, 23, 45, 130000, tzinfo=UTC)
    assert capture.hour == datetime(2021, 6, 28, 23, tzinfo=UTC)


def test_a_folder_is_read_in_time_order_whatever_its_files_are_called(tmp_path):
    write(tmp_path / "a.json", "2021-06-29T05:00:00Z")
    write(tmp_path / "b.json", "2021-06-29T02:00:00Z")
    (tmp_path / "README.md").write_text("not a capture")
    assert [capture.path.name for capture in captures(tmp_path)] == ["b.json", "a.json"]


@pytest.mark.parametrize(
    ("content", "wrong"),
    [
        ("not json", "is not JSON"),
        ("[1]", "no object status"),
        ("{}", "no object status"),
        ('{"status": {"timestamp": "2021-06-29T00:00:00Z"}, "data": []}', "lists no coins"),
        ('{"status": {"timestamp": "2021-06-29T00:00:00Z"}}', "lists no coins"),
        (
            '{"status": {"error_code": "1008", "error_message": "slow"}}',
            "error_code '1008', 'slow'",
        ),
        ('{"status": {}, "data": [{"id": 1}]}', "status.timestamp"),
        ('{"status": {"timestamp": "yesterday"}, "data": [{"id": 1}]}', "'yesterday'"),
    ],
)
def test_a_file_that_is_no_capture_is_named_with_what_is_wrong(tmp_path, content, wrong):
    file = tmp_path / "bad.json"
    file.write_text(content)
    for path in (file, tmp_path):
        with pytest.raises(SettingsError) as raised:
            captures(path)
        assert str(file) in str(raised.value)
        assert wrong in str(raised.value)


def test_a_missing_path_and_an_empty_folder_are_named(tmp_path):
    with pytest.raises(SettingsError, match=r"none\.json cannot be read"):
        captures(tmp_path / "none.json")
    with pytest.raises(SettingsError, match="holds no captured answer"):
        captures(tmp_path)
