"""What may come next in a query being typed: tables, columns, DuckDB's keywords and functions."""

import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from prompt_toolkit.completion import CompleteEvent, Completer, Completion

from coin_platform.contracts.model import Table
from coin_platform.query.catalogue import Vocabulary
from coin_platform.resources.lake.served import sql_name

if TYPE_CHECKING:
    from prompt_toolkit.document import Document

DOT_COMMANDS = {
    ".tables": "list the tables",
    ".schema": "TABLE: its columns, types and meanings",
    ".help": "what can be done here",
    ".quit": "leave; Ctrl+D as well",
}
WORD = re.compile(r"[\w.]*$")
OF_TABLES = re.compile(
    r"\b(?:from|join|describe|summarize|table)\s+(?:[\w.\s]+,\s*)*$", re.IGNORECASE
)
ALIAS = r"\b{name}\s+(?:as\s+)?(\w+)"

Suggestion = tuple[str, str]


class SqlCompleter(Completer):
    """Completes the word before the cursor by what stands around it."""

    def __init__(self, tables: Iterable[Table], words: Vocabulary) -> None:
        self.tables = list(tables)
        self.words = words

    def get_completions(
        self, document: "Document", complete_event: CompleteEvent
    ) -> Iterator[Completion]:
        del complete_event
        before = document.text_before_cursor
        for text, kind in self.suggestions(before, document.text):
            word = typed(before)
            part = word.rpartition(".")[2] if "." in word and not word.startswith(".") else word
            yield Completion(text, -len(part), display_meta=kind)

    def suggestions(self, before: str, text: str) -> list[Suggestion]:
        """What may follow `before` in the whole `text`, the likeliest first, with what it is."""
        word = typed(before)
        if before.lstrip().startswith(".") and " " not in before.strip():
            return starting(DOT_COMMANDS.items(), word)
        if before.lstrip().startswith(".schema"):
            return starting(self.named_tables(), word)
        owner, dot, part = word.rpartition(".")
        if dot:
            return starting(self.parts_of(owner, text), part)
        if OF_TABLES.search(before[: len(before) - len(word)]):
            return starting(self.named_tables(), word)
        if not word:
            return []
        columns = self.columns(self.mentioned(text) or self.tables)
        found: list[Suggestion] = [*columns, *self.named_tables()]
        found += [(keyword.upper(), "keyword") for keyword in self.words.keywords]
        found += [(function, "function") for function in self.words.functions]
        return starting(found, word)

    def named_tables(self) -> list[Suggestion]:
        layers = dict.fromkeys(table.layer for table in self.tables)
        names = [(table.name, table.layer) for table in self.tables]
        return names + [(f"{layer}.", "layer") for layer in layers]

    def mentioned(self, text: str) -> list[Table]:
        """The tables that the text names."""
        words = set(re.findall(r"\w+", text.lower()))
        return [table for table in self.tables if table.name in words]

    def columns(self, tables: Iterable[Table]) -> list[Suggestion]:
        return [(column.name, table.name) for table in tables for column in table.columns]

    def parts_of(self, owner: str, text: str) -> list[Suggestion]:
        """The tables of a layer, or the columns of a table or of an alias."""
        owner = owner.lower()
        of_layer = [(table.name, table.layer) for table in self.tables if table.layer == owner]
        if of_layer:
            return of_layer
        return self.columns(
            table
            for table in self.tables
            if owner in (table.name, sql_name(table))
            or owner in re.findall(ALIAS.format(name=table.name), text.lower())
        )


def typed(before: str) -> str:
    """The word that is being typed."""
    match = WORD.search(before)
    return match.group() if match else ""


def starting(found: Iterable[Suggestion], word: str) -> list[Suggestion]:
    """Those that begin with the word, each text once."""
    chosen: dict[str, Suggestion] = {}
    for text, kind in found:
        name = text.lower()
        if name.startswith(word.lower()) and name != word.lower():
            chosen.setdefault(name, (text, kind))
    return list(chosen.values())
