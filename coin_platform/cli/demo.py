"""`coin-platform demo`: what the platform does, shown on a home that is thrown away."""

import tempfile
from pathlib import Path

import click
from rich.markup import escape
from rich.table import Table

from coin_platform.cli.console import console
from coin_platform.cli.redrive import ledger_table
from coin_platform.cli.run import Bar, use
from coin_platform.settings import load


@click.group("demo")
def command() -> None:
    """Show on a home of its own what the platform does."""


@command.command("quality")
def quality() -> int:
    """Spoil rows of a simulated hour in every way, and show where each of them ended.

    The wrong values come through the API as any others do. Nothing of your own home is touched.
    """
    screen = console()
    with tempfile.TemporaryDirectory(prefix="coin_platform_demo_") as folder:
        settings = load(home=Path(folder) / "home", coins=100, source="simulated")
        use(settings)
        from coin_platform.running.demo import spoiled_hour

        bar = Bar(screen, quiet=not screen.is_terminal)
        with bar.progress:
            shown = spoiled_hour(settings, bar)
    table = Table("what came", "coin", "where it ended", "rules it broke", title_justify="left")
    for row in shown.rows:
        table.add_row(row.words, str(row.coin_id), row.ended, escape(row.rules))
    screen.print(table)
    screen.print(ledger_table(shown.ledger))
    screen.print(escape(shown.refused))
    return 0 if shown.balanced else 1
