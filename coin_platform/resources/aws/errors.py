"""What an error of an AWS service means: try again later, or change something first."""

from collections.abc import Callable, Container, Iterator
from contextlib import contextmanager
from typing import Any

from coin_platform.errors import AccessError, PermanentError, TransientError

THROTTLED = {
    "Throttling", "ThrottlingException", "ThrottledException", "TooManyRequestsException",
    "RequestLimitExceeded", "RequestThrottled", "RequestThrottledException", "SlowDown",
    "BandwidthLimitExceeded", "PriorRequestNotComplete", "LimitExceededException",
}  # fmt: skip
FAILING = {
    "InternalError", "InternalFailure", "InternalServerError", "InternalServerException",
    "ServiceUnavailable", "ServiceUnavailableException", "RequestTimeout",
    "RequestTimeoutException",
}  # fmt: skip
EXPIRED = {
    "ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired", "RequestExpired",
    "InvalidClientTokenId", "UnrecognizedClientException", "InvalidAccessKeyId",
}  # fmt: skip
DENIED = {
    "AccessDenied", "AccessDeniedException", "AccessDeniedFault", "UnauthorizedOperation",
    "UnauthorizedException", "Forbidden", "403",
}  # fmt: skip
SERVER_ERROR = 500


@contextmanager
def explained(doing: str) -> Iterator[None]:
    """Turn what botocore raises into the platform's errors, with AWS's own words.

    `doing` says what was attempted, as in "starting task task-01".
    """
    from botocore import exceptions as aws

    try:
        yield
    except aws.ClientError as error:
        raise meaning(error, doing) from error
    except (aws.NoCredentialsError, aws.PartialCredentialsError) as error:
        raise PermanentError(
            f"{doing}: AWS has no credentials for us ({error}); log in (`aws sso login`), or give "
            "this machine a role; `coin-platform doctor` says who we are to AWS"
        ) from error
    except (aws.ConnectionError, aws.HTTPClientError) as error:
        raise TransientError(f"{doing}: AWS was not reached ({error})") from error
    except aws.BotoCoreError as error:
        raise PermanentError(f"{doing}: {error}") from error


def meaning(error: Exception, doing: str) -> PermanentError | TransientError:
    """The platform's error for an answer of a service."""
    answer = getattr(error, "response", {})
    code, message = said(error)
    status = answer.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    text = f"{doing}: {code}: {message}" if message else f"{doing}: {code}"
    if code in THROTTLED:
        return TransientError(f"{text} (AWS throttles us)")
    if code in FAILING or status >= SERVER_ERROR:
        return TransientError(f"{text} (AWS fails for the moment)")
    if code in EXPIRED:
        return TransientError(f"{text}: the credentials are no longer valid; renew them")
    if code in DENIED:
        operation = getattr(error, "operation_name", "the call")
        return AccessError(f"{text}: the role that we have may not do {operation}")
    return PermanentError(text)


def unless(codes: Container[str], call: Callable[..., Any], **parameters: Any) -> Any:
    """The answer of a call; None where the service answers with one of these codes, raises else.

    For what may rightly not be there, or be there already. What is raised is botocore's: call it
    where that is `explained`.
    """
    from botocore.exceptions import ClientError

    try:
        return call(**parameters)
    except ClientError as error:
        if said(error)[0] in codes:
            return None
        raise


def said(error: Exception) -> tuple[str, str]:
    """The code and the message of a service's answer."""
    problem = getattr(error, "response", {}).get("Error", {})
    return str(problem.get("Code", "Unknown")), str(problem.get("Message", "")).strip()
