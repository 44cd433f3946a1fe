"""Files that survive a kill and a loss of power: durable, replaced whole, shared where equal."""

import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from coin_platform.disk import sync


def digest_of(content: bytes) -> str:
    """What tells a content from any other."""
    return hashlib.sha256(content).hexdigest()[:32]


def is_unchanged(path: Path, digest: str) -> bool:
    """Whether the file is there, with the content of that digest."""
    return path.is_file() and digest_of(path.read_bytes()) == digest


def linked(same: Path, path: Path, size: int) -> bool:
    """Whether the path is now another name of that file; not every file system can do it."""
    try:
        if same.stat().st_size != size:
            return False
        os.link(same, path)
    except OSError:
        return False
    return True


def make_durable(folder: Path) -> None:
    """Have a folder with all that is in it survive a loss of power."""
    with ThreadPoolExecutor(16) as pool:  # many at once share the disk's work
        list(pool.map(sync, [folder, *folder.rglob("*")]))


def replace(path: Path, content: bytes) -> None:
    """Make this the content of a file, whole or not at all; nothing is done where it is already."""
    if path.is_file() and path.read_bytes() == content:
        return
    temporary = path.with_name(f".{path.name}.tmp")
    temporary.write_bytes(content)
    sync(temporary)
    temporary.replace(path)
    sync(path.parent)
