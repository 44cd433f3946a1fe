"""The SQL shell: lines in, tables out, until Ctrl+D; a mistake or Ctrl+C ends a query, not it."""

import time
from collections.abc import Callable
from pathlib import Path

import click
from prompt_toolkit import PromptSession
from prompt_toolkit.history import FileHistory, History, InMemoryHistory
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.lexers import PygmentsLexer
from pygments.lexers.sql import SqlLexer

from coin_platform.cli.completion import DOT_COMMANDS, SqlCompleter
from coin_platform.errors import PlatformError, SettingsError
from coin_platform.query.catalogue import description, overview, vocabulary
from coin_platform.query.session import Answer, answer
from coin_platform.resources.lake.served import TABLES, ServedLake, table_named

PROMPT, CONTINUATION = "sql> ", "...> "
HELP = """\
A query ends with ; and may span lines. Tab completes, arrows recall, Ctrl+C cancels, Ctrl+D leaves.
Tables go by their names: `from market_overview order by snapshot_hour desc limit 5;`"""


def shell(lake: ServedLake, history: Path, show: Callable[[Answer], None]) -> None:
    """Answer queries as they are typed. `show` prints an answer to the screen."""
    click.echo(
        f"Processed and curated tables of {lake.url}, read-only. .help says how, .tables what."
    )
    session = PromptSession[str](
        history=kept(history),
        completer=SqlCompleter(TABLES, vocabulary(lake)),
        lexer=PygmentsLexer(SqlLexer),
        key_bindings=bindings(),
        multiline=True,
        prompt_continuation=CONTINUATION,
        complete_while_typing=True,
    )
    while True:
        try:
            text = session.prompt(PROMPT).strip()
        except KeyboardInterrupt:  # what was typed is dropped
            continue
        except EOFError:
            return
        if text in (".quit", ".exit"):
            return
        if text.strip("; \n"):
            respond(lake, text, show)


def respond(lake: ServedLake, text: str, show: Callable[[Answer], None]) -> None:
    """Do what a line asks for; whatever is wrong with it is said, and the shell goes on."""
    started = time.monotonic()
    try:
        if text.startswith("."):
            command(lake, text)
            return
        with answer(lake, text) as found:
            show(found)
        click.echo(click.style(f"{time.monotonic() - started:.2f} s", dim=True))
    except KeyboardInterrupt:
        click.echo("cancelled")
    except PlatformError as error:
        click.echo(f"{click.style('error:', fg='red')} {error}")


def command(lake: ServedLake, text: str) -> None:
    """Do what a line that begins with a dot asks for."""
    name, *arguments = text.rstrip(";").split()
    if name == ".tables":
        lines = overview(lake)
    elif name == ".schema" and len(arguments) == 1:
        lines = description(lake, table_named(arguments[0]))
    elif name == ".help":
        click.echo(HELP)
        lines = (f"{known:9} {meaning}" for known, meaning in DOT_COMMANDS.items())
    else:
        raise SettingsError(f"{text} is not understood; .help says what is")
    for line in lines:
        click.echo(line)


def bindings() -> KeyBindings:
    """Enter sends what is complete, and otherwise begins a new line."""
    keys = KeyBindings()

    @keys.add("enter")
    def enter(event: KeyPressEvent) -> None:
        buffer = event.current_buffer
        if is_complete(buffer.text):
            buffer.validate_and_handle()
        else:
            buffer.insert_text("\n")

    return keys


def is_complete(text: str) -> bool:
    """Whether a line can be sent: a query up to its semicolon, a command, or nothing."""
    stripped = text.strip()
    return not stripped or stripped.endswith(";") or stripped.startswith(".")


def kept(path: Path) -> History:
    """The history, in a file that only its owner reads; in memory where there can be none."""
    try:
        path.touch(mode=0o600)
        path.chmod(0o600)
    except OSError:
        return InMemoryHistory()
    return FileHistory(str(path))
