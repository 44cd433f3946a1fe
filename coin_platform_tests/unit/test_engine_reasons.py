"""Which of an engine's failures may pass, told by texts as the libraries really gave them."""

import pytest
from deltalake.exceptions import CommitFailedError, DeltaError
from py4j.protocol import Py4JError
from pyspark.errors import PySparkException

from coin_platform.errors import PermanentError, TransientError
from coin_platform.resources.engine.reasons import explained

PASSING = [
    OSError(
        "Generic S3 error\n\x1b[31m↳\x1b[0m Error performing list request\n\x1b[31m↳\x1b[0m after "
        "10 retries - Server returned non-2xx status code\n\x1b[31m↳\x1b[0m 503 Service Unavailable"
    ),
    OSError("When reading key 'x': AWS Error UNKNOWN (HTTP status 503) during HeadObject"),
    OSError("When reading key 'x': AWS Error NETWORK_CONNECTION during HeadObject operation"),
    PySparkException("Server returned non-2xx status code: 500 Internal Server Error:"),
    DeltaError("Generic S3 error: Error after 10 retries: 503 Service Unavailable"),
    CommitFailedError("another writer was quicker"),
    Py4JError("An error occurred while calling o1.save.\n: S3Exception: Please reduce your request "
              "rate. (Service: S3, Status Code: 503, Request ID: 1)"),
    Py4JError("An error occurred while calling o1.save.\n: io.delta.exceptions."
              "ConcurrentAppendException: [DELTA_CONCURRENT_APPEND] Files were added"),
]  # fmt: skip
LASTING = [
    OSError("When reading key 'x': AWS Error ACCESS_DENIED during HeadObject operation"),
    OSError("Generic S3 error\n 403 Forbidden <Code>AccessDenied</Code>"),
    PySparkException("column price not found among 503 columns"),
    DeltaError("invalid table"),
    Py4JError("An error occurred while calling o1.save.\n: java.lang.NullPointerException"),
]


@pytest.mark.parametrize("error", PASSING, ids=str)
def test_what_may_pass_is_transient(error):
    with (
        pytest.raises(TransientError, match="processed/coins, an hour: "),
        explained("processed/coins, an hour"),
    ):
        raise error


@pytest.mark.parametrize("error", LASTING, ids=str)
def test_what_stays_is_permanent(error):
    with pytest.raises(PermanentError, match="processed/coins: "), explained("processed/coins"):
        raise error


def test_the_stack_of_a_jvm_is_left_out():
    text = "An error occurred\n: java.lang.NullPointerException\n\tat org.x.Y(Y.scala:1)\n\tat z"
    with pytest.raises(PermanentError) as failed, explained("x"):
        raise Py4JError(text)
    assert str(failed.value) == "x: An error occurred : java.lang.NullPointerException"


def test_a_reason_is_a_few_plain_words():
    with pytest.raises(TransientError) as failed, explained("x"):
        raise PASSING[0]
    assert str(failed.value) == (
        "x: Generic S3 error Error performing list request after 10 retries - "
        "Server returned non-2xx status code 503 Service Unavailable"
    )


@pytest.mark.parametrize("error", [FileNotFoundError(2, "no such file"), KeyError("x")], ids=str)
def test_what_is_not_of_an_engine_is_left_as_it_is(error):
    with pytest.raises(type(error)), explained("x"):
        raise error
