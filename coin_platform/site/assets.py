"""What every release carries along: styles, scripts and Plotly, under names made of their content.

A name that changes with the content lets a browser keep a file for ever, and releases share it.
Plotly comes from its Python package. It adds style elements to the page, which the pages' policy
forbids, but leaves that be where it finds elements of the same ids: `guards` says which.
"""

import hashlib
import re
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import PurePosixPath

from coin_platform.errors import PermanentError

STATIC = "static"
PLOTLY = "plotly.min.js"
GUARD = re.compile(r'if\(!document\.getElementById\("([0-9a-f]{64})"\)\)')


@dataclass(frozen=True)
class Assets:
    """The files by the name that they have in a release, and those names by their own."""

    files: dict[str, bytes]
    names: dict[str, str]
    guards: tuple[str, ...]

    def __getitem__(self, name: str) -> str:
        """Where a release has the file."""
        return self.names[name]


@cache
def assets() -> Assets:
    """All of them, read from the installed packages."""
    own = resources.files(__package__).joinpath(STATIC)
    contents = {
        file.name: file.read_bytes() for file in sorted(own.iterdir(), key=lambda f: f.name)
    }
    contents[PLOTLY] = plotly()
    names = {name: hashed(name, content) for name, content in contents.items()}
    files = {names[name]: content for name, content in contents.items()}
    return Assets(files, names, guards(contents[PLOTLY].decode()))


def plotly() -> bytes:
    """The library for browsers that the Python package carries."""
    try:
        return resources.files("plotly").joinpath("package_data", PLOTLY).read_bytes()
    except (ModuleNotFoundError, FileNotFoundError) as error:
        raise PermanentError(
            f"the package plotly has no {PLOTLY} ({error}): install coin-platform again"
        ) from error


def guards(library: str) -> tuple[str, ...]:
    """Ids of the elements that keep the library from adding styles of its own."""
    return tuple(dict.fromkeys(GUARD.findall(library)))


def hashed(name: str, content: bytes) -> str:
    """`assets/site.0123456789ab.css`."""
    path = PurePosixPath(name)
    return f"assets/{path.stem}.{hashlib.sha256(content).hexdigest()[:12]}{path.suffix}"


@cache
def fingerprint() -> str:
    """Changes with whatever of the package shapes a page: templates, code, styles and scripts."""
    digest = hashlib.sha256()
    for file in walk(resources.files(__package__)):
        digest.update(file.name.encode() + b"\0" + file.read_bytes())
    digest.update("".join(sorted(assets().files)).encode())
    return digest.hexdigest()


def walk(folder: "resources.abc.Traversable") -> "list[resources.abc.Traversable]":
    """The files below a folder, except compiled ones, always in the same order."""
    found = []
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if entry.is_dir() and entry.name != "__pycache__":
            found += walk(entry)
        elif entry.is_file():
            found.append(entry)
    return found
