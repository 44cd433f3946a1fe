"""`coin-platform replication`: the task, as the DMS console would show it."""

import time

import click
from rich.markup import escape
from rich.table import Table

from coin_platform import home
from coin_platform.cli.console import console
from coin_platform.errors import PermanentError
from coin_platform.resources.database import open_database
from coin_platform.resources.replication import open_replication
from coin_platform.resources.replication.assessment import next_start_type
from coin_platform.settings import Settings, load

LOADED = 100


@click.group("replication")
def command() -> None:
    """Look at, start, stop or reload the replication task from PostgreSQL to raw."""


@command.command("status")
def status() -> None:
    """Show the task's state and each table's statistics."""
    show(load())


@command.command("start")
def start() -> None:
    """Start the task, or resume it after the last change it delivered.

    A task of type cdc delivers only what is written after its first start.
    """
    settings = load()
    open_database(settings).migrate()
    replication = open_replication(settings)
    start_type = next_start_type(replication.describe())
    if start_type is not None:
        if settings.env == "aws" and start_type == "start-replication":
            click.echo("What DMS lacks is made first; an instance takes a quarter of an hour.")
        replication.start(start_type)
    show(settings)
    click.echo(
        "It runs until `coin-platform stop` or until the last user of the home is done."
        if settings.env == "local"
        else "It runs until `coin-platform replication stop`, or a full load's end."
    )


@command.command("stop")
def stop() -> None:
    """Stop the task in an orderly way; PostgreSQL goes on."""
    settings = load()
    open_replication(settings).stop()
    show(settings)


@command.command("reload")
def reload() -> None:
    """Load every table anew and wait for it: after a lost slot, a TRUNCATE or a table error.

    A task of type cdc only starts capturing anew.
    """
    settings = load()
    with home.in_use(settings):
        open_database(settings).migrate()
        replication = open_replication(settings)
        replication.stop()
        first = replication.describe().status == "ready"
        replication.start("start-replication" if first else "reload-target")
        while (task := replication.describe()).status in ("starting", "running"):
            loaded = task.full_load_progress_percent == LOADED or task.migration_type == "cdc"
            # While it starts, what it says is that of its former run.
            if loaded and task.status == "running":
                break
            time.sleep(replication.poll_seconds)
        show(settings)
        if task.status == "failed":
            raise PermanentError(f"the load failed: {task.last_failure_message}")


def show(settings: Settings) -> None:
    replication = open_replication(settings)
    task = replication.describe()
    out = console()
    out.print(f"task {task.identifier} ({task.migration_type}): {task.status}")
    for line in (task.stop_reason, task.last_failure_message):
        if line:
            out.print(f"  {escape(line)}")
    table = Table("table", "state", "loaded", "inserts", "updates", "deletes", "ddls", "note")
    for column in table.columns:
        column.overflow = "fold"  # a name is never cut, however narrow the terminal
    for row in replication.table_statistics():
        table.add_row(
            f"{row.schema_name}.{row.table_name}",
            row.table_state,
            *(
                f"{n:,}"
                for n in (row.full_load_rows, row.inserts, row.updates, row.deletes, row.ddls)
            ),
            escape(row.last_error or ""),
        )
    out.print(table)
