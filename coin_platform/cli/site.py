"""`coin-platform site`: the releases of the market page, and the way back."""

import click
from rich.table import Table

from coin_platform.cli.console import console
from coin_platform.partitions import utc_now
from coin_platform.settings import load
from coin_platform.site.releases import open_site


@click.group("site")
def command() -> None:
    """Look at the releases of the market page, and go back to a former one."""


@command.command("releases")
def releases() -> int:
    """List the releases that are kept, newest first."""
    site = open_site(load())
    pointer = site.pointer()
    table = Table("release", "of the hour", "built", "run", "days", "coins", "")
    for release in site.all():
        table.add_row(
            release.id,
            release.hour,
            release.built_at,
            str(release.facts.get("run_id", ""))[:8],
            str(release.facts.get("days", "")),
            f"{release.facts.get('coins', 0):,}",
            "current" if release.id == pointer.release else "",
        )
    console().print(table)
    if pointer.held:
        click.echo(f"held since {pointer.held.since}:")
        for reason in pointer.held.reasons:
            click.echo(f"  {reason}")
    return 0


@command.command("rollback")
@click.option("--to", metavar="RELEASE", help="A release of `coin-platform site releases`.")
def rollback(to: str | None) -> int:
    """Show a former release: the one before the current one, or the one named.

    It stays until the data or its checks change; then the next release is published.
    """
    release = open_site(load()).roll_back(to, utc_now())
    click.echo(f"the page is now release {release.id}, of {release.hour}")
    return 0
