"""`coin-platform redrive`: an hour once more, after its rows were corrected or released."""

from datetime import UTC, datetime

import click
from rich.table import Table

from coin_platform.cli.console import console
from coin_platform.cli.run import Bar, show, use
from coin_platform.errors import SettingsError
from coin_platform.partitions import Window, floor_hour
from coin_platform.settings import load


@click.command("redrive")
@click.option("--hour", required=True, metavar="HOUR", help="As 2026-11-22T13:00Z.")
@click.option(
    "--release",
    multiple=True,
    type=int,
    metavar="COIN_ID",
    help="Let its quarantined quote through.",
)
@click.option("--because", metavar="TEXT", help="Why the released quotes are true.")
@click.option("--from-source", is_flag=True, help="Ask the source again first.")
def command(hour: str, release: tuple[int, ...], because: str | None, from_source: bool) -> int:
    r"""Put an hour through again, from raw to its ledger and the days behind it.

    Quotes that were corrected at their source leave quarantine by themselves. A quote that is true
    although it breaks a rule is released by its coin's id; that holds until the quote changes.

    \b
    coin-platform redrive --hour 2026-11-22T13:00Z
    coin-platform redrive --hour 2026-11-22T13:00Z --from-source
    coin-platform redrive --hour 2026-11-22T13:00Z --release 825 --because "the vendor confirmed"
    """
    if release and not because:
        raise SettingsError("--release needs --because: who reads the ledger later wants to know")
    start = parse(hour)
    settings = load()
    use(settings)
    from coin_platform.resources.lake import open_lake
    from coin_platform.running.redrive import ledger_of, redrive

    screen = console()
    bar = Bar(screen, quiet=not screen.is_terminal)
    with bar.progress:
        report = redrive(
            settings, start, bar, release=release, reason=because or "", from_source=from_source
        )
    show(screen, report, settings)
    screen.print(ledger_table(ledger_of(open_lake(settings), Window.of_hour(start))))
    return 0 if report.succeeded else 1


def parse(text: str) -> datetime:
    """The hour; `SettingsError` for what is none."""
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        instant = None
    if instant is not None:
        instant = instant.replace(tzinfo=instant.tzinfo or UTC).astimezone(UTC)
    if instant is None or instant != floor_hour(instant):
        raise SettingsError(f"--hour {text} is no whole hour; write it as 2026-11-22T13:00Z")
    return instant


def ledger_table(rows: list[dict[str, object]]) -> Table:
    """The ledger of an hour, as people read accounts."""
    counts = ("current", "written", "quarantined", "deleted", "missing", "different")
    table = Table("ledger", *counts, "balanced", title="the hour's account", title_justify="left")
    for row in rows:
        balanced = "yes" if row["balanced"] else f"[red]no[/]: {row['examples']}"
        table.add_row(str(row["table_name"]), *(f"{row[name]:,}" for name in counts), balanced)
    return table
