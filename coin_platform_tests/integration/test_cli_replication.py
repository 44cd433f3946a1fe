"""`coin-platform replication`: what it shows and does, on a real task and its PostgreSQL."""

import os
import signal

import pytest

from coin_platform.resources.database import embedded_server, open_database
from coin_platform.resources.replication import open_replication
from coin_platform.resources.replication.state import TaskFolder
from coin_platform_tests.integration.cli_support import (
    CommandLine,
    coin_platform,
    on_served_home,
    served_home,
)
from coin_platform_tests.integration.market_frames import H0, coins, quotes
from coin_platform_tests.integration.replication_support import wait_until

__all__ = ["coin_platform", "on_served_home", "served_home"]

HEADINGS = ["table", "state", "loaded", "inserts", "updates", "deletes", "ddls", "note"]


def table_of(output: str) -> list[list[str]]:
    """The cells of the table's lines."""
    lines = [line.strip() for line in output.splitlines()]
    rows = [line for line in lines if line.startswith(("┃", "│"))]
    return [[cell.strip() for cell in row[1:-1].replace("┃", "│").split("│")] for row in rows]


def worker(command_line: CommandLine) -> int:
    return int((command_line.path / "replication" / "task-01" / "lock").read_text())


def kill_worker(command_line: CommandLine) -> None:
    task = TaskFolder(command_line.path / "replication" / "task-01")
    os.kill(worker(command_line), signal.SIGKILL)
    wait_until(lambda: not task.locked())


@pytest.fixture
def loaded(on_served_home: CommandLine) -> CommandLine:
    """The command line on a home whose task has loaded two quotes and runs."""
    database = open_database(on_served_home.settings)
    database.migrate()
    with database.connect() as connection:
        connection.execute("TRUNCATE market.coins, market.coin_quotes")
    database.upsert(coins(H0, 1, 2), quotes(H0, 1, 2))
    assert on_served_home("replication", "reload").code == 0
    return on_served_home


def test_the_status_of_a_new_home_is_ready_and_starts_nothing(coin_platform: CommandLine) -> None:
    said = coin_platform("replication", "status")
    assert (said.code, said.errors) == (0, "")
    assert "(full-load-and-cdc): ready" in said.output
    assert not (coin_platform.path / "postgres").exists()


def test_the_status_shows_each_table_and_cuts_no_name(loaded: CommandLine) -> None:
    loaded.patch.setenv("COLUMNS", "40")
    said = loaded("replication", "status")
    headings, quotes_row, coins_row = table_of(said.output)
    assert headings == HEADINGS
    assert quotes_row[:3] == ["market.coin_quotes", "Table completed", "2"]
    assert coins_row[:3] == ["market.coins", "Table completed", "2"]
    assert "…" not in said.output


def test_a_started_task_runs_until_it_is_stopped_and_postgresql_goes_on(
    on_served_home: CommandLine,
) -> None:
    on_served_home("replication", "stop")
    said = on_served_home("replication", "start")
    assert said.code == 0
    assert ": running" in said.output
    assert "coin-platform stop" in said.output
    task = TaskFolder(on_served_home.path / "replication" / "task-01")
    pid = worker(on_served_home)
    assert task.locked()

    again = on_served_home("replication", "start")
    assert again.code == 0
    assert worker(on_served_home) == pid

    stopped = on_served_home("replication", "stop")
    assert stopped.code == 0
    assert ": stopped" in stopped.output
    assert "Stop Reason NORMAL" in stopped.output
    assert not task.locked()
    assert embedded_server(on_served_home.settings).status()
    assert on_served_home("replication", "stop").code == 0


def test_a_task_that_died_says_why_and_is_resumed_by_start(loaded: CommandLine) -> None:
    kill_worker(loaded)
    said = loaded("replication", "status")
    assert said.code == 0
    assert ": failed" in said.output
    assert "died while the task was running" in said.output
    assert ": running" in loaded("replication", "start").output


def test_a_reload_loads_every_table_anew(loaded: CommandLine) -> None:
    open_database(loaded.settings).upsert(coins(H0, 3), quotes(H0, 1, 2, 3))
    said = loaded("replication", "reload")
    assert said.code == 0
    loaded_rows = {row[0]: row[2] for row in table_of(said.output)[1:]}
    assert loaded_rows == {"market.coin_quotes": "3", "market.coins": "3"}


def test_a_load_that_fails_says_so_and_exits_1(loaded: CommandLine) -> None:
    raw = loaded.path / "lake" / "raw"
    raw.rename(raw.with_suffix(".kept"))
    raw.write_text("a file")
    try:
        said = loaded("replication", "reload")
    finally:
        raw.unlink()
        raw.with_suffix(".kept").rename(raw)
    assert said.code == 1
    assert "the load failed" in said.errors
    assert "Traceback" not in said.errors
    assert open_replication(loaded.settings).describe().status == "failed"


def test_a_command_that_is_not_there_names_those_that_are(on_served_home: CommandLine) -> None:
    said = on_served_home("replication", "restart")
    assert said.code == 2
    assert "restart" in said.errors
    usage = on_served_home("replication", "--help").output
    assert all(name in usage for name in ("status", "start", "stop", "reload"))
