"""The Sail server of this process, and the one Spark session on it."""

import atexit
import logging
import os
import threading
from typing import TYPE_CHECKING, Any, cast

from coin_platform.errors import TransientError

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

YEAR_SECONDS = 365 * 24 * 3600
# `min_by` and `max_by` cost something for each group of each batch: of Sail's own 8,192 rows, which
# are an hour or two of the market, hardly any two are of a group. Ten columns of these are 3 MB.
BATCH_ROWS = 32 * 1024

# Instants are UTC everywhere; with the machine's zone a replaceWhere fails or shifts hours.
SESSION = {"spark.sql.session.timeZone": "UTC", "spark.sql.ansi.enabled": "true"}

# Sail compresses what it sends to whoever accepts gzip, as gRPC clients do unless told: that took
# five times as long as the rows themselves, which never leave this machine.
CHANNEL = [("grpc.compression_enabled_algorithms_bitset", 1)]  # of all algorithms, none


def configuration() -> dict[str, str]:
    """Sail's settings, where the environment does not say otherwise.

    A session that Sail drops for being idle would come back without its time zone, so it never is.
    """
    half = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2
    return {
        "SAIL_RUNTIME__MEMORY_POOL__TYPE": "fair",
        "SAIL_RUNTIME__MEMORY_POOL__FAIR__MAX_SIZE": str(half),
        # It would take a column of 1.0 and NaN for a constant (`resources/lake/frames.py`).
        "SAIL_EXECUTION__COLLECT_STATISTICS": "false",
        "SAIL_EXECUTION__BATCH_SIZE": str(BATCH_ROWS),
        # The first few rows of each group are kept as they come, and the others not sorted.
        "SAIL_OPTIMIZER__ENABLE_WINDOW_TOPN": "true",
        "SAIL_SPARK__SESSION_TIMEOUT_SECS": str(YEAR_SECONDS),
        "RUST_LOG": "error",
    }


class Sail:
    """Started when first asked for, stopped by `stop` or when the process ends. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._server: Any = None
        self._session: SparkSession | None = None

    @property
    def session(self) -> "SparkSession":
        """The session; threads may share it. Raises `TransientError` when Sail does not start."""
        with self._lock:
            if self._session is None:
                self._start()
            assert self._session is not None  # noqa: S101 - for the type checker
            return self._session

    def _start(self) -> None:
        from pysail.spark import SparkConnectServer
        from pyspark.sql.connect.client import DefaultChannelBuilder
        from pyspark.sql.connect.session import SparkSession as RemoteSession

        for name, value in configuration().items():
            os.environ.setdefault(name, value)
        # What goes wrong is raised; ending a session logs a stack over what Sail has not got.
        logging.getLogger("pyspark.sql.connect.logging").setLevel(logging.CRITICAL)
        server = SparkConnectServer("127.0.0.1", 0)
        server.start(background=True)
        address = server.listening_address
        if address is None:
            message = "Sail did not start to listen on 127.0.0.1; try again"
            raise TransientError(message)
        # As `pyspark.sql.SparkSession.builder` does, which takes no options of a channel.
        os.environ["SPARK_CONNECT_MODE_ENABLED"] = "1"
        url = f"sc://{address[0]}:{address[1]}"
        builder = RemoteSession.builder.channelBuilder(DefaultChannelBuilder(url, CHANNEL))
        for name, value in SESSION.items():
            builder = builder.config(name, value)
        self._server, self._session = server, cast("SparkSession", builder.create())

    def stop(self) -> None:
        """End the session and the server; a later use starts anew."""
        with self._lock:
            session, server = self._session, self._server
            self._session = self._server = None
            if session is not None:
                session.stop()
            if server is not None:
                server.stop()


SAIL = Sail()
atexit.register(SAIL.stop)
