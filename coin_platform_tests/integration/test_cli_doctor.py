"""`coin-platform doctor`: every part is looked at, and what does not answer says how to mend it."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from coin_platform.cli import doctor
from coin_platform.contracts import curated
from coin_platform.resources.database import embedded_server
from coin_platform.resources.replication.state import TaskFolder
from coin_platform.settings import load, write_home
from coin_platform.simulator.faults import Fault
from coin_platform.simulator.server import SimulatedMarket
from coin_platform_tests.integration.cli_support import (
    CommandLine,
    Said,
    coin_platform,
    on_served_home,
    served_home,
)
from coin_platform_tests.integration.replication_support import wait_until

__all__ = ["coin_platform", "on_served_home", "served_home"]

PARTS = [*doctor.OUTSIDE, "home", *doctor.IN_THE_HOME]


def parts(said: Said) -> dict[str, dict[str, str]]:
    """What was said of each part, by mark (`ok`, `FAIL` or `--`); every part has one line."""
    lines = [line.split(maxsplit=2) for line in said.output.splitlines()]
    assert sorted(name for _, name, _ in lines) == sorted(PARTS)
    marked: dict[str, dict[str, str]] = {}
    for mark, name, text in lines:
        marked.setdefault(mark, {})[name] = text
    return marked


def assert_all_is_well(said: Said) -> None:
    assert list(parts(said)) == ["ok"]
    assert (said.code, said.errors) == (0, "")


def assert_only(said: Said, part: str, *words: str) -> None:
    """One part does not answer, and its one line holds the words; all others do."""
    found = parts(said)
    assert list(found["FAIL"]) == [part]
    assert set(found) == {"ok", "FAIL"}
    for word in words:
        assert word in found["FAIL"][part]
    assert (said.code, said.errors) == (1, "")


@contextmanager
def replaced(path: Path, text: str) -> Iterator[None]:
    """A file of this text instead of what was there, if anything was."""
    kept = path.with_name(f"{path.name}.kept")
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists():
        path.rename(kept)
    path.write_text(text)
    yield
    path.unlink()
    if kept.exists():
        kept.rename(path)


def test_in_an_empty_home_every_part_answers_and_nothing_is_left_running(
    coin_platform: CommandLine,
) -> None:
    said = coin_platform("doctor")
    assert_all_is_well(said)
    found = parts(said)["ok"]
    assert "holds nothing yet" in found["home"]
    assert "is ready" in found["replication"]
    assert "0 of" in found["lake"]
    assert "0 runs recorded" in found["dagster"]
    assert not embedded_server(coin_platform.settings).folder.alive()


def test_a_home_that_others_use_is_left_running(on_served_home: CommandLine) -> None:
    on_served_home("replication", "start")
    said = on_served_home("doctor")
    assert_all_is_well(said)
    assert "is running" in parts(said)["ok"]["replication"]
    assert embedded_server(on_served_home.settings).status()


def test_a_home_that_cannot_be_created_leaves_the_parts_outside_it_to_be_looked_at(
    coin_platform: CommandLine,
) -> None:
    coin_platform.path.write_text("a file")
    said = coin_platform("doctor")
    found = parts(said)
    assert "choose another COIN_PLATFORM_HOME" in found["FAIL"]["home"]
    assert list(found["--"]) == list(doctor.IN_THE_HOME)
    assert list(found["ok"]) == list(doctor.OUTSIDE)
    assert (said.code, said.errors) == (1, "")


def test_a_home_of_another_source_is_named(coin_platform: CommandLine) -> None:
    write_home(load(source="coinmarketcap"))
    coin_platform.patch.setenv("COIN_PLATFORM_SOURCE", "simulated")
    said = coin_platform("doctor")
    failure = parts(said)["FAIL"]["home"]
    assert "holds coinmarketcap data, not simulated" in failure
    assert "COIN_PLATFORM_SOURCE" in failure
    assert said.code == 1


def test_wrong_settings_are_named_instead_of_the_parts(coin_platform: CommandLine) -> None:
    coin_platform.patch.setenv("COIN_PLATFORM_COINS", "many")
    said = coin_platform("doctor")
    assert (said.code, said.output) == (2, "")
    assert "COIN_PLATFORM_COINS" in said.errors


def test_a_refused_key_is_the_sources_failure_and_is_not_shown(
    on_served_home: CommandLine,
) -> None:
    on_served_home.patch.setenv("COIN_PLATFORM_SOURCE", "coinmarketcap")
    on_served_home.patch.setenv("COINMARKETCAP_API_KEY", "secret-of-the-test")
    with SimulatedMarket(faults=[Fault(1001, times=9)]) as market:
        on_served_home.patch.setenv("COIN_PLATFORM_COINMARKETCAP_URL", market.url)
        said = on_served_home("doctor")
    assert_only(said, "source", "COINMARKETCAP_API_KEY")
    assert "secret-of-the-test" not in said.output


def test_a_disk_that_is_nearly_full_says_how_much_is_wanted(on_served_home: CommandLine) -> None:
    on_served_home.patch.setattr(doctor, "DISK_WANTED_GB", 10**9)
    assert_only(on_served_home("doctor"), "disk", "GB free", "1000000000 GB are wanted")


def test_an_engine_that_does_not_start_gives_its_reason(on_served_home: CommandLine) -> None:
    from coin_platform.resources.engine.sail import SAIL

    SAIL.stop()
    on_served_home.patch.setenv("SAIL_RUNTIME__MEMORY_POOL__TYPE", "no-such-pool")
    assert_only(on_served_home("doctor"), "engine", "no-such-pool")


def test_a_database_without_its_password_says_what_to_restore(coin_platform: CommandLine) -> None:
    server = embedded_server(coin_platform.settings)
    server.folder.create()
    server.folder.data.mkdir()
    said = coin_platform("doctor")
    found = parts(said)
    assert list(found["FAIL"]) == ["database", "dagster"]  # whose records are in it
    assert f"{server.folder.passfile} is missing" in found["FAIL"]["database"]
    assert "restore it" in found["FAIL"]["database"]
    assert (said.code, said.errors) == (1, "")


def test_a_database_whose_folder_is_a_file_says_so_in_its_turn(coin_platform: CommandLine) -> None:
    with replaced(coin_platform.path / "postgres", "a file"):
        said = coin_platform("doctor")
    found = parts(said)
    assert list(found["FAIL"]) == ["database", "dagster"]
    assert "COIN_PLATFORM_HOME" in found["FAIL"]["database"]
    assert said.code == 1


def test_a_task_whose_worker_was_killed_says_how_to_go_on(on_served_home: CommandLine) -> None:
    on_served_home("replication", "start")
    task = TaskFolder(on_served_home.path / "replication" / "task-01")
    worker = task.worker_pid()
    assert worker
    os.kill(worker, signal.SIGKILL)
    wait_until(lambda: not task.locked())
    said = on_served_home("doctor")
    assert_only(said, "replication", "died", "coin-platform replication start")
    assert "running" in on_served_home("replication", "start").output
    assert_all_is_well(on_served_home("doctor"))


def test_a_task_that_cannot_be_read_is_named(on_served_home: CommandLine) -> None:
    on_served_home("replication", "start")
    on_served_home("replication", "stop")
    task = on_served_home.path / "replication" / "task-01" / "task.json"
    with replaced(task, "{"):
        said = on_served_home("doctor")
    assert_only(said, "replication", f"{task} is not a task's state", "restore it")


def test_a_table_that_cannot_be_read_is_named_with_its_reason_in_one_line(
    on_served_home: CommandLine,
) -> None:
    table = on_served_home.path / "lake" / curated.TOP_PRICES.id
    log = table / "_delta_log" / f"{0:020}.json"
    with replaced(log, "{"):
        said = on_served_home("doctor")
    assert_only(said, "lake", str(table), "materialize")


def test_dagsters_folder_that_cannot_be_written_is_dagsters_failure(
    on_served_home: CommandLine,
) -> None:
    folder = on_served_home.path / "dagster"
    with replaced(folder, "a file"):
        said = on_served_home("doctor")
    assert_only(said, "dagster", str(folder))
