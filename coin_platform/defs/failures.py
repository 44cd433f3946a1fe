"""What the platform's errors mean to Dagster: try again later, or do not try at all."""

from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg

from coin_platform.errors import PermanentError, SettingsError, TransientError
from coin_platform.resources.engine.reasons import OF_S3, PASSING, reason

RETRIES = 2
PAUSE_SECONDS = 30


@contextmanager
def told_to_dagster() -> Iterator[None]:
    """A step tries again what may pass, and only that."""
    try:
        yield
    except TransientError as error:
        raise retry() from error
    except (PermanentError, SettingsError) as error:
        raise dg.Failure(description=str(error), allow_retries=False) from error
    except OSError as error:  # of S3: `deltalake` and Arrow have no class of their own for it
        if not OF_S3.search(str(error)):
            raise
        if PASSING.search(str(error)):
            raise retry() from error
        raise dg.Failure(description=reason(error), allow_retries=False) from error


def retry() -> dg.RetryRequested:
    """The request to do the step again after a pause."""
    return dg.RetryRequested(max_retries=RETRIES, seconds_to_wait=PAUSE_SECONDS)
