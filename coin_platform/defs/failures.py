"""What the platform's errors mean to Dagster: try again later, or do not try at all."""

from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg

from coin_platform.errors import PermanentError, SettingsError, TransientError

RETRIES = 2
PAUSE_SECONDS = 30


@contextmanager
def told_to_dagster() -> Iterator[None]:
    """A step tries again what may pass, and only that."""
    try:
        yield
    except TransientError as error:
        raise dg.RetryRequested(max_retries=RETRIES, seconds_to_wait=PAUSE_SECONDS) from error
    except (PermanentError, SettingsError) as error:
        raise dg.Failure(description=str(error), allow_retries=False) from error
