"""The front door of the box, a process of its own: moto, faults, and the way to the doubles.

A process of its own because `deltalake` waits for some answers with Python's lock held: of a server
in the same process it would wait for ever. `/box-api/` is for the box itself.
"""

import json
import logging
import sys
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import requests
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

CONTROL = "/box-api/"
Start = Callable[[str, list[tuple[str, str]]], object]


@dataclass
class Fault:
    """What some calls of a service answer instead.

    `action` and the beginning of the `path` narrow it down, empty for any.
    """

    service: str
    times: int
    status: int
    code: str
    message: str
    action: str
    path: str


@dataclass
class Front:
    """Answers as AWS. What the doubles serve goes to `doubles_url`, by target or by path."""

    doubles_url: str
    targets: list[str] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    calls: list[tuple[str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.moto = DomainDispatcherApplication(create_backend_app)
        self.guard = threading.Lock()

    def __call__(self, environ: dict[str, Any], start: Start) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        if path.startswith(CONTROL):
            return self.control(path.removeprefix(CONTROL), environ, start)
        if path.startswith("/moto-api"):
            return self.moto(environ, start)
        target, _, action = environ.get("HTTP_X_AMZ_TARGET", "").rpartition(".")
        service, action = service_of(environ), action or environ["REQUEST_METHOD"]
        self.calls.append((service, action))
        fault = self.fault(service, action, path)
        if fault is not None:
            body_of(environ)  # or the client's connection is of no use afterwards
            return refused(start, service, fault)
        if target in self.targets or path.startswith(tuple(self.paths)):
            return self.forwarded(environ, start)
        return self.moto(environ, start)

    def control(self, what: str, environ: dict[str, Any], start: Start) -> Iterable[bytes]:
        """Read or change what the front does."""
        given = json.loads(body_of(environ) or b"{}")
        with self.guard:
            if what == "fail":
                self.faults.append(Fault(**given))
            elif what == "serve":
                self.targets, self.paths = given["targets"], given["paths"]
            elif what == "forget":
                self.faults.clear()
                self.calls.clear()
            calls = json.dumps(self.calls).encode()
        return said(start, "200 OK", "application/json", calls)

    def fault(self, service: str, action: str, path: str) -> Fault | None:
        with self.guard:
            for fault in self.faults:
                meant = fault.service == service and fault.action in ("", action)
                if meant and path.startswith(fault.path) and fault.times > 0:
                    fault.times -= 1
                    return fault
        return None

    def forwarded(self, environ: dict[str, Any], start: Start) -> Iterable[bytes]:
        names = ("HTTP_X_AMZ_TARGET", "CONTENT_TYPE")
        headers = {
            name.removeprefix("HTTP_").replace("_", "-"): environ[name]
            for name in names
            if environ.get(name)
        }
        query = environ.get("QUERY_STRING")
        answer = requests.request(
            environ["REQUEST_METHOD"],
            self.doubles_url + environ["PATH_INFO"] + (f"?{query}" if query else ""),
            headers=headers,
            data=body_of(environ),
            timeout=60,
        )
        kept = [(k, v) for k, v in answer.headers.items() if k.lower().startswith("x-amzn-")]
        kind = answer.headers.get("Content-Type", "application/json")
        return said(start, f"{answer.status_code} Said", kind, answer.content, kept)


def service_of(environ: dict[str, Any]) -> str:
    """The service that a request is signed for."""
    signed = environ.get("HTTP_AUTHORIZATION", "").partition("Credential=")[2]
    parts = signed.partition(",")[0].split("/")
    return parts[3] if len(parts) > 3 else "s3"


def body_of(environ: dict[str, Any]) -> bytes:
    body: bytes = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    return body


def refused(start: Start, service: str, fault: Fault) -> Iterable[bytes]:
    status = f"{fault.status} Fault"
    if service != "s3":
        text = json.dumps({"__type": fault.code, "message": fault.message}).encode()
        kind = [("x-amzn-ErrorType", fault.code)]
        return said(start, status, "application/x-amz-json-1.1", text, kind)
    text = f"<Error><Code>{fault.code}</Code><Message>{fault.message}</Message></Error>".encode()
    return said(start, status, "application/xml", text)


def said(
    start: Start,
    status: str,
    kind: str,
    text: bytes,
    more: Iterable[tuple[str, str]] = (),
) -> Iterable[bytes]:
    start(status, [("Content-Type", kind), ("Content-Length", str(len(text))), *more])
    return [text]


def main() -> None:
    """Serve until the parent closes our standard input; the port is the first line printed."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = make_server("127.0.0.1", 0, Front(sys.argv[1]), threaded=True)
    print(server.port, flush=True)  # noqa: T201  the parent reads it
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdin.read()


if __name__ == "__main__":
    main()
