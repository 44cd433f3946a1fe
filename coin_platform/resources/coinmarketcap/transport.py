"""One request to the vendor's API, tried again where that helps: HTTP, the key, waiting.

What is asked and what the answer's data mean is not known here.
"""

import json
import logging
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import requests

from coin_platform.errors import PermanentError, SettingsError, TransientError
from coin_platform.partitions import utc_now
from coin_platform.resources.coinmarketcap.errors import ThrottledError, failure

KEY_HEADER = "X-CMC_PRO_API_KEY"
KEYLESS_PREFIX = "/public-api"
SIMULATED_HEADER = "X-Simulated-Market"

_LOG = logging.getLogger(__name__)
_LONGEST_BACKOFF_SECONDS = 30.0
_LONGEST_QUOTATION = 300


@dataclass(frozen=True)
class Answer:
    """An answer without error: its `data`, and what its status says of it.

    `timestamp` is the vendor's clock, None where it did not say; `simulated` tells an answer of
    the simulated market from the vendor's.
    """

    endpoint: str
    data: Any
    credits: int
    timestamp: datetime | None
    simulated: bool


@dataclass(frozen=True)
class Patience:
    """How long to try for one answer, and to wait for a connection and for each read of it."""

    attempts: int = 6
    total_seconds: float = 300
    connect_seconds: float = 10
    read_seconds: float = 60


_PATIENT = Patience()


