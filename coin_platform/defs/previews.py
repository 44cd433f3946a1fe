"""Features of Dagster that are in preview or beta, and that the platform builds on knowingly.

Partitioned checks (preview), and mappings to partitions that do not exist yet (beta). The version
bounds in pyproject.toml keep them as they are.
"""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg


@contextmanager
def accepted() -> Iterator[None]:
    """Use such a feature without its warning."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", category=dg.PreviewWarning)
        warnings.simplefilter("ignore", category=dg.BetaWarning)
        yield
