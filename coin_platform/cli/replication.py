"""`coin-platform replication`: the task, as the DMS console would show it."""

import click
from rich.console import Console
from rich.table import Table

from coin_platform import home
from coin_platform.resources.database import open_database
from coin_platform.resources.replication import open_replication
from coin_platform.settings import Settings, load


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
    first = replication.describe().status == "ready"
    replication.start("start-replication" if first else "resume-processing")
    show(settings)
    click.echo("It runs until `coin-platform stop` or until the last user of the home is done.")


@command.command("stop")
def stop() -> None:
    """Stop the task in an orderly way; PostgreSQL goes on."""
    settings = load()
    open_replication(settings).stop()
    show(settings)


@command.command("reload")
def reload() -> None:
    """Load every table anew: after a lost slot, a TRUNCATE or a table error."""
    settings = load()
    with home.in_use(settings):
        open_database(settings).migrate()
        replication = open_replication(settings)
        replication.stop()
        replication.start("reload-target")
        show(settings)


def show(settings: Settings) -> None:
    replication = open_replication(settings)
    task = replication.describe()
    console = Console(highlight=False)
    console.print(f"task {task.identifier} ({task.migration_type}): {task.status}")
    for line in (task.stop_reason, task.last_failure_message):
        if line:
            console.print(f"  {line}")
    table = Table("table", "state", "loaded", "inserts", "updates", "deletes", "ddls", "note")
    for row in replication.table_statistics():
        table.add_row(
            f"{row.schema_name}.{row.table_name}",
            row.table_state,
            *(
                f"{n:,}"
                for n in (row.full_load_rows, row.inserts, row.updates, row.deletes, row.ddls)
            ),
            row.last_error or "",
        )
    console.print(table)
