"""What Spark, Delta and S3 raise while a job runs, as the platform's errors.

The same on Sail and on a JVM, in this process and in a step's: which may pass and which may not is
told by the texts, since each library has classes of its own and none for that.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from coin_platform.errors import PermanentError, TransientError

LINES = 6
LENGTH = 600
PASSING = re.compile(
    r"(?:HTTP status|Status Code:) ?50[0234]"
    r"|\b50[0234] (?:Internal|Service|Bad|Gateway|Slow)"
    r"|SlowDown|NETWORK_CONNECTION|error sending request|ExpiredToken"
    r"|Concurrent\w+Exception|DELTA_CONCURRENT"
)
OF_S3 = re.compile(r"S3 error|AWS Error")
ORNAMENT = re.compile(r"\x1b\[\d*m|↳")


@contextmanager
def explained(work: str) -> Iterator[None]:
    """Turn what a job raises into the platform's errors, with the engine's own reason.

    Errors of this machine's files, and of our own code, are left as they are.
    """
    from deltalake.exceptions import CommitFailedError, DeltaError
    from py4j.protocol import Py4JError
    from pyspark.errors import PySparkException

    try:
        yield
    except CommitFailedError as error:
        raise TransientError(f"{work}: {reason(error)}") from error
    except (PySparkException, Py4JError, DeltaError) as error:
        raise meaning(work, error) from error
    except OSError as error:
        if not OF_S3.search(str(error)):
            raise
        raise meaning(work, error) from error


def meaning(work: str, error: Exception) -> PermanentError | TransientError:
    """The platform's error for one of these."""
    kind = TransientError if PASSING.search(str(error)) else PermanentError
    return kind(f"{work}: {reason(error)}")


def reason(error: Exception) -> str:
    """The first lines of an engine's message, without its trace."""
    stripped = map(str.strip, ORNAMENT.sub("", str(error)).splitlines())
    lines = [line for line in stripped if line and not line.startswith("at ")]
    return " ".join(lines[:LINES])[:LENGTH] or type(error).__name__
