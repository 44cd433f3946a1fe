"""`coin-platform sql`: queries over the processed and curated tables, or a shell for them."""

import os
import shutil
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING

import click

from coin_platform.errors import PermanentError, SettingsError
from coin_platform.settings import load

if TYPE_CHECKING:
    import pyarrow as pa

    from coin_platform.query.session import Answer
    from coin_platform.resources.lake.served import ServedLake

ROWS_ON_SCREEN = 50
HISTORY = "sql_history"


@click.command("sql")
@click.argument("query", required=False)
@click.option(
    "--format",
    "format_",
    type=click.Choice(["table", "csv", "json", "parquet"]),
    help="Default: what the name of the output file says, else table.",
)
@click.option(
    "--output",
    "-o",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write to this file, whole or not at all; Parquet needs one.",
)
@click.option("--tables", is_flag=True, help="List the tables with columns, types and meanings.")
def command(query: str | None, format_: str | None, output: Path | None, tables: bool) -> int:
    """Query the processed and curated tables, or open a shell for it.

    Tables go by their names, with or without their layer: curated.daily_coin_prices. Each query
    reads the tables as they stand when it starts. It is DuckDB's SQL; instants are UTC. Nothing can
    be written, and nothing but these tables read. - takes the query from standard input.

    A table on a terminal ends after 50 rows; elsewhere, and in every other format, all rows come.
    In CSV a text that a spreadsheet would take for a formula gets a ' before it.

    \b
    coin-platform sql                      # the shell; .help there says more
    coin-platform sql --tables
    coin-platform sql "select day, name, close from daily_coin_prices where coin_id = 1"
    coin-platform sql "from market_overview" --format csv > overview.csv
    coin-platform sql "from coin_quotes where snapshot_hour >= '2026-11-22'" -o quotes.parquet
    coin-platform sql - < question.sql
    """  # noqa: D301  click wants the character itself
    from coin_platform.resources.lake import open_served
    from coin_platform.resources.lake.served import TABLES

    settings = load()
    lake = open_served(settings)
    with until_cut_off():
        if tables:
            from coin_platform.query.catalogue import description

            for table in TABLES:
                click.echo("\n".join([*description(lake, table), ""]))
        elif query is None and sys.stdin.isatty():
            from coin_platform.cli.shell import shell

            shell(lake, settings.home / HISTORY, on_screen)
        else:
            text = sys.stdin.read() if query in (None, "-") else str(query)
            ask(lake, text, format_, output)
    return 0


def ask(lake: "ServedLake", text: str, format_: str | None, output: Path | None) -> None:
    """Answer one query on standard output or in a file."""
    from coin_platform.query.formats import FORMATS, new_file
    from coin_platform.query.session import answer

    named = output.suffix.lower().removeprefix(".") if output else ""
    chosen = format_ or (named if named in FORMATS else "table")
    if chosen == "parquet" and output is None:
        raise SettingsError("Parquet is written to a file: name one with --output")
    write = FORMATS.get(chosen, write_table)
    with answer(lake, text) as found, expressible(chosen):
        if output is not None:
            with new_file(output) as file:
                rows = write(found.schema, found, file)
            click.echo(f"{rows:,} rows in {output}", err=True)
        elif chosen == "table" and sys.stdout.isatty():
            on_screen(found)
        else:
            write(found.schema, found, sys.stdout.buffer)


@contextmanager
def expressible(format_: str) -> Iterator[None]:
    """Explain values that a format has no way to write: intervals in Parquet, years of geology."""
    import pyarrow as pa

    try:
        yield
    except (pa.ArrowNotImplementedError, pa.ArrowInvalid, OverflowError, ValueError) as error:
        raise PermanentError(
            f"the answer holds values that {format_} cannot express ({error}): "
            "cast them to text, as in `SELECT column::varchar`"
        ) from error


def write_table(schema: "pa.Schema", batches: "Iterable[pa.RecordBatch]", file: IO[bytes]) -> int:
    """Write all rows as plain lines; how many rows there were."""
    from coin_platform.query.screen import Counted, lines_of

    counted = Counted(batches)
    for line in lines_of(schema, counted):
        file.write(f"{line}\n".encode())
    return counted.rows


def on_screen(found: "Answer") -> None:
    """Print the first rows to the terminal, as wide as it is, and say how many there were."""
    from coin_platform.query.screen import Counted, lines_of

    shown = Counted(found, ROWS_ON_SCREEN)
    width = shutil.get_terminal_size().columns
    for line in lines_of(found.schema, shown, width, partial(click.style, bold=True)):
        click.echo(line)
    if shown.more:
        click.echo(f"the first {shown.rows} rows; --format csv or a file (-o) gives all")
    else:
        click.echo(f"{shown.rows} row{'' if shown.rows == 1 else 's'}")


@contextmanager
def until_cut_off() -> Iterator[None]:
    """End quietly when the reader of standard output has had enough, as `head` does."""
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
