"""What an error means to Dagster: a retry, or none."""

import dagster as dg
import pytest

from coin_platform.defs.failures import told_to_dagster
from coin_platform.errors import AccessError, PermanentError, TransientError

SLOW = "Generic S3 error: … 503 Service Unavailable: <Code>SlowDown</Code>"
DENIED = "Generic S3 error: … 403 Forbidden: <Code>AccessDenied</Code>"


def raised(error):
    with told_to_dagster():
        raise error


@pytest.mark.parametrize("error", [TransientError("busy"), OSError(SLOW)])
def test_what_may_pass_is_tried_again(error):
    with pytest.raises(dg.RetryRequested):
        raised(error)


@pytest.mark.parametrize("error", [PermanentError("no"), AccessError("no"), OSError(DENIED)])
def test_what_stays_fails_at_once_and_says_why(error):
    with pytest.raises(dg.Failure) as failure:
        raised(error)
    assert failure.value.allow_retries is False
    assert failure.value.description


def test_what_is_no_outside_fault_is_left_as_it_is():
    with pytest.raises(OSError, match="disk"):
        raised(OSError("no space left on disk"))
