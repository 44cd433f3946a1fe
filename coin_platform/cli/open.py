"""`coin-platform open`: the market page, in the browser of this machine."""

import sys
import webbrowser

import click

from coin_platform.cli.console import console
from coin_platform.cli.run import Bar, show_page, use
from coin_platform.errors import PlatformError
from coin_platform.settings import load
from coin_platform.site.releases import open_site


@click.command("open")
@click.option("--no-browser", is_flag=True, help="Only say where it is.")
def command(no_browser: bool) -> int:
    """Open the market page; build it first if it is not there.

    It is a folder of files and needs no server: it can be copied anywhere as it is.
    """
    settings = load()
    site = open_site(settings)
    if site.current() is None:
        if settings.env == "local" and not (settings.home / "lake").exists():
            raise PlatformError(f"{settings.home} holds no data yet: `coin-platform run` first")
        use(settings)
        from coin_platform.running.session import have_page

        screen = console(stderr=True)
        bar = Bar(screen, quiet=not screen.is_terminal)
        with bar.progress:
            report = have_page(settings, bar)
        if report.page is None or report.page.release is None:
            show_page(screen, report)
            raise PlatformError("the page cannot be published yet: mend that and run again")
    site.bring_here()
    address = site.entry.as_uri()
    if not no_browser and sys.stdout.isatty():  # a script wants the address alone
        webbrowser.open(address)
    click.echo(address)
    return 0
