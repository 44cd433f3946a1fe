"""Captured answers of listings/latest, served again as if their moment were now.

A capture's clock is its own `status.timestamp`, so it shows the hour that had closed last then.
Of several captures of one hour the last one counts.
"""

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from coin_platform.errors import PermanentError, SettingsError
from coin_platform.partitions import Window, instant_text, last_closed_hour
from coin_platform.resources.coinmarketcap.client import CoinMarketCap
from coin_platform.resources.coinmarketcap.interface import Plan, QuoteSource, Snapshot
from coin_platform.resources.coinmarketcap.transport import (
    SIMULATED_HEADER,
    Transport,
    instant,
    whole_number,
)
from coin_platform.simulator.loopback import LoopbackServer, Reply, Request

_LISTINGS = "/cryptocurrency/listings/latest"
_CAPTURES = "/captures/"


@dataclass(frozen=True)
class Capture:
    """A file that holds one answer, and the vendor's clock when it was given."""

    path: Path
    taken_at: datetime

    @property
    def hour(self) -> datetime:
        """The hour that had closed last when it was taken: the one it shows."""
        return last_closed_hour(self.taken_at)


def captures(path: Path) -> list[Capture]:
    """The capture at a path, or those in a folder (`*.json`, not below), oldest first.

    Raises `SettingsError` that names the file and what is wrong: missing, not JSON, an error
    answer, without `status.timestamp`, without coins; or that the folder has none.
    """
    if path.is_dir():
        files = sorted(path.glob("*.json"))
        if not files:
            raise SettingsError(f"the folder {path} holds no captured answer (*.json)")
    else:
        files = [path]
    found = []
    for file in files:
        status = _load(file)["status"]
        taken_at = instant(status.get("timestamp"))
        if taken_at is None:
            raise SettingsError(
                f"{file} says in status.timestamp no instant when it was taken "
                f"({status.get('timestamp')!a}), so no hour can be told"
            )
        found.append(Capture(file, taken_at))
    return sorted(found, key=lambda capture: (capture.taken_at, capture.path))


class ReplayServer(LoopbackServer):
    """Serves captures over HTTP on loopback between `start` and `stop`.

    `url_of` a capture is a base address for the ordinary client; `start` and `limit` are honoured.
    Whichever version of listings/latest is asked for, the answer has the shape that was captured.
    """

    def __init__(self, path: Path) -> None:
        """Raises what `captures` raises."""
        super().__init__(self._respond)
        self.captures = captures(path)

    def url_of(self, capture: Capture) -> str:
        """`RuntimeError` unless started."""
        return f"{self.url}{_CAPTURES}{self.captures.index(capture)}"

    def _respond(self, request: Request) -> Reply:
        number, _, path = request.path.removeprefix(_CAPTURES).partition("/")
        if not number.isdecimal() or not path.endswith(_LISTINGS):
            refusal = {"error_code": 1006, "error_message": "A replay holds listings/latest only."}
            return Reply(json.dumps({"status": refusal}).encode(), 403)
        body = _load(self.captures[int(number)].path)
        first = int(request.query.get("start", 1)) - 1
        body["data"] = body["data"][first : first + int(request.query.get("limit", 100))]
        # The simulated market marks its bodies, too, so that a capture of it cannot pass for real.
        mark = body["status"].get("simulated_market")
        return Reply(
            json.dumps(body).encode(),
            headers={"Content-Type": "application/json"}
            | ({SIMULATED_HEADER: mark} if mark else {}),
        )


class Replay(QuoteSource):
    """All captures of a file or a folder as one source; nothing is read before the first call."""

    def __init__(self, path: Path, *, currency: str = "USD") -> None:
        self._path = path
        self._currency = currency
        self._lock = threading.Lock()
        self._server: ReplayServer | None = None

    def close(self) -> None:
        with self._lock:
            if self._server is not None:
                self._server.stop()
                self._server = None

    def now(self) -> datetime:
        """When the newest capture was taken."""
        return self._open().captures[-1].taken_at

    def plan(self) -> Plan:
        return Plan("replay", None, None, None)

    def oldest_hour(self) -> datetime | None:
        return self._open().captures[0].hour

    def snapshots(
        self, window: Window, coins: int, progress: Callable[[str], None] = lambda _: None
    ) -> Iterator[Snapshot]:
        """See `QuoteSource`; only hours that a capture shows can be had."""
        server = self._open()
        of_hour = {capture.hour: capture for capture in server.captures}
        missing = [hour for hour in window.hours if hour not in of_hour]
        if missing:
            raise PermanentError(
                f"no capture in {self._path} shows the hour {instant_text(missing[0])}"
                + (f" and {len(missing) - 1:,} more of {window}" if len(missing) > 1 else "")
                + f"; it has {', '.join(instant_text(hour) for hour in of_hour)}"
            )
        return self._snapshots(server, [of_hour[hour] for hour in window.hours], coins, progress)

    def _snapshots(
        self,
        server: ReplayServer,
        wanted: list[Capture],
        coins: int,
        progress: Callable[[str], None],
    ) -> Iterator[Snapshot]:
        for capture in wanted:
            transport = Transport(server.url_of(capture))
            clock = partial(_taken_at, capture)
            with CoinMarketCap(transport, currency=self._currency, clock=clock) as client:
                yield from client.snapshots(Window.of_hour(capture.hour), coins, progress)

    def _open(self) -> ReplayServer:
        with self._lock:
            if self._server is None:
                self._server = ReplayServer(self._path).start()
            return self._server


def _taken_at(capture: Capture) -> datetime:
    return capture.taken_at


def _load(file: Path) -> dict[str, Any]:
    """The body in a file, with an object `status` and a list `data` that is not empty."""
    try:
        body = json.loads(file.read_bytes())
    except OSError as error:
        raise SettingsError(f"{file} cannot be read ({error.strerror or error})") from error
    except ValueError as error:
        raise SettingsError(f"{file} is not JSON ({error})") from error
    status = body.get("status") if isinstance(body, dict) else None
    if not isinstance(status, dict):
        raise SettingsError(f"{file} is no captured answer: it has no object status")
    if whole_number(status.get("error_code", 0)) != 0:
        raise SettingsError(
            f"{file} holds an error of the vendor, not a listing: error_code "
            f"{status['error_code']!a}, {status.get('error_message')!a}"
        )
    data = body.get("data")
    if not isinstance(data, list) or not data:
        raise SettingsError(f"{file} lists no coins: data is not a list with something in it")
    return dict(body)
