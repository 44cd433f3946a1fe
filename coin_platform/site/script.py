"""Data as a script: what a page may load from `file://`, where nothing can be fetched.

A script is a call of the site's own function with one JSON value, so that it runs nothing else,
whatever the texts in it say.
"""

import json
from typing import Any

# Texts come from outside: none may end a script element, open a comment or break a line in one.
ESCAPES = {
    "<": "\\u003c",
    ">": "\\u003e",
    "&": "\\u0026",
    "\u2028": "\\u2028",
    "\u2029": "\\u2029",
}
PREFIX, SUFFIX = "site.data(", ");\n"


def script(name: str, value: Any) -> bytes:
    """The script that hands the page a value under a name; `value_of` reads it back."""
    return f"{PREFIX}{json_text(name)},{json_text(value)}{SUFFIX}".encode()


def value_of(content: bytes) -> Any:
    """The value of such a script. Raises `ValueError` for anything else."""
    text = content.decode()
    if not (text.startswith(PREFIX) and text.endswith(SUFFIX)):
        message = "it is no script that hands over data"
        raise ValueError(message)
    _, value = json.loads(f"[{text[len(PREFIX) : -len(SUFFIX)]}]")
    return value


def json_text(value: Any) -> str:
    """JSON that is also JavaScript and stands in any element. NaN and infinities raise.

    Lone surrogates, which have no bytes, become escapes as all that is not ASCII does.
    """
    text = json.dumps(value, separators=(",", ":"), allow_nan=False)
    for character, escape in ESCAPES.items():
        text = text.replace(character, escape)
    return text
