"""What the vendor's error codes mean, whether trying again helps, and what to do otherwise.

The only place that knows the codes. Waiting and retrying is `transport.py`'s.
"""

from coin_platform.errors import PermanentError, TransientError

TOO_MANY_REQUESTS = 429

_KEY = "COINMARKETCAP_API_KEY"
_ACCOUNT = "https://pro.coinmarketcap.com/account"

# Codes that stop a run: meaning, and what to do about it.
PERMANENT = {
    400: ("the vendor calls a parameter of the request wrong", "report this request"),
    4001: ("the vendor calls a parameter of the request wrong", "report this request"),
    4002: ("the vendor calls a parameter of the request wrong", "report this request"),
    1001: ("the API key is not valid", f"set {_KEY} to the key shown at {_ACCOUNT}"),
    1002: ("the request carried no API key", f"set {_KEY} to the key shown at {_ACCOUNT}"),
    1003: ("the plan of the API key is not active", f"pay or activate the plan at {_ACCOUNT}"),
    1004: ("the plan of the API key has expired", f"renew the plan at {_ACCOUNT}"),
    1005: ("this endpoint needs an API key", f"set {_KEY}; the free Basic plan has one"),
    1006: (
        "the plan of the API key does not include this request",
        f"choose a plan that does at {_ACCOUNT} (Basic serves intraday history of one month)",
    ),
    1007: ("the API key is disabled", f"ask the vendor, or make another key at {_ACCOUNT}"),
    1009: (
        "the plan's credits of today are used up",
        "run again after 00:00 UTC, or choose a larger plan",
    ),
    1010: (
        "the plan's credits of this month are used up",
        f"run again when the plan's month starts anew (see {_ACCOUNT}), or choose a larger plan",
    ),
}

# Codes that say "not so fast".
THROTTLING = {
    1008: "the plan's requests per minute are used up",
    1011: "this address sends too many requests",
    1022: "the keyless API admits no more requests for now",
}


class ThrottledError(TransientError):
    """The vendor asks to slow down; `retry_after` is in seconds where it said for how long."""

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


def failure(
    where: str, http_status: int, code: int | None, said: str = "", retry_after: float | None = None
) -> PermanentError | TransientError:
    """The error to raise for an answer that is none.

    `where` is the request's path, `code` the answer's `error_code` (None where it had none), and
    `said` the vendor's own words, which the caller has cleared of secrets.
    """
    answered = f"{where} answered HTTP {http_status}" + (f", error {code}" if code else "")
    quoted = f" The vendor says: {said!r}." if said else ""
    if code in THROTTLING or (code not in PERMANENT and http_status == TOO_MANY_REQUESTS):
        meaning = THROTTLING.get(code or 0, "too many requests")
        return ThrottledError(
            f"{answered}: {meaning}; wait a minute and try again.{quoted}", retry_after
        )
    if code in PERMANENT:
        meaning, remedy = PERMANENT[code]
        return PermanentError(f"{answered}: {meaning}; {remedy}.{quoted}")
    if http_status >= 500 or http_status == 408 or code == 500:  # noqa: PLR2004 - HTTP's own numbers
        return TransientError(f"{answered}: the vendor's server failed; try again later.{quoted}")
    return PermanentError(
        f"{answered}, which this client does not know; check COIN_PLATFORM_COINMARKETCAP_URL "
        f"and the vendor's documentation.{quoted}"
    )
