"""The ways into Dagster's UI: `coin-platform dev`, `dagster dev` and `dg dev`, really started."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from coin_platform.contracts import curated, processed
from coin_platform.partitions import last_closed_hour, utc_now
from coin_platform_tests.end_to_end.graphql import Webserver, free_port
from coin_platform_tests.end_to_end.support import COMMAND, Home

REPOSITORY = Path(__file__).parents[2]
AUTOMATION = dict.fromkeys(
    ("load_closed_hour", "maintain_nightly", "replication", "refresh_curated"), "RUNNING"
)
STOPS_WITHIN_SECONDS = 60
LINGERS_SECONDS = 20  # less than the patience of a server that nobody asks any more


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    home = Home(tmp_path / "home", {"COIN_PLATFORM_COINS": "20"})
    yield home
    for process in home.processes():  # where the test failed
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
    home.call("stop", "--force")


def left_of(home: Home) -> dict[int, str]:
    """Processes of the home that do not end by themselves; some take a moment."""
    deadline = time.monotonic() + LINGERS_SECONDS
    while (left := home.processes()) and time.monotonic() < deadline:
        time.sleep(0.1)
    return left


@contextmanager
def started(command: list[str], port: int, log: Path, **options: Any) -> Iterator[Webserver]:
    """The command, once its webserver answers; then interrupted, with what it started itself.

    What is in a session of its own hears nothing of it, as with Ctrl+C in a terminal.
    """
    with log.open("w") as output:
        process = subprocess.Popen(
            command,
            stdout=output,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            **options,
        )
    try:
        webserver = Webserver(port, process)
        webserver.wait()
        yield webserver
        os.killpg(process.pid, signal.SIGINT)
        process.wait(STOPS_WITHIN_SECONDS)
    except BaseException:
        sys.stdout.write(log.read_text()[-5000:])  # shown when the test fails
        process.kill()
        process.wait()
        raise


@pytest.mark.slow
def test_dev_serves_an_empty_home_fills_it_on_request_and_leaves_nothing_running(
    home: Home, tmp_path: Path
) -> None:
    port = free_port()
    command = [*COMMAND, "dev", "--port", str(port)]
    options = {"env": home.environment, "cwd": tmp_path}
    with started(command, port, tmp_path / "dev.log", **options) as webserver:
        assert webserver.automation() == AUTOMATION
        second = home.call("dev", "--port", str(port))
        assert second.returncode == 2
        assert f"port {port} is taken" in second.stderr
        second = home.call("dev", "--port", str(free_port()))
        assert second.returncode == 2
        assert "another `coin-platform dev` runs" in second.stderr

        hour = last_closed_hour(utc_now())
        backfill = webserver.wait_for_backfill(
            webserver.materialize_all(hour.strftime("%Y-%m-%d-%H:%M"))
        )
        assert backfill["error"] is None
        assert backfill["status"] == "COMPLETED_SUCCESS"
        assert {run["status"] for run in backfill["runs"]} == {"SUCCESS"}
        quotes = home.table(processed.COIN_QUOTES)
        assert len(quotes[quotes["snapshot_hour"] == hour]) == 20
        assert hour.date() in set(home.table(curated.DAILY_COIN_PRICES)["day"])
    assert webserver.process.returncode == 0
    assert left_of(home) == {}


@pytest.mark.parametrize("command", ["dagster", "dg"])
@pytest.mark.slow
def test_dagsters_own_commands_serve_the_repository(
    command: str, home: Home, tmp_path: Path
) -> None:
    port = free_port()
    dagster_home = tmp_path / "dagster_home"
    dagster_home.mkdir()
    (dagster_home / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    environment = {
        **home.environment,
        "DAGSTER_HOME": str(dagster_home),
        "DAGSTER_DISABLE_TELEMETRY": "yes",
    }
    executable = str(Path(sys.executable).parent / command)
    arguments = [executable, "dev", "--host", "127.0.0.1", "--port", str(port)]
    options = {"env": environment, "cwd": REPOSITORY}
    with started(arguments, port, tmp_path / "dev.log", **options) as webserver:
        assert webserver.location()["name"] == "coin_platform"
        assert webserver.automation() == AUTOMATION
        assert {"path": ["processed", "coin_quotes"]} in webserver.materializable()
    assert left_of(home) == {}
