"""What a process does once, at its start."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def collector_at_rest() -> Iterator[None]:
    """Import and build what stays, without looking for garbage in it.

    Dagster and its storage are some hundred thousand objects, none of them garbage; looking took a
    fifth of a start, and again a part of each second after it, so that they are never looked at.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if gc.get_freeze_count() == 0:  # once: what a later session leaves is garbage
            gc.freeze()
        if was_enabled:
            gc.enable()
