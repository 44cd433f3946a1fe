"""What the image installs: the base dependencies and all of theirs, as they are installed here.

`make pins` writes it to `deploy/requirements.txt`, from an environment that the tests passed in.
"""

from collections.abc import Iterator
from importlib.metadata import distribution, requires

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PACKAGE = "coin-platform"
HEADER = "# What the image installs: versions that the tests passed with. `make pins` writes it."


def base_dependencies() -> list[Requirement]:
    """What the package itself asks for, without extras."""
    return list(asked_by(PACKAGE, set()))


def asked_by(name: str, extras: set[str]) -> Iterator[Requirement]:
    """The dependencies of an installed package that hold on this platform."""
    for text in requires(name) or []:
        needed = Requirement(text)
        marker = needed.marker
        if marker is None or any(marker.evaluate({"extra": one}) for one in {"", *extras}):
            yield needed


def pins() -> dict[str, str]:
    """Name to version of all that is needed."""
    found: dict[str, str] = {}
    seen: set[tuple[str, frozenset[str]]] = set()
    waiting = base_dependencies()
    while waiting:
        needed = waiting.pop()
        key = (canonicalize_name(needed.name), frozenset(needed.extras))
        if key not in seen:
            seen.add(key)
            found[key[0]] = distribution(needed.name).version
            waiting += asked_by(needed.name, needed.extras)
    return dict(sorted(found.items()))


if __name__ == "__main__":
    print(HEADER)  # noqa: T201  what it is for
    for name, version in pins().items():
        print(f"{name}=={version}")  # noqa: T201
