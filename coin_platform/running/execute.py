"""Runs of jobs in this process, on the home's Dagster instance, with progress as they go."""

import logging
import os
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import dagster as dg

PROCESS = "coin_platform/process"
UNFINISHED = [
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]


class Observer(Protocol):
    """Watches runs: told how many steps are coming, then every record of their logs."""

    def plan(self, steps: int) -> None: ...

    def record(self, record: logging.LogRecord) -> None: ...


def observing_logger(observer: Observer) -> dg.LoggerDefinition:
    """A Dagster logger that hands every record of a run to the observer."""

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            observer.record(record)

    @dg.logger(config_schema={})
    def observed(_: dg.InitLoggerContext) -> logging.Logger:
        # Not `getLogger`: a logger of the registry would keep the handlers of earlier runs.
        logger = logging.Logger("coin_platform.run", level=logging.DEBUG)  # noqa: LOG001
        logger.addHandler(Handler())
        return logger

    return observed


def execute(
    definitions: dg.Definitions,
    instance: dg.DagsterInstance,
    job: str,
    partitions: Sequence[str],
    observer: Observer,
) -> dg.ExecuteInProcessResult:
    """Run a job over consecutive partitions, if it has any, as one run; it holds failures."""
    tags = {PROCESS: str(identity(os.getpid()))}
    if partitions:
        tags["dagster/asset_partition_range_start"] = partitions[0]
        tags["dagster/asset_partition_range_end"] = partitions[-1]
    config: dict[str, Any] = {"loggers": {"observer": {}}}
    definition = definitions.resolve_job_def(job)
    observer.plan(len(definition.nodes))
    return definition.execute_in_process(
        run_config=config, instance=instance, tags=tags, raise_on_error=False
    )


def bury_dead_runs(instance: dg.DagsterInstance, *, all_without_process: bool = False) -> int:
    """Mark runs whose process is gone as failed; how many there were.

    A killed process leaves its run unfinished for ever, and the sensor would wait for it. Runs of
    the daemon's name no process; the caller says whether no daemon can be running them. A process
    of another host cannot be looked at from here, so its runs are left alone.
    """
    dead = 0
    for run in instance.get_runs(dg.RunsFilter(statuses=UNFINISHED)):
        process = run.tags.get(PROCESS)
        if all_without_process if process is None else is_gone(process):
            instance.report_run_failed(run, "its process was killed")
            # Else the next run would wait for ever for the pools that it held.
            instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)
            dead += 1
    return dead


def is_gone(process: str) -> bool:
    """Whether an identified process of this host has ended."""
    host, pid, _ = process.rsplit("/", 2)
    return host == socket.gethostname() and identity(int(pid)) != process


def identity(pid: int) -> str | None:
    """`host/pid/start` of a process, None if it has ended; its id may be used again, this is not.

    A process that has ended, but whose parent has not taken notice, is a zombie and has ended.
    """
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    # Behind the name, which may hold anything: the state, and 19 fields on the start in ticks.
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] in "ZX" else f"{socket.gethostname()}/{pid}/{fields[19]}"
