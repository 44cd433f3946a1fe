"""An HTTP server on 127.0.0.1 that lives in a thread; what it answers is the caller's."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self
from urllib.parse import parse_qsl, urlsplit

_LONGEST_SILENCE_SECONDS = 120.0
_STOPS_WITHIN_SECONDS = 0.1


@dataclass(frozen=True)
class Request:
    """A GET request; the names of headers are in lower case."""

    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]


@dataclass(frozen=True)
class Reply:
    """What to send: `truncated` breaks the connection half-way, `silent` sends nothing at all."""

    body: bytes
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    truncated: bool = False
    silent: bool = False


class LoopbackServer:
    """Serves `respond` on a free port between `start` and `stop`; a context manager of both."""

    def __init__(self, respond: Callable[[Request], Reply]) -> None:
        self._reply_to = respond
        self._server: ThreadingHTTPServer | None = None
        self._thread: threading.Thread | None = None
        self._stopping = threading.Event()

    @property
    def url(self) -> str:
        """`http://127.0.0.1:<port>`; `RuntimeError` unless started."""
        if self._server is None:
            raise RuntimeError("the server is not started")
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def start(self) -> Self:
        """Listen; nothing happens if it does already."""
        if self._server is None:
            self._stopping.clear()
            self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
            self._thread = threading.Thread(
                target=self._server.serve_forever,
                kwargs={"poll_interval": _STOPS_WITHIN_SECONDS},
                name="loopback-http",
                daemon=True,
            )
            self._thread.start()
        return self

    def stop(self) -> None:
        """Stop listening and wait for it; nothing happens unless started."""
        if self._server is not None and self._thread is not None:
            self._stopping.set()
            self._server.shutdown()
            self._server.server_close()
            self._thread.join()
            self._server = self._thread = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        reply_to, stopping = self._reply_to, self._stopping

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True  # headers and body are two writes
            timeout = _LONGEST_SILENCE_SECONDS  # of an idle kept-alive connection

            def do_GET(self) -> None:
                address = urlsplit(self.path)
                reply = reply_to(
                    Request(
                        path=address.path,
                        query=dict(parse_qsl(address.query)),
                        headers={name.lower(): value for name, value in self.headers.items()},
                    )
                )
                if reply.silent:
                    stopping.wait(_LONGEST_SILENCE_SECONDS)
                    self.close_connection = True
                    return
                self.send_response(reply.status)
                for name, value in reply.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(reply.body)))
                self.end_headers()
                if reply.truncated:
                    self.wfile.write(reply.body[: len(reply.body) // 2])
                    self.close_connection = True
                    return
                self.wfile.write(reply.body)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name it overrides
                """Stay silent: requests are the client's to report."""

        return Handler
