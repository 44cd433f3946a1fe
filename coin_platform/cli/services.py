"""`coin-platform stop`: what was left running on this home, by a kill or by `dagster dev`."""

import click

from coin_platform import home
from coin_platform.errors import PlatformError
from coin_platform.settings import load


@click.command("stop")
@click.option("--force", is_flag=True, help="Also when another process still uses the home.")
def command(force: bool) -> int:
    """Stop the replication task and PostgreSQL of this home. Data stays; the next run goes on."""
    settings = load()
    stopped = home.stop_if_unused(settings, force=force)
    if stopped is None:
        raise PlatformError(
            f"{settings.home} is in use by another process: end that first, or use --force"
        )
    click.echo("\n".join(f"stopped {name}" for name in stopped) or "nothing was running")
    return 0
