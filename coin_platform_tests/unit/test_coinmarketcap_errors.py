"""Which of the vendor's errors stop a run and which are worth another attempt."""

import pytest

from coin_platform.errors import PermanentError, TransientError
from coin_platform.resources.coinmarketcap.errors import ThrottledError, failure

PATH = "/v3/cryptocurrency/listings/latest"


@pytest.mark.parametrize(
    ("code", "http", "remedy"),
    [
        (1001, 401, "COINMARKETCAP_API_KEY"),
        (1002, 401, "COINMARKETCAP_API_KEY"),
        (1003, 402, "activate the plan"),
        (1004, 402, "renew the plan"),
        (1005, 403, "COINMARKETCAP_API_KEY"),
        (1006, 403, "Basic serves"),
        (1007, 403, "another key"),
        (1009, 429, "00:00 UTC"),
        (1010, 429, "larger plan"),
        (400, 400, "report"),
        (4001, 400, "report"),
        (4002, 400, "report"),
        (None, 404, "COIN_PLATFORM_COINMARKETCAP_URL"),
        (None, 301, "COIN_PLATFORM_COINMARKETCAP_URL"),
    ],
)
def test_an_error_that_somebody_must_mend_is_permanent_and_says_how(code, http, remedy):
    error = failure(PATH, http, code, "the vendor's words")
    assert type(error) is PermanentError
    assert remedy in str(error)
    assert PATH in str(error)
    assert "the vendor's words" in str(error)


@pytest.mark.parametrize("code", [1008, 1011, 1022, None])
def test_throttling_is_transient_and_keeps_the_wait_that_was_asked_for(code):
    error = failure(PATH, 429, code, retry_after=7)
    assert isinstance(error, ThrottledError)
    assert error.retry_after == 7


@pytest.mark.parametrize(("code", "http"), [(500, 500), (None, 502), (None, 503), (500, 200)])
def test_a_failing_server_is_transient(code, http):
    assert type(failure(PATH, http, code)) is TransientError


def test_an_error_code_counts_also_when_http_says_ok():
    assert isinstance(failure(PATH, 200, 1010), PermanentError)
