"""`coin-platform run` where something is amiss: what it says, and how it ends."""

import signal
import time
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import LiteralString

import pytest

from coin_platform.home import in_use, open_instance
from coin_platform.partitions import floor_hour, instant_text, utc_now
from coin_platform.resources.database import open_database
from coin_platform.settings import load
from coin_platform_tests.end_to_end.support import Home

WAIT_SECONDS = 60
LOSE_QUOTES = """
CREATE FUNCTION lose() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE TRIGGER lose BEFORE INSERT ON market.coin_quotes FOR EACH ROW EXECUTE FUNCTION lose();
"""


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    home = Home(tmp_path / "home")
    yield home
    home.call("stop", "--force")


def statuses(home: Home) -> dict[str, int]:
    """How many runs of each status the home's Dagster has recorded."""
    settings = load(home=home.path)
    with in_use(settings), open_instance(settings) as instance:
        return dict(Counter(run.status.value for run in instance.get_runs()))


def in_database(home: Home, statement: LiteralString) -> None:
    settings = load(home=home.path)
    database = open_database(settings)
    with in_use(settings):
        database.migrate()
        with database.connect() as connection:
            connection.execute(statement)


@pytest.mark.slow
def test_a_failed_blocking_check_fails_the_run_by_name_until_its_cause_is_mended(
    home: Home,
) -> None:
    """The database loses new quotes without an error, as a trigger of somebody's may have it."""
    in_database(home, LOSE_QUOTES)
    failed = home.call("run", "--hours", "1", "--coins", "20")
    assert failed.returncode == 1
    assert "\ndatabase/coin_quotes: has_rows: 0 rows\n" in failed.stdout
    assert "Traceback" not in failed.stdout + failed.stderr
    assert home.processes() == {}

    in_database(home, "DROP FUNCTION lose CASCADE")
    mended = home.run("--hours", "1", "--coins", "20")
    assert mended["checks"]["failures"] == []
    assert mended["errors"] == {}
    assert mended["hours"], "a failed hour is not taken as done"
    assert mended["tables"]["processed/coin_quotes"]["rows"] == 20 * len(mended["hours"])


@pytest.mark.slow
def test_a_run_killed_midway_is_marked_failed_by_the_next_which_does_its_hour(
    home: Home,
) -> None:
    process = home.start("run", "--hours", "1", "--coins", "20")
    raw = home.path / "lake" / "raw" / "market" / "coin_quotes"
    deadline = time.monotonic() + WAIT_SECONDS
    while not raw.exists():
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.communicate()

    assert len(home.run("--hours", "1", "--coins", "20")["hours"]) == 1
    assert statuses(home) == {"FAILURE": 1, "SUCCESS": 3}  # hour, day, page


def test_a_grid_that_starts_in_the_future_is_refused_by_the_settings_name(tmp_path: Path) -> None:
    start = floor_hour(utc_now()) + timedelta(hours=1)
    home = Home(tmp_path / "home", {"COIN_PLATFORM_START": instant_text(start)})
    done = home.call("run")
    assert done.returncode == 2
    assert "COIN_PLATFORM_START" in done.stderr
    assert instant_text(start) in done.stderr
    assert not home.path.exists()


def test_a_misspelt_variable_is_warned_of_once_and_stdout_stays_json(tmp_path: Path) -> None:
    home = Home(tmp_path / "home", {"COIN_PLATFORM_SORUCE": "coinmarketcap"})
    told = home.call("run", "--json", "--source", "replay:/no/such/file")
    assert told.stderr.count("COIN_PLATFORM_SORUCE") == 1
    assert "is COIN_PLATFORM_SOURCE meant?" in told.stderr
    assert told.stdout.startswith("{")
