"""`coin-platform sql`: queries over the processed and curated tables, or a shell for them."""

import sys
from pathlib import Path
from typing import IO, TYPE_CHECKING

import click

from coin_platform.errors import SettingsError
from coin_platform.settings import load

if TYPE_CHECKING:
    from coin_platform.query.session import Answer

ROWS_ON_SCREEN = 100


@click.command("sql")
@click.argument("query", required=False)
@click.option(
    "--format",
    "format_",
    type=click.Choice(["table", "csv", "json", "parquet"]),
    help="Default: what the name of the output says, else table.",
)
@click.option(
    "--output",
    "-o",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write to this file, whole or not at all; Parquet needs one.",
)
@click.option("--tables", is_flag=True, help="List the tables with columns, types and meanings.")
def command(query: str | None, format_: str | None, output: Path | None, tables: bool) -> int:
    r"""Query the processed and curated tables, or open a shell for it.

    Tables go by their names, with or without their layer: curated.daily_coin_prices. Each query
    reads the tables as they stand when it starts. It is DuckDB's SQL; instants are UTC. Nothing can
    be written, and nothing but these tables read. `-` takes the query from standard input.

    \b
    coin-platform sql                      # the shell; .help there says more
    coin-platform sql --tables
    coin-platform sql "select day, name, close from daily_coin_prices
                       where symbol = 'BTC' order by day"
    coin-platform sql "from market_overview" --format csv > overview.csv
    coin-platform sql "from coin_quotes where snapshot_hour >= '2026-11-22'" -o quotes.parquet
    coin-platform sql - < question.sql
    """
    from coin_platform.resources.lake import open_lake
    from coin_platform.resources.lake.served import ServedLake

    settings = load()
    lake = ServedLake(open_lake(settings))
    if query == "-" or (query is None and not sys.stdin.isatty()):
        query = sys.stdin.read()
    if query is None:
        raise SettingsError("no shell yet")
    chosen = format_ or (output and suffix(output)) or "table"
    if chosen == "parquet" and output is None:
        raise SettingsError("Parquet is written to a file: name one with --output")
    from coin_platform.query.session import answer

    with answer(lake, query) as found:
        if output is None:
            write(found, chosen, sys.stdout.buffer)
        else:
            from coin_platform.query.formats import new_file

            with new_file(output) as file:
                rows = write(found, chosen, file)
            click.echo(f"{rows:,} rows in {output}", err=True)
    return 0


def suffix(output: Path) -> str | None:
    """The format that a file's name says."""
    from coin_platform.query.formats import FORMATS

    found = output.suffix.lower().removeprefix(".")
    return found if found in FORMATS else None


def write(found: "Answer", format_: str, file: IO[bytes]) -> int:
    """Write the answer; how many rows it had."""
    from coin_platform.query.formats import FORMATS
    from coin_platform.query.screen import lines_of

    if format_ in FORMATS:
        return FORMATS[format_](found.schema, found, file)
    rows = 0
    for line in lines_of(found.schema, found):
        file.write(f"{line}\n".encode())
        rows += 1
    return rows
