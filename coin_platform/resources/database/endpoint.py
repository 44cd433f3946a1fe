"""Where a database answers, in the keywords of libpq, which psycopg and ADBC both take.

An endpoint is the only thing in which the embedded server and RDS differ.
"""

from typing import Any, Protocol
from urllib.parse import quote

import psycopg
from psycopg import sql

from coin_platform.resources.database import leases
from coin_platform.resources.database.embedded import EmbeddedPostgres, Server

CREATION_LOCK = 0x636F696E  # any number of our own


class Endpoint(Protocol):
    """Gives the way to one database."""

    def parameters(self) -> dict[str, Any]:
        """Connection keywords of libpq; the server answers, as far as it is ours to start.

        Asked before every connection: a server may have moved to another port.
        """

    def renewed(self) -> bool:
        """After credentials were refused: whether there are other ones to try."""


class EmbeddedEndpoint:
    """A database of the embedded server; server and database are created on first use.

    With `lease` this process counts as a user of the server until it exits; a service that is
    stopped together with the server takes none. Without `wait_for_disk` the database is created
    so that its last moments may be lost when the server is killed; it stays consistent.
    """

    def __init__(
        self,
        server: EmbeddedPostgres,
        database: str,
        *,
        lease: bool = True,
        wait_for_disk: bool = True,
    ) -> None:
        self.server = server
        self.database = database
        self._lease = lease
        self._wait_for_disk = wait_for_disk
        self._exists = False

    def parameters(self) -> dict[str, Any]:
        if self._lease:
            self.server.folder.create()
            leases.hold(self.server.folder.lease)
        server = self.server.ensure_running()
        if not self._exists:
            self.server.folder.bound_log()
            maintenance = keywords(server, "postgres")
            create_database(maintenance, self.database, wait_for_disk=self._wait_for_disk)
            self._exists = True
        return keywords(server, self.database)

    def renewed(self) -> bool:
        return False

    def url(self) -> str:
        """The database as a SQLAlchemy URL for psycopg2; names the passfile, holds no password."""
        at = self.parameters()
        return (
            f"postgresql+psycopg2://{at['user']}@{at['host']}:{at['port']}/{quote(at['dbname'])}"
            f"?passfile={quote(at['passfile'], safe='')}&sslmode=disable&gssencmode=disable"
        )


def keywords(server: Server, database: str) -> dict[str, Any]:
    """Connection keywords of libpq for a database of an embedded server."""
    return {
        "host": server.host,
        "port": server.port,
        "user": server.user,
        "password": "",  # or libpq would prefer the operator's PGPASSWORD to the passfile
        "passfile": str(server.passfile),
        "dbname": database,
        "connect_timeout": 10,
        "sslmode": "disable",  # it never leaves this machine
        "gssencmode": "disable",
    }


def create_database(maintenance: dict[str, Any], name: str, *, wait_for_disk: bool = True) -> None:
    """Create the database where it is missing; `maintenance` leads to another of the server."""
    with psycopg.connect(**maintenance, autocommit=True) as connection:
        known = "SELECT 1 FROM pg_database WHERE datname = %s"
        if connection.execute(known, [name]).fetchone():
            return
        connection.execute("SELECT pg_advisory_lock(%s)", [CREATION_LOCK])
        if not connection.execute(known, [name]).fetchone():
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
            if not wait_for_disk:
                relax = sql.SQL("ALTER DATABASE {} SET synchronous_commit = off")
                connection.execute(relax.format(sql.Identifier(name)))
