"""Leaving a home: the last user stops its services, and nothing it meets hides the work done."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from coin_platform import home
from coin_platform.resources.database import embedded_server
from coin_platform_tests.integration.cli_support import CommandLine, coin_platform

__all__ = ["coin_platform"]

USER = """
import sys
from coin_platform import home
from coin_platform.settings import load
with home.in_use(load()):
    print("in use", flush=True)
    sys.stdin.read()
"""


@contextmanager
def another_user() -> Iterator["subprocess.Popen[str]"]:
    """A process that uses the home until it is told to leave."""
    with subprocess.Popen(
        [sys.executable, "-c", USER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "in use\n"
        yield process
        process.communicate()


def unreadable_task(path: Path) -> None:
    task = path / "replication" / "task-01" / "task.json"
    task.parent.mkdir(parents=True)
    task.write_text("{")


def test_nothing_to_stop_is_said_so(coin_platform: CommandLine) -> None:
    said = coin_platform("stop")
    assert (said.code, said.output) == (0, "nothing was running\n")


def test_what_a_kill_left_running_is_stopped(coin_platform: CommandLine) -> None:
    coin_platform("replication", "start")
    with another_user() as process:
        process.send_signal(signal.SIGKILL)
    said = coin_platform("stop")
    assert (said.code, said.output) == (0, "stopped the replication task\nstopped PostgreSQL\n")
    assert not embedded_server(coin_platform.settings).folder.alive()


def test_a_home_that_another_process_uses_is_stopped_by_force_only(
    coin_platform: CommandLine,
) -> None:
    server = embedded_server(coin_platform.settings)
    with another_user():
        server.ensure_running()
        said = coin_platform("stop")
        assert (said.code, said.output) == (1, "")
        assert "--force" in said.errors
        assert server.status()
        assert coin_platform("stop", "--force").output == "stopped PostgreSQL\n"
        assert not server.folder.alive()


def test_the_work_survives_services_that_cannot_be_stopped_and_the_way_out_is_told(
    coin_platform: CommandLine,
) -> None:
    server = embedded_server(coin_platform.settings)
    server.ensure_running()
    unreadable_task(coin_platform.path)
    with home.in_use(coin_platform.settings):
        result = "the run's report"
    assert result
    errors = coin_platform.capture.readouterr().err
    assert "task.json is not a task's state" in errors
    assert "`coin-platform stop` ends them" in errors
    assert not server.folder.alive()


def test_services_that_cannot_be_stopped_hide_no_error_of_the_work(
    coin_platform: CommandLine,
) -> None:
    unreadable_task(coin_platform.path)
    with pytest.raises(ZeroDivisionError), home.in_use(coin_platform.settings):
        _ = 1 / 0
    assert "task.json" in coin_platform.capture.readouterr().err
