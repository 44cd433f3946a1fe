"""The end of what a script printed, from the logs that EMR leaves in S3 some time after."""

import gzip
import time
from collections.abc import Sequence
from typing import Any

from coin_platform.errors import PlatformError
from coin_platform.resources.aws.objects import content_of

LINES = 20
LENGTH = 3_000


def tail(s3: Any, bucket: str, keys: Sequence[str], wait_seconds: float) -> str:
    """The last lines of the first of these objects that holds any; they are waited for.

    Says so where none came. Raises nothing: it is asked for to explain another failure.
    """
    end = time.monotonic() + wait_seconds
    folder = f"s3://{bucket}/{keys[0].rpartition('/')[0]}"
    problem = ""
    while True:
        try:
            found = {key.rpartition("/")[2]: last_lines(s3, bucket, key) for key in keys}
        except PlatformError as error:
            problem = f" ({error})"
        else:
            for name, lines in found.items():
                if lines:
                    return f"{name} ends with:\n{lines}"
            if None not in found.values():
                return f"it printed nothing to {folder}"
        if time.monotonic() >= end:
            return f"no log came to {folder} within {wait_seconds:.0f} s{problem}"
        time.sleep(min(5, wait_seconds / 10))


def last_lines(s3: Any, bucket: str, key: str) -> str | None:
    """The last lines of a gzipped text; None where there is no such object."""
    content = content_of(s3, bucket, key)
    if content is None:
        return None
    lines = gzip.decompress(content).decode(errors="replace").strip().splitlines()
    return "\n".join(lines[-LINES:])[-LENGTH:]
