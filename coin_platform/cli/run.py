"""`coin-platform run`: the hours that closed last, from the API to curated tables."""

import json
import logging
import os
import signal
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from coin_platform.cli.console import console
from coin_platform.errors import PlatformError, SettingsError
from coin_platform.partitions import floor_day, instant_text, last_closed_hour
from coin_platform.settings import MOST_COINS, Settings, environment, load

DEFAULT_HOURS = 24


@click.command("run")
@click.option("--hours", type=click.IntRange(1), help="Closed hours to have; default 24.")
@click.option("--coins", type=click.IntRange(1, MOST_COINS), help="Coins to ask for; default 500.")
@click.option(
    "--source",
    metavar="SOURCE",
    help="simulated (default), coinmarketcap, or replay:FILE_OR_DIR.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object and nothing else.")
def command(hours: int | None, coins: int | None, source: str | None, as_json: bool) -> int:
    """Materialize the hours that closed last, from the API to curated tables.

    Hours that are there already are left alone. The live API needs a key in
    COINMARKETCAP_API_KEY for more than the hour that closed last. A replay materializes the hour
    of each capture.

    \b
    coin-platform run --hours 6 --coins 100
    coin-platform run --source coinmarketcap --hours 1
    coin-platform run --source replay:captures/
    """  # noqa: D301  click wants the character itself
    if not as_json:
        return run(hours, coins, source, as_json=False)
    try:
        return run(hours, coins, source, as_json=True)
    except PlatformError as error:
        click.echo(json.dumps({"hours": [], "tables": {}, "errors": {"run": str(error)}}))
        raise


def run(hours: int | None, coins: int | None, source: str | None, *, as_json: bool) -> int:
    """Do it and report; the exit code."""
    started = time.monotonic()
    settings, asked = settings_and_hours(hours, coins, source)
    use(settings)
    # Only now: the code location reads the settings when it is imported.
    from coin_platform.running.session import run_hours

    out = console(stderr=as_json)
    signal.signal(signal.SIGTERM, signal.getsignal(signal.SIGINT))  # ended, not cut off
    bar = Bar(out, quiet=not out.is_terminal)
    with bar.progress:
        report = run_hours(settings, asked, bar)
    report.seconds = time.monotonic() - started
    if as_json:
        click.echo(json.dumps(report.as_json()))
    else:
        show(out, report, settings)
    return 0 if report.succeeded else 1


def settings_and_hours(
    hours: int | None, coins: int | None, source: str | None
) -> tuple[Settings, list[datetime]]:
    """What to do, checked before anything starts. Raises `SettingsError` for what cannot be had."""
    from coin_platform.resources.coinmarketcap import open_source
    from coin_platform.running.hours import closed_hours

    settings = load(coins=coins, source=source)
    if settings.source_kind == "replay":
        from coin_platform.resources.coinmarketcap.replay import captures

        held = sorted(
            {capture.hour for capture in captures(Path(settings.source.partition(":")[2]))}
        )
        start = min(settings.start, floor_day(held[0]))
        return load(coins=coins, source=source, start=start), held[-hours:] if hours else held
    with open_source(settings) as quotes:
        oldest = quotes.oldest_hour()
        wanted = hours or DEFAULT_HOURS
        asked = closed_hours(settings.start, last_closed_hour(quotes.now()), wanted)
    if not asked:
        raise SettingsError(
            f"no hour has closed since {instant_text(settings.start)}, where the grid starts: "
            "set COIN_PLATFORM_START to an earlier hour"
        )
    if oldest and asked[0] < oldest:
        raise SettingsError(
            f"{len(asked)} hours were asked for, but {settings.source} "
            f"{'with this plan' if settings.coinmarketcap_api_key else 'without a key'} "
            f"serves none before {instant_text(oldest)}: use --hours "
            f"{sum(hour >= oldest for hour in asked)}"
            + ("" if settings.coinmarketcap_api_key else ", or set COINMARKETCAP_API_KEY")
        )
    if len(asked) < wanted:
        click.echo(
            f"{len(asked)} of {wanted} hours: the grid starts at {instant_text(settings.start)}; "
            "COIN_PLATFORM_START moves it",
            err=True,
        )
    return settings, asked


def use(settings: Settings) -> None:
    """Make these settings those of the whole process and what it starts."""
    os.environ.update(environment(settings))
    os.environ.setdefault("DAGSTER_EVENT_BATCH_SIZE", "1000")  # a range has events by the hour
    os.environ.pop("PGPASSWORD", None)  # it would win over the home's own password file


class Bar:
    """A bar over the steps of the runs, with the newest message beside it."""

    def __init__(self, console: Console, *, quiet: bool) -> None:
        self.progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            TextColumn("{task.completed:.0f}/{task.total:.0f} steps"),
            TimeElapsedColumn(),
            TextColumn("[dim]{task.fields[note]}"),
            console=console,
            disable=quiet,
        )
        self.task = self.progress.add_task("starting", total=0, note="")

    def plan(self, steps: int) -> None:
        self.progress.update(self.task, total=(self.progress.tasks[0].total or 0) + steps)

    def record(self, record: logging.LogRecord) -> None:
        event = getattr(record, "dagster_meta", {}).get("dagster_event")
        if event is None:
            self.progress.update(
                self.task, note=escape(record.getMessage().rpartition(" - ")[2][:70])
            )
        elif event.is_step_start:
            self.progress.update(self.task, description=str(event.step_key), note="")
        elif event.is_step_success or event.is_step_failure:
            self.progress.advance(self.task)


def show(out: Console, report: Any, settings: Settings) -> None:
    """A table per layer, then what failed, then where to look next."""
    from coin_platform.resources.lake import open_lake
    from coin_platform.running.report import layers

    for layer in layers(report.tables) if report.did_anything else []:
        table = Table(
            "table", "rows", "files", "checks", "seconds", title=layer, title_justify="left"
        )
        for column in table.columns[1:]:
            column.justify = "right"
        for id_, of in report.tables.items():
            if not id_.startswith(f"{layer}/"):
                continue
            checks = f"{of.passed} passed" + (f", [red]{of.failed} failed[/]" if of.failed else "")
            table.add_row(
                id_.partition("/")[2],
                f"{of.rows:,}",
                "" if of.files is None else f"{of.files:,}",
                checks if of.passed or of.failed else "",
                f"{of.seconds:.1f}",
            )
        out.print(table)
    for found in [*report.failures, *report.warnings]:
        text = escape(found["description"])
        out.print(f"[yellow]{found['asset']}: {found['check']}[/]: {text}")
    for run_id, reason in report.failed_runs.items():
        out.print(f"[red]run {run_id[:8]} failed[/]: {escape(reason)}")
    done, there = len(report.hours), len(report.present)
    out.print(f"\n{done} hours done, {there} were there already, {report.seconds:.1f} s.")
    out.print(f"Lake    {open_lake(settings).url}")
    show_page(out, report)
    out.print("Next    coin-platform dev: the same in the Dagster UI, hour by hour from now on")


def show_page(out: Console, report: Any) -> None:
    """Where the market page is, or why it is not there or not of now."""
    if report.page is None:
        return
    if report.page.release:
        out.print(f"Page    {report.page.address}   (coin-platform open)")
    told = " ".join(report.failed_runs.values())
    for reason in report.page.held:
        if reason not in told:
            out.print(f"[yellow]the page is held[/]: {escape(reason)}")
