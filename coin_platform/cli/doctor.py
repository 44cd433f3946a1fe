"""`coin-platform doctor`: whether each configured part answers, and how to mend what does not."""

import os
import shutil
from collections.abc import Callable

import click

from coin_platform import home
from coin_platform.errors import PlatformError
from coin_platform.settings import Settings, load

GIGABYTE = 1024**3
DISK_WANTED_GB = 2


def check_settings(settings: Settings) -> str:
    return f"{settings.env}, {settings.source}, grid from {settings.start:%Y-%m-%d %H:%M}Z"


def check_home(settings: Settings) -> str:
    try:
        settings.home.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise PlatformError(
            f"{settings.home} cannot be created ({error.strerror}): "
            "choose another COIN_PLATFORM_HOME"
        ) from error
    if not os.access(settings.home, os.W_OK):
        raise PlatformError(f"{settings.home} is not writable: choose another COIN_PLATFORM_HOME")
    held = home.held_source(settings)
    if held not in (None, settings.source_kind):
        raise PlatformError(
            f"{settings.home} holds {held} data, not {settings.source_kind}: "
            "set COIN_PLATFORM_HOME to another folder, or COIN_PLATFORM_SOURCE to what it holds"
        )
    return f"{settings.home}, holds {held or 'nothing yet'}"


def check_disk(settings: Settings) -> str:
    free = shutil.disk_usage(settings.home).free / GIGABYTE
    if free < DISK_WANTED_GB:
        raise PlatformError(
            f"{free:.1f} GB free under {settings.home}: free some or move COIN_PLATFORM_HOME; "
            f"{DISK_WANTED_GB} GB are wanted"
        )
    return f"{free:.0f} GB free"


def check_source(settings: Settings) -> str:
    from coin_platform.resources.coinmarketcap import open_source

    with open_source(settings) as source:
        plan = source.plan()
        oldest = source.oldest_hour()
    credits_ = "" if plan.credits_left is None else f", {plan.credits_left:,} credits left"
    since = "any hour" if oldest is None else f"hours since {oldest:%Y-%m-%d %H:%M}Z"
    return f"{plan.name}{credits_}, serves {since}"


def check_database(settings: Settings) -> str:
    from coin_platform.resources.database import open_database

    database = open_database(settings)
    database.migrate()
    return database.probe()


def check_replication(settings: Settings) -> str:
    from coin_platform.delivery import MAPPED_TABLES
    from coin_platform.resources.replication import open_replication
    from coin_platform.resources.replication.assessment import assess

    replication = open_replication(settings)
    task = replication.describe()
    assessment = assess(task, replication.table_statistics(), MAPPED_TABLES, None)
    if assessment.verdict == "failed" and task.stop_reason != "Stop Reason NORMAL":
        raise PlatformError(
            f"task {task.identifier}: {assessment.reason}: "
            "`coin-platform replication start` resumes it, `… reload` loads everything anew"
        )
    return f"task {task.identifier} ({task.migration_type}) is {task.status}"


def check_engine(settings: Settings) -> str:
    from coin_platform.resources.engine import open_engine

    return open_engine(settings).probe()


def check_lake(settings: Settings) -> str:
    from coin_platform.defs.tables import TABLES
    from coin_platform.resources.lake import open_lake

    lake = open_lake(settings)
    tables = [table for table in TABLES if table.layer in ("processed", "curated")]
    details = []
    for table in tables:
        try:
            details.append(lake.detail(table))
        except Exception as error:
            raise PlatformError(
                f"{lake.uri(table)} cannot be read ({first_line(error)}): "
                "remove that folder and materialize the table's partitions again in the UI"
            ) from error
    there = [detail for detail in details if detail is not None]
    rows = sum(detail.rows for detail in there)
    return f"{lake.url}, {len(there)} of {len(tables)} tables, {rows:,} rows"


def check_dagster(settings: Settings) -> str:
    import dagster as dg

    with home.open_instance(settings) as instance:
        return f"dagster {dg.__version__}, {instance.get_runs_count():,} runs recorded"


Check = Callable[[Settings], str]
OUTSIDE: dict[str, Check] = {
    "settings": check_settings,
    "source": check_source,
    "engine": check_engine,
}
IN_THE_HOME: dict[str, Check] = {
    "disk": check_disk,
    "database": check_database,
    "replication": check_replication,
    "lake": check_lake,
    "dagster": check_dagster,
}


@click.command("doctor")
def command() -> int:
    """Say, part by part, whether it answers, and how to mend what does not.

    Starts what a run would start and stops it again. Exit code 1 if anything does not answer.
    """
    settings = load()
    inside = IN_THE_HOME
    well = []
    if settings.env == "aws":
        from coin_platform.cli.doctor_aws import CHECKS

        well = [answers(name, check, settings) for name, check in CHECKS.items()]
        inside = {name: check for name, check in IN_THE_HOME.items() if name != "disk"}
    well += [answers(name, check, settings) for name, check in OUTSIDE.items()]
    well.append(answers("home", check_home, settings))
    if not well[-1]:
        for name in inside:
            click.echo(f"--   {name:15} not looked at, since it is in the home")
        return 1
    try:  # not `in_use`: where that cannot begin, the parts below say why
        well += [answers(name, check, settings) for name, check in inside.items()]
    finally:
        home.leave(settings)
    return 0 if all(well) else 1


def answers(name: str, check: Check, settings: Settings) -> bool:
    """Look at a part and print a line on it; whether all is well."""
    try:
        found = check(settings)
    except Exception as error:  # noqa: BLE001  whatever it is, the others are looked at
        reason = str(error) if isinstance(error, PlatformError) else first_line(error)
        click.echo(f"{click.style('FAIL', fg='red')} {name:15} {reason}")
        return False
    click.echo(f"{click.style('ok  ', fg='green')} {name:15} {found}")
    return True


def first_line(error: Exception) -> str:
    """What an error says, without the traces that some libraries append."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]
