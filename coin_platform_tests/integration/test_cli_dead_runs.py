"""Runs whose process is gone: marked as failed, and no others."""

import logging
import os
import subprocess
import sys
from collections.abc import Iterator

import dagster as dg
import pytest

from coin_platform.running.execute import (
    PROCESS,
    UNFINISHED,
    bury_dead_runs,
    execute,
    identity,
    observing_logger,
)


@pytest.fixture
def instance(instance: dg.DagsterInstance) -> Iterator[dg.DagsterInstance]:
    yield instance
    for run in instance.get_runs():
        instance.delete_run(run.run_id)


@pytest.fixture
def another_process() -> Iterator["subprocess.Popen[str]"]:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, text=True) as p:
        yield p
        p.kill()


def started_by(
    instance: dg.DagsterInstance, process: str | None, status: dg.DagsterRunStatus
) -> str:
    """Record a run as one that a process left in a status; its id."""
    tags = {} if process is None else {PROCESS: process}
    return instance.add_run(dg.DagsterRun("hour", status=status, tags=tags)).run_id


def status(instance: dg.DagsterInstance, run_id: str) -> dg.DagsterRunStatus:
    run = instance.get_run_by_id(run_id)
    assert run is not None
    return run.status


STARTED, FAILURE = dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.FAILURE


@pytest.mark.parametrize("left", UNFINISHED, ids=lambda status: status.value)
def test_a_run_of_a_dead_process_is_marked_failed_in_whatever_status_it_left_it(
    instance: dg.DagsterInstance,
    another_process: "subprocess.Popen[str]",
    left: dg.DagsterRunStatus,
) -> None:
    run = started_by(instance, identity(another_process.pid), left)
    assert bury_dead_runs(instance) == 0
    assert status(instance, run) == left
    another_process.kill()
    another_process.wait()
    assert bury_dead_runs(instance) == 1
    assert status(instance, run) == FAILURE
    assert bury_dead_runs(instance) == 0


def test_a_killed_process_that_its_parent_has_not_noticed_is_dead(
    instance: dg.DagsterInstance, another_process: "subprocess.Popen[str]"
) -> None:
    run = started_by(instance, identity(another_process.pid), STARTED)
    another_process.kill()
    os.waitid(os.P_PID, another_process.pid, os.WEXITED | os.WNOWAIT)  # it stays a zombie
    assert bury_dead_runs(instance) == 1
    assert status(instance, run) == FAILURE


def test_another_process_with_the_id_of_a_dead_one_does_not_keep_its_run_alive(
    instance: dg.DagsterInstance, another_process: "subprocess.Popen[str]"
) -> None:
    of_another_start = str(identity(another_process.pid)).rpartition("/")[0] + "/1"
    run = started_by(instance, of_another_start, STARTED)
    assert bury_dead_runs(instance) == 1
    assert status(instance, run) == FAILURE


def test_runs_of_this_process_and_of_other_hosts_are_left_alone(
    instance: dg.DagsterInstance,
) -> None:
    own = started_by(instance, identity(os.getpid()), STARTED)
    elsewhere = started_by(instance, "another-host/1/1", STARTED)
    assert bury_dead_runs(instance, all_without_process=True) == 0
    assert status(instance, own) == status(instance, elsewhere) == STARTED


def test_a_run_that_names_no_process_is_dead_if_the_caller_says_so(
    instance: dg.DagsterInstance,
) -> None:
    run = started_by(instance, None, STARTED)
    assert bury_dead_runs(instance) == 0
    assert status(instance, run) == STARTED
    assert bury_dead_runs(instance, all_without_process=True) == 1
    assert status(instance, run) == FAILURE


def test_runs_that_have_ended_are_history(
    instance: dg.DagsterInstance, another_process: "subprocess.Popen[str]"
) -> None:
    process = identity(another_process.pid)
    another_process.kill()
    another_process.wait()
    run = started_by(instance, process, dg.DagsterRunStatus.SUCCESS)
    assert bury_dead_runs(instance, all_without_process=True) == 0
    assert status(instance, run) == dg.DagsterRunStatus.SUCCESS


def test_a_run_records_the_process_that_does_it(instance: dg.DagsterInstance) -> None:
    """Seen from within the run, whose process lives and is this one."""
    seen: list[str] = []

    @dg.op
    def look(context: dg.OpExecutionContext) -> None:
        seen.append(context.run.tags[PROCESS])
        assert bury_dead_runs(context.instance) == 0

    @dg.job
    def looking() -> None:
        look()

    class Nobody:
        def plan(self, steps: int) -> None: ...

        def record(self, record: logging.LogRecord) -> None: ...

    definitions = dg.Definitions(jobs=[looking], loggers={"observer": observing_logger(Nobody())})
    partitions = ["2026-05-01-10:00"]
    assert execute(definitions, instance, "looking", partitions, Nobody()).success
    assert seen == [identity(os.getpid())]
