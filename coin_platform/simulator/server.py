"""The simulated market over HTTP: the vendor's endpoints, errors and, on request, its failures."""

import math
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import lru_cache

import numpy as np

from coin_platform.partitions import HOUR, last_closed_hour
from coin_platform.settings import MOST_COINS
from coin_platform.simulator.answers import (
    Ranking,
    error,
    history,
    hour_number,
    key_info,
    ok,
)
from coin_platform.simulator.faults import (
    HTTP_STATUS,
    BadValue,
    Fault,
    Faults,
    MovingRanking,
)
from coin_platform.simulator.loopback import LoopbackServer, Reply, Request
from coin_platform.simulator.market import Market

_KEYLESS = "/public-api"
_LARGEST_PAGE = 5000
_MOST_POINTS = 10_000
_COINS_PER_CREDIT = {1: 200, 3: 250}
_POINTS_PER_CREDIT = 100


def _now() -> datetime:
    return datetime.now(UTC)


class SimulatedMarket(LoopbackServer):
    """A market of `coins` coins under a seed, served on loopback between `start` and `stop`.

    The listing shows the close of the hour that closed last by `clock`, so it equals the history
    of that hour. Every answer carries the header `X-Simulated-Market`. `faults` are what goes
    wrong, see `faults.py`; `requests` lists the paths asked for, for tests.
    """

    def __init__(
        self,
        seed: int = 7,
        coins: int = MOST_COINS,
        *,
        clock: Callable[[], datetime] = _now,
        faults: Faults = (),
    ) -> None:
        super().__init__(self._respond)
        self.market = Market(seed, coins)
        self.requests: list[str] = []
        self._clock = clock
        self._pending = [f for f in faults if isinstance(f, Fault) for _ in range(f.times)]
        self._moved_by = sum(fault.by for fault in faults if isinstance(fault, MovingRanking))
        self._bad = [fault for fault in faults if isinstance(fault, BadValue)]
        self._lock = threading.Lock()
        self._ranking = lru_cache(maxsize=2)(lambda hour: Ranking(self.market, hour))

    def _respond(self, request: Request) -> Reply:
        version = 3 if "/v3/" in request.path else 1
        with self._lock:
            self.requests.append(request.path)
            fault = next((f for f in self._pending if f.path in request.path), None)
            if fault is not None:
                self._pending.remove(fault)
        try:
            body = self._answer(request, version)
        except _RefusedError as refused:
            return self._refusal(refused.code, refused.message, version)
        return (
            self._spoiled(fault, body, version) if fault else Reply(body, headers=self._headers())
        )

    def _spoiled(self, fault: Fault, body: bytes, version: int) -> Reply:
        """The reply in which a fault shows; `body` is what it should have been."""
        headers = self._headers()
        match fault.kind:
            case "html":
                page = b"<html><body><h1>502 Bad Gateway</h1></body></html>"
                return Reply(page, 502, {**headers, "Content-Type": "text/html"})
            case "cut_off":
                return Reply(body, headers=headers, truncated=True)
            case "half_json":
                return Reply(body[: len(body) // 2], headers=headers)
            case "silent":
                return Reply(b"", silent=True)
            case "empty":
                return Reply(self._ok([], version, 0), headers=headers)
            case int(code):
                message = f"Simulated error {code}."
                return self._refusal(code, message, version, fault.retry_after)

    def _answer(self, request: Request, version: int) -> bytes:
        keyless = request.path.startswith(_KEYLESS)
        path = request.path.removeprefix(_KEYLESS)
        if not keyless and not request.headers.get("x-cmc_pro_api_key"):
            raise _RefusedError(1002, "API key missing.")
        if path in ("/v1/cryptocurrency/listings/latest", "/v3/cryptocurrency/listings/latest"):
            return self._listing(request, version)
        if keyless:
            raise _RefusedError(1005, "An API Key is required for this call.")
        if path == "/v3/cryptocurrency/quotes/historical":
            return self._history(request)
        if path == "/v1/key/info":
            return self._ok(key_info(), version, 0)
        raise _RefusedError(404, "The requested resource does not exist.")

    def _listing(self, request: Request, version: int) -> bytes:
        start = _whole(request, "start", 1, least=1, most=5_000_000)
        limit = _whole(request, "limit", 100, least=1, most=_LARGEST_PAGE)
        self._require_usd(request)
        ranking = self._ranking(hour_number(last_closed_hour(self._clock())))
        first = start - 1
        moved = self._moved_by if first else 0
        first = max(0, first - moved)
        page = ranking.page(first, first + limit, version, self._bad, newer_by=1 if moved else 0)
        credits_used = math.ceil(len(page) / _COINS_PER_CREDIT[version])
        total = {"total_count": len(ranking)} if version == 1 else {}
        return self._ok(page, version, credits_used, **total)

    def _history(self, request: Request) -> bytes:
        self._require_usd(request)
        if request.query.get("interval") != "hourly":
            raise _RefusedError(400, "This simulator serves the interval hourly only.")
        count = _whole(request, "count", 10, least=1, most=_MOST_POINTS)
        try:
            ids = [int(text) for text in request.query["id"].split(",")]
            start = datetime.fromisoformat(request.query["time_start"])
            end = datetime.fromisoformat(request.query["time_end"])
        except (KeyError, ValueError):
            raise _RefusedError(400, '"id", "time_start" or "time_end" is invalid.') from None
        now = self._clock()
        # An hour's point is there once it is over; it lies up to 65 s before the hour's end.
        first = hour_number(start + timedelta(seconds=65) + HOUR - timedelta.resolution) - 1
        last = min(hour_number(end) - 1, hour_number(now) - 1)
        hours = np.arange(first, max(first, last + 1))[:count]
        known = [self.market.row_of[i] for i in ids if i in self.market.row_of]
        rows = np.array(known, dtype=np.int64)
        data = history(self.market, rows, hours, now, self._bad)
        points = sum(len(coin["quotes"]) for coin in data.values())
        return self._ok(data, 3, math.ceil(points / _POINTS_PER_CREDIT))

    def _ok(self, data: object, version: int, credits_used: int, **more: int) -> bytes:
        mark = f"seed={self.market.seed}"
        return ok(data, version, self._clock(), credits_used, simulated_market=mark, **more)

    def _refusal(
        self, code: int, message: str, version: int, retry_after: int | None = None
    ) -> Reply:
        headers = self._headers()
        if retry_after is not None:
            headers["Retry-After"] = str(retry_after)
        body = error(code, message, version, self._clock())
        return Reply(body, HTTP_STATUS.get(code, 500), headers)

    def _headers(self) -> dict[str, str]:
        return {
            "Content-Type": "application/json; charset=utf-8",
            "X-Simulated-Market": f"seed={self.market.seed}",
        }

    @staticmethod
    def _require_usd(request: Request) -> None:
        if request.query.get("convert", "USD") != "USD":
            raise _RefusedError(400, 'Invalid value for "convert": only USD.')


class _RefusedError(Exception):
    """The request is answered with an error of the vendor's table."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def _whole(request: Request, name: str, default: int, *, least: int, most: int) -> int:
    text = request.query.get(name, str(default))
    if not text.isdecimal() or not least <= int(text) <= most:
        raise _RefusedError(400, f'"{name}" must be a whole number from {least} to {most}')
    return int(text)
