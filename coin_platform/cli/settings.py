"""`coin-platform settings`: every setting with its value, default and meaning."""

from datetime import datetime
from typing import Any

import click
from pydantic import SecretStr
from rich.table import Table

from coin_platform.cli.console import console
from coin_platform.partitions import instant_text
from coin_platform.settings import Settings, load, variable_name
from coin_platform.settings_aws import AwsSettings


def shown(value: Any) -> str:
    """A value as it may be shown: secrets are masked."""
    if isinstance(value, SecretStr):
        return "********"
    if isinstance(value, datetime):
        return instant_text(value)
    return "" if value is None else str(value)


def is_of_aws(name: str) -> bool:
    """Whether only a deployment on AWS needs the setting."""
    return name in AwsSettings.model_fields and name != "env"


@click.command("settings")
@click.option("--all", "everything", is_flag=True, help="Also what only a deployment on AWS needs.")
def command(everything: bool) -> None:
    """Show every setting, its value, default and meaning. Secrets are masked.

    Set them as environment variables or in a .env file in the working directory.
    """
    settings = load()
    everything = everything or settings.env == "aws"
    table = Table("setting", "value", "default", "meaning", box=None, pad_edge=False)
    for name, field in sorted(Settings.model_fields.items(), key=lambda item: is_of_aws(item[0])):
        if is_of_aws(name) and not everything:
            continue
        table.add_row(
            variable_name(name),
            shown(getattr(settings, name)),
            shown(field.default),
            field.description,
        )
    console().print(table)
