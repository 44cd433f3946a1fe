"""`coin-platform infra`: the AWS account's stack, made of the settings, by the CDK."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from coin_platform.errors import SettingsError
from coin_platform.infrastructure import cdk
from coin_platform.infrastructure.options import Options, read_options


@click.group("infra")
def command() -> None:
    """Make, change or remove what the platform needs of an AWS account (docs/aws.md).

    The stack is made of the settings COIN_PLATFORM_… and of the account's own,
    COIN_PLATFORM_INFRA_…, which `coin-platform infra options` lists.
    """


@command.command("options")
def options() -> int:
    """List the settings of the account with default and meaning."""
    from rich.table import Table

    from coin_platform.cli.console import console
    from coin_platform.settings_infrastructure import (
        InfrastructureSettings,
        infrastructure_variable,
    )

    table = Table("setting", "default", "meaning", box=None, pad_edge=False)
    for name, field in InfrastructureSettings.model_fields.items():
        default = "" if field.default is None else str(field.default)
        table.add_row(infrastructure_variable(name), default, field.description)
    console().print(table)
    return 0


@command.command("synth")
@click.option(
    "-o",
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("cdk.out"),
    show_default=True,
    help="Folder to write to.",
)
def synth(output: Path) -> int:
    """Write the CloudFormation template; asks nothing of AWS."""
    from coin_platform.infrastructure.app import synthesize

    chosen = read_options()
    cdk.check_library()
    template = synthesize(chosen, output)
    path = output / f"{chosen.account.stack}.template.json"
    click.echo(f"{path}: {len(template['Resources'])} resources")
    return 0


@command.command("diff")
def diff() -> int:
    """Show what deploying would change."""
    return handed_over("diff")


@command.command("deploy")
@click.option("--yes", is_flag=True, help="Do not ask before access rules are widened.")
def deploy(yes: bool) -> int:
    """Make the stack, or change it. AWS charges for it from then on."""
    handed_over("deploy", *(["--require-approval", "never"] if yes else []))
    click.echo("next: coin-platform infra outputs > .env")
    return 0


@command.command("destroy")
@click.option("--yes", is_flag=True, help="Do not ask.")
def destroy(yes: bool) -> int:
    """Remove the stack; data only where it was deployed as removable before."""
    if not read_options().account.removable:
        raise SettingsError(
            "the stack is protected, and so are its data: set COIN_PLATFORM_INFRA_REMOVABLE=true "
            "and `coin-platform infra deploy` first (docs/aws.md, how to remove everything)"
        )
    return handed_over("destroy", *(["--force"] if yes else []))


@command.command("outputs")
def outputs() -> int:
    """Print the deployed stack's outputs as the platform's settings, for a .env file."""
    from coin_platform.infrastructure.deployed import read_outputs

    for name, value in read_outputs(read_options()).items():
        click.echo(f"{name}={value}")
    return 0


def handed_over(action: str, *more: str) -> int:
    """Synthesize, and let the CDK go on."""
    chosen = read_options()
    cdk.check_library()
    cdk.command()  # what is missing is said before the work
    with synthesized(chosen) as assembly:
        cdk.run(action, chosen, assembly, *more)
    return 0


@contextmanager
def synthesized(chosen: Options) -> Iterator[Path]:
    """The folder with what the CDK deploys, while the context lasts."""
    from coin_platform.infrastructure.app import synthesize

    with TemporaryDirectory(prefix="coin-platform-") as folder:
        synthesize(chosen, Path(folder))
        yield Path(folder)
