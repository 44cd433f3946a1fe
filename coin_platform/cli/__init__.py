"""The `coin-platform` command: arguments in, exit codes out; the work is done elsewhere.

Exit codes: 0 all is well, 1 a run or a blocking check failed, 2 wrong usage or settings.
"""

import sys
import traceback

import click

from coin_platform.errors import PlatformError, SettingsError

FAILED, WRONG_USAGE = 1, 2

COMMANDS = {
    "run": ("coin_platform.cli.run", "Materialize the hours that closed last, up to curated."),
    "open": ("coin_platform.cli.open", "Open the market page; build it first if it is not there."),
    "dev": ("coin_platform.cli.dev", "Open the Dagster UI with schedules and sensors on."),
    "stop": ("coin_platform.cli.services", "Stop what was left running on this home."),
    "doctor": ("coin_platform.cli.doctor", "Say whether each part answers, and how to mend it."),
    "settings": ("coin_platform.cli.settings", "Show every setting, its value and meaning."),
    "sql": ("coin_platform.cli.sql", "Query processed and curated, or open a shell for it."),
    "redrive": ("coin_platform.cli.redrive", "Put an hour through again, or release its rows."),
    "demo": ("coin_platform.cli.demo", "Show on a home of its own what the platform does."),
    "site": ("coin_platform.cli.site", "List the releases of the market page, or roll it back."),
    "infra": ("coin_platform.cli.infra", "Make, change or remove the AWS account's stack."),
    "replication": ("coin_platform.cli.replication", "Look at, start, stop or reload the task."),
}


class LazyGroup(click.Group):
    """Imports a command's module only when that command is called."""

    def list_commands(self, _ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, _ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        from importlib import import_module

        command: click.Command = import_module(COMMANDS[name][0]).command
        return command

    def format_commands(self, _ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


@click.group(
    cls=LazyGroup,
    epilog="Start with `coin-platform run`, then `coin-platform dev`. "
    "`coin-platform COMMAND --help` explains a command.",
)
@click.option("--debug", is_flag=True, help="Show tracebacks of errors.")
@click.version_option(package_name="coin-platform")
def group(debug: bool) -> None:
    """Hourly coin quotes from the API to curated tables, as Dagster assets."""
    from coin_platform.settings import unknown_variables

    click.get_current_context().obj = debug
    for name, nearest in unknown_variables().items():
        click.echo(f"{name} is no setting and has no effect; is {nearest} meant?", err=True)


def main() -> None:
    """Run the command line; plain messages for what the platform can explain."""
    debug = "--debug" in sys.argv
    try:
        code = group.main(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        code = WRONG_USAGE
    except click.exceptions.Abort:
        click.echo("interrupted; run the same command again to go on", err=True)
        code = FAILED
    except PlatformError as error:
        if debug:
            traceback.print_exc()
        click.echo(f"{click.style('error:', fg='red')} {error}", err=True)
        code = WRONG_USAGE if isinstance(error, SettingsError) else FAILED
    except Exception as error:  # noqa: BLE001  the last word of a command is never a stack
        if debug:
            traceback.print_exc()
        first_line = (str(error) or type(error).__name__).strip().splitlines()[0]
        click.echo(
            f"{click.style('error:', fg='red')} {type(error).__name__}: {first_line}\n"
            "`coin-platform --debug …` shows where, `coin-platform doctor` what does not answer.",
            err=True,
        )
        code = FAILED
    sys.exit(code if isinstance(code, int) else 0)
