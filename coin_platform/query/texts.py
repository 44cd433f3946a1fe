"""How values are written as text: exact, the same on a screen and in a file, and never alive.

Numbers keep every digit, as few as tell them apart from their neighbours. Instants are UTC,
`2026-11-22T13:00:00Z`. What comes from the API is text to the last character: neither a spreadsheet
nor a terminal may take it for a command.
"""

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

# `=`, `+`, `-` or `@`, also in full width, behind spaces and quotes, where a cell may begin: at the
# start, after a line break, and after the `;` or tab that some spreadsheets split lines at.
FORMULA = "(^|[;\\t\\r\\n])([ \\f\\v\\pZ\"']*[=+\\-@\uff1d\uff0b\uff0d\uff20])"
BREAK_FIRST = r"^('*[\t\r\n])"


def texts(column: "pa.Array") -> "pa.Array":
    """The values of a column as text; null where they are."""
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = column.type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return column.cast(pa.string())
    if pa.types.is_timestamp(kind):
        return instants(column)
    if pa.types.is_float64(kind):
        values = column.to_pylist()
        return pa.array([None if v is None else repr(v) for v in values], pa.string())
    if not pa.types.is_nested(kind):
        try:
            return pc.cast(column, pa.string())
        except pa.ArrowNotImplementedError:  # intervals and other rare types
            pass
    values = [None if value is None else plain(value) for value in column.to_pylist()]
    return pa.array(values, pa.string())


def is_number(kind: "pa.DataType") -> bool:
    """Whether values of the type are numbers, which stay as they are everywhere."""
    import pyarrow as pa

    return bool(
        pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)
    )


def instants(column: "pa.Array") -> "pa.Array":
    """ISO 8601 to the second, or to the microsecond where an instant has a fraction."""
    import pyarrow as pa
    import pyarrow.compute as pc

    form = "%Y-%m-%dT%H:%M:%S" + ("Z" if column.type.tz else "")
    seconds, micros = (
        pc.cast(column, pa.timestamp(unit, column.type.tz), safe=False) for unit in ("s", "us")
    )
    whole = pc.equal(pc.cast(seconds, micros.type), micros)
    return pc.if_else(whole, pc.strftime(seconds, form), pc.strftime(micros, form))


def plain(value: object) -> str:
    """A value of any other kind: lists and structures as JSON."""
    if isinstance(value, dict | list | tuple):
        return json.dumps(value, default=str, ensure_ascii=False)
    return str(value)


def harmless(column: "pa.Array") -> "pa.Array":
    """Texts that no spreadsheet takes for a formula: what looks like one gets a `'` before it.

    Two texts never become one.
    """
    import pyarrow.compute as pc

    marked = pc.replace_substring_regex(column, FORMULA, r"\1'\2")
    return pc.replace_substring_regex(marked, BREAK_FIRST, r"'\1")


def visible(text: str) -> str:
    """The text without anything that acts on a terminal: such characters are written out."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
