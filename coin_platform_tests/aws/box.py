"""AWS in a box: one address at which moto and the doubles answer as AWS does, faults included."""

import json
import logging
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qsl

import boto3
import requests
from werkzeug.serving import make_server

from coin_platform_tests.aws.doubles import ApiError, Double, RestDouble
from coin_platform_tests.aws.front import CONTROL, Start, body_of, said

REGION = "us-east-1"
PROJECT = "coins-in-a-box"
LAYERS = ("raw", "processed", "curated", "platform")


class Box:
    """Answers on 127.0.0.1 until it is closed.

    The doubles live in this process, so that a test can tell them what to do; the front door and
    moto in another (`front.py`).
    """

    def __init__(self) -> None:
        self.doubles: list[Double | RestDouble] = []
        self._clients: dict[str, Any] = {}
        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        self._server = make_server("127.0.0.1", 0, self._answer, threaded=True)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        self._front = subprocess.Popen(
            [
                *(sys.executable, "-m", "coin_platform_tests.aws.front"),
                f"http://127.0.0.1:{self._server.port}",
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.url = f"http://127.0.0.1:{int(self._front.stdout.readline())}"

    def close(self) -> None:
        for double in self.doubles:
            double.close()
        self._front.stdin.close()
        self._front.wait(timeout=30)
        self._front.stdout.close()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def environment(self) -> dict[str, str]:
        """What makes a process take this for AWS."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ALLOW_HTTP": "true",  # Sail's S3 refuses it otherwise
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": "/dev/null",
            "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        }

    def client(self, service: str) -> Any:
        """A client of a test, which is no part of what is tested."""
        if service not in self._clients:
            self._clients[service] = boto3.session.Session().client(
                service,
                region_name=REGION,
                endpoint_url=self.url,
                aws_access_key_id="testing",
                aws_secret_access_key="testing",
            )
        return self._clients[service]

    def serve(self, *doubles: Double | RestDouble) -> None:
        """Let these doubles answer for their services, until the next test."""
        self.doubles.extend(doubles)
        self._register()

    def reset(self) -> None:
        """Forget everything: doubles, faults, and what is in moto."""
        for double in self.doubles:
            double.close()
        self.doubles.clear()
        self._register()
        requests.post(f"{self.url}/moto-api/reset", timeout=10).raise_for_status()
        self.mend()

    def fail(  # noqa: PLR0913  the parts of a fault
        self,
        service: str,
        times: int,
        *,
        status: int = 400,
        code: str = "ThrottlingException",
        message: str = "Rate exceeded",
        action: str = "",
        path: str = "",
    ) -> None:
        """Let the next calls of a service (`s3`, `dms`, …) fail."""
        self._control(
            "fail",
            service=service,
            times=times,
            status=status,
            code=code,
            message=message,
            action=action,
            path=path,
        )

    def mend(self) -> None:
        """Let nothing fail any longer, and forget the calls made so far."""
        self._control("forget")

    def calls(self) -> list[tuple[str, str]]:
        """Every call since `mend`, as service and action (REST: the method)."""
        return [(service, action) for service, action in self._control("calls")]

    def _register(self) -> None:
        self._control(
            "serve",
            targets=[double.target for double in self.doubles if hasattr(double, "target")],
            paths=[path for double in self.doubles for path in getattr(double, "paths", ())],
        )

    def _control(self, what: str, **given: Any) -> Any:
        answer = requests.post(f"{self.url}{CONTROL}{what}", json=given, timeout=10)
        answer.raise_for_status()
        return answer.json()

    def _answer(self, environ: dict[str, Any], start: Start) -> Iterable[bytes]:
        for double in self.doubles:
            call = call_of(double, environ)
            if call is not None:
                return answered(start, call)
        return answered(start, unknown)


def call_of(double: Double | RestDouble, environ: dict[str, Any]) -> Callable[[], Any] | None:
    """The call that a request makes to the double; None where it is for another."""
    target, _, action = environ.get("HTTP_X_AMZ_TARGET", "").rpartition(".")
    if target:
        is_for_it = target == getattr(double, "target", None)
        return (lambda: double.call(action, parameters(environ))) if is_for_it else None
    method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
    if not path.startswith(tuple(getattr(double, "paths", ()))):
        return None
    query = dict(parse_qsl(environ.get("QUERY_STRING", "")))
    return lambda: double.rest(method, path, query, parameters(environ))


def parameters(environ: dict[str, Any]) -> dict[str, Any]:
    text = body_of(environ)
    return json.loads(text) if text else {}


def unknown() -> Any:
    raise ApiError("UnknownOperationException", "no double serves this", 404)


def answered(start: Start, call: Callable[[], Any]) -> Iterable[bytes]:
    kind = "application/x-amz-json-1.1"
    try:
        return said(start, "200 OK", kind, json.dumps(call(), default=str).encode())
    except ApiError as error:
        text = json.dumps({"__type": error.code, "message": error.message}).encode()
        more = [("x-amzn-ErrorType", error.code)]
        return said(start, f"{error.status} Refused", kind, text, more)


@contextmanager
def boxed() -> Iterator[Box]:
    """A box while the context lasts."""
    box = Box()
    try:
        yield box
    finally:
        box.close()


def make_buckets(box: Box) -> None:
    """The project's buckets."""
    for layer in LAYERS:
        box.client("s3").create_bucket(Bucket=f"{layer}-{PROJECT}")
