"""Which hours `coin-platform run` is asked for, and what it says of those it leaves out."""

from datetime import timedelta

import pytest

from coin_platform.cli.run import settings_and_hours
from coin_platform.errors import SettingsError
from coin_platform.partitions import HOUR, floor_hour, instant_text, utc_now
from coin_platform_tests.unit.test_cli_variables import clean_environment

__all__ = ["clean_environment"]


def start_grid(patch: pytest.MonkeyPatch, ago: timedelta) -> str:
    """The grid starts so long before the present hour; the start as it is shown."""
    start = instant_text(floor_hour(utc_now()) - ago)
    patch.setenv("COIN_PLATFORM_START", start)
    return start


def test_hours_before_the_grid_are_left_out_and_one_line_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    start = start_grid(monkeypatch, 3 * HOUR)
    _, hours = settings_and_hours(30, None, None)
    assert instant_text(hours[0]) == start
    output, errors = capsys.readouterr()
    assert output == ""
    assert errors == (
        f"{len(hours)} of 30 hours: the grid starts at {start}; COIN_PLATFORM_START moves it\n"
    )


def test_hours_that_the_grid_has_are_asked_for_without_a_word(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    start_grid(monkeypatch, 3 * HOUR)
    _, hours = settings_and_hours(3, None, None)
    assert len(hours) == 3
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("ahead", [0 * HOUR, 1 * HOUR, timedelta(days=400)])
def test_a_grid_of_which_no_hour_has_closed_is_refused_by_the_settings_name(
    ahead: timedelta, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = start_grid(monkeypatch, -ahead)
    with pytest.raises(SettingsError, match=rf"{start}.*COIN_PLATFORM_START to an earlier hour"):
        settings_and_hours(None, None, None)