class Transport:
    """The API at a base address, with a key or keyless.

    The key travels in a header only, over HTTPS only (loopback excepted), and never along a
    redirect.
    """

    def __init__(
        self,
        url: str,
        key: str | None = None,
        *,
        patience: Patience = _PATIENT,
        clock: Callable[[], datetime] = utc_now,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Raises `SettingsError` for a key that cannot be one or would travel in the clear."""
        self.keyless = key is None
        self._url = url.rstrip("/")
        self._patience = patience
        self._clock = clock
        self._sleep = sleep
        self._key = key
        self._session = requests.Session()
        address = urlsplit(url)
        on_loopback = address.hostname in ("127.0.0.1", "localhost", "::1")
        self._session.trust_env = not on_loopback  # a proxy knows nothing of our loopback
        if key is not None:
            if address.scheme != "https" and not on_loopback:
                raise SettingsError(
                    f"the API key is sent over https only, not to {url}; "
                    "correct COIN_PLATFORM_COINMARKETCAP_URL"
                )
            if not key.isascii() or not key.isprintable() or " " in key or not key:
                raise SettingsError(
                    "COINMARKETCAP_API_KEY holds characters that no key has "
                    "(a space, a line break, a quotation mark?); copy it again"
                )
            self._session.headers[KEY_HEADER] = key
        self._session.headers["Accept"] = "application/json"

    def close(self) -> None:
        self._session.close()

    def get(self, path: str, params: Mapping[str, str | int] | None = None) -> Answer:
        """The answer of one endpoint.

        Raises `PermanentError` at once where trying again cannot help, and `TransientError` when
        every attempt failed or the wait that the vendor asks for is too long.
        """
        started = self._clock()
        most = self._patience.attempts
        attempt = 0
        while True:
            attempt += 1
            try:
                return self._once(path, params or {})
            except TransientError as error:
                elapsed = (self._clock() - started).total_seconds()
                delay = self._delay(error, attempt)
                if attempt >= most or elapsed + delay > self._patience.total_seconds:
                    raise TransientError(
                        f"{error} Gave up after {attempt} of {most} attempts in "
                        f"{elapsed:.0f} s; the next would have been due in {delay:.0f} s."
                    ) from error
                _LOG.warning("%s Attempt %d, next in %.1f s.", error, attempt, delay)
            self._sleep(delay)

    def _delay(self, error: TransientError, attempt: int) -> float:
        """Seconds until the next attempt."""
        jitter = random.random()  # noqa: S311 - spreads requests, guards nothing
        if isinstance(error, ThrottledError):
            if error.retry_after is not None:
                return error.retry_after
            now = self._clock()
            return 60 - now.second - now.microsecond / 1e6 + jitter
        return min(_LONGEST_BACKOFF_SECONDS, 2.0 ** (attempt - 1)) * (0.5 + jitter / 2)

    def _once(self, path: str, params: Mapping[str, str | int]) -> Answer:
        where = (KEYLESS_PREFIX if self.keyless else "") + path
        url = self._url + where
        timeouts = (self._patience.connect_seconds, self._patience.read_seconds)
        try:
            response = self._session.get(
                url, params=params, timeout=timeouts, allow_redirects=False
            )
        except (
            requests.ConnectionError,
            requests.Timeout,
            requests.exceptions.ChunkedEncodingError,
            requests.exceptions.ContentDecodingError,
        ) as error:
            reason = self._cleared(_root_cause(error))
            if "CERTIFICATE_VERIFY_FAILED" in reason:
                raise PermanentError(
                    f"the certificate of {urlsplit(url).netloc} is not trusted ({reason}); "
                    "check the address, a proxy in between, and the machine's clock"
                ) from error
            raise TransientError(f"{where}: no whole answer came ({reason}).") from error
        except requests.RequestException as error:
            raise PermanentError(
                f"{where} cannot be asked for ({self._cleared(str(error))}); "
                "check COIN_PLATFORM_COINMARKETCAP_URL"
            ) from error
        return self._read(where, response)

    def _read(self, where: str, response: requests.Response) -> Answer:
        http_status = response.status_code
        try:
            body = json.loads(response.content)
        except (ValueError, RecursionError):
            body = None
        status = body.get("status") if isinstance(body, dict) else None
        status = status if isinstance(status, dict) else {}
        code = whole_number(status.get("error_code"))
        if http_status == requests.codes.ok and not isinstance(body, dict):
            raise TransientError(
                f"{where} answered HTTP 200 with a body that is no JSON object "
                f"({len(response.content):,} bytes, cut off or a page for people)."
            )
        if http_status != requests.codes.ok or code:
            said = self._cleared(str(status.get("error_message") or ""))
            raise failure(where, http_status, code, said, _retry_after(response, self._clock()))
        if code is None or "data" not in body:
            raise PermanentError(
                f"{where} answered HTTP 200 without status.error_code or data; "
                "check COIN_PLATFORM_COINMARKETCAP_URL, or the vendor changed its answers"
            )
        return Answer(
            endpoint=where,
            data=body["data"],
            credits=whole_number(status.get("credit_count")) or 0,
            timestamp=instant(status.get("timestamp")),
            simulated=SIMULATED_HEADER in response.headers,
        )

    def _cleared(self, text: str) -> str:
        """The text without the key, shortened."""
        if self._key:
            text = text.replace(self._key, "***")
        return text[:_LONGEST_QUOTATION]


def whole_number(value: Any) -> int | None:
    """An integer that the vendor gives as a number or as digits; None for anything else."""
    if isinstance(value, str) and value.isdecimal():
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def instant(value: Any) -> datetime | None:
    """An ISO 8601 text as an instant in UTC; None for anything else."""
    try:
        parsed = datetime.fromisoformat(value)
        return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)
    except (TypeError, ValueError, OverflowError):
        return None


def _retry_after(response: requests.Response, now: datetime) -> float | None:
    """Seconds from now that `Retry-After` asks for, in either of its two forms (RFC 9110)."""
    text = response.headers.get("Retry-After", "")
    if text.isdecimal():
        return float(text)
    try:
        return max(0.0, (parsedate_to_datetime(text) - now).total_seconds())
    except (TypeError, ValueError):
        return None


def _root_cause(error: requests.RequestException) -> str:
    """The innermost reason, without the layers that requests and urllib3 put around it."""
    cause = error.args[0] if error.args else error
    return str(getattr(cause, "reason", cause)) or type(error).__name__
