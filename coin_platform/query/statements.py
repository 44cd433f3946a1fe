"""What may be asked: one query. Whatever writes, configures or reaches out is refused by name.

The engine itself is sealed as well (`session.py`); this is the plain message, and the second lock.
"""

import re
from typing import TYPE_CHECKING

from coin_platform.errors import SettingsError

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

# PIVOT without a list of values is one of several statements to DuckDB.
QUERIES = {"SELECT", "MULTI"}
EXPLAIN = re.compile(
    r"\s*explain\s+(?:analyze\s+)?(?:\(\s*(?:analyze|format)\b[^)]*\)\s*)?", re.IGNORECASE
)


def one_query(connection: "DuckDBPyConnection", text: str) -> str:
    """The one query that the text holds, without its semicolon.

    Raises `SettingsError` for none, for several, and for a statement that is no query; DuckDB's own
    error for what is no SQL.
    """
    found = kinds(connection, text)
    if not found:
        raise SettingsError("there is no query: write one, as in `select * from market_overview`")
    if len(found) > 1:
        raise SettingsError(f"{len(found)} statements were given: ask one query at a time")
    [(kind, query)] = found
    if kind == "EXPLAIN":
        [(kind, _)] = kinds(connection, query[len(prefix(query)) :]) or [("EXPLAIN", "")]
    if kind not in QUERIES:
        raise SettingsError(
            f"{first_word(query)} is not run here: SQL reads the lake, and neither writes, loads "
            "nor sets anything; ask a query (SELECT, FROM, WITH, PIVOT, DESCRIBE, EXPLAIN …)"
        )
    return query


def kinds(connection: "DuckDBPyConnection", text: str) -> list[tuple[str, str]]:
    """The statements of a text, each with DuckDB's word for its kind; "" for one without."""
    found = []
    for statement in connection.extract_statements(text):
        try:
            kind = statement.type.name
        except ValueError:  # DuckDB parses kinds that its Python package has no name for
            kind = ""
        found.append((kind, statement.query.strip().rstrip(";").strip()))
    return found


def prefix(query: str) -> str:
    """The words before the statement that is explained."""
    match = EXPLAIN.match(query)
    return match.group() if match else ""


def first_word(query: str) -> str:
    """The word that names the statement, for a message."""
    match = re.search(r"^\s*(\w+)", query, re.MULTILINE)
    return match.group(1).upper() if match else "this statement"
