"""A PostgreSQL that is like RDS to its clients: TLS only, a certificate, passwords.

The server is Debian's, since the embedded one is built without OpenSSL.
"""

import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from psycopg import sql

ACCOUNT = "nobody"
INSTALLED = Path("/usr/lib/postgresql")
CONFIGURATION = """
listen_addresses = '127.0.0.1'
port = {port}
unix_socket_directories = ''
ssl = on
ssl_cert_file = 'server.crt'
ssl_key_file = 'server.key'
wal_level = logical
max_wal_senders = 10
max_replication_slots = 10
fsync = off
timezone = 'UTC'
"""
ACCESS = """
hostssl all all 127.0.0.1/32 scram-sha-256
hostssl replication all 127.0.0.1/32 scram-sha-256
"""


def binaries() -> Path | None:
    """The folder of the newest installed server; None without one."""
    found = sorted(INSTALLED.glob("*/bin/postgres"), key=lambda path: int(path.parts[-3]))
    return found[-1].parent if found else None


class RdsServer:
    """A server below a folder; `ca` is the certificate that signed its own."""

    user = "postgres"
    host = "localhost"

    def __init__(self, folder: Path) -> None:
        self.folder, self.data = folder, folder / "data"
        self.ca = folder / "ca.pem"
        self.password = secrets.token_urlsafe(16)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = int(free.getsockname()[1])

    def start(self) -> None:
        self.data.mkdir()
        password_file = self.folder / "password"
        password_file.write_text(self.password)
        (self.folder / "log").touch()
        self._own()
        self._run("initdb", "-D", self.data, "-U", self.user, "-E", "UTF8", "-A", "scram-sha-256",
                  "--locale=C", "-N", f"--pwfile={password_file}")  # fmt: skip
        certify(self.folder, self.data)
        configuration = self.data / "postgresql.conf"
        configuration.write_text(configuration.read_text() + CONFIGURATION.format(port=self.port))
        (self.data / "pg_hba.conf").write_text(ACCESS)
        self._own()
        self._run("pg_ctl", "-D", self.data, "-w", "-l", self.folder / "log", "start")
        with self.connect("postgres") as connection:
            connection.execute("CREATE DATABASE coins")

    def stop(self) -> None:
        pid = int((self.data / "postmaster.pid").read_text().splitlines()[0])
        os.kill(pid, signal.SIGINT)
        self._run("pg_ctl", "-D", self.data, "-w", "-m", "fast", "stop", check=False)

    def connect(self, database: str = "coins") -> psycopg.Connection:
        return psycopg.connect(
            host=self.host,
            port=self.port,
            user=self.user,
            password=self.password,
            dbname=database,
            sslmode="verify-full",
            sslrootcert=str(self.ca),
            autocommit=True,
        )

    def rotate(self) -> str:
        """Another password from now on; it is given, and not put into any secret."""
        new = secrets.token_urlsafe(16)
        with self.connect("postgres") as connection:
            connection.execute(
                sql.SQL("ALTER ROLE {} PASSWORD {}").format(
                    sql.Identifier(self.user), sql.Literal(new)
                )
            )
        self.password = new
        return new

    def _own(self) -> None:
        if os.geteuid() == 0:
            for path in (self.folder, *self.folder.rglob("*")):
                shutil.chown(path, ACCOUNT)

    def _run(self, program: str, *arguments: object, check: bool = True) -> None:
        found = binaries()
        assert found is not None
        options = {}
        if os.geteuid() == 0:
            options = {"user": ACCOUNT, "group": "nogroup", "extra_groups": []}
        with tempfile.TemporaryFile() as errors:  # a server that is started would keep a pipe open
            ran = subprocess.run(
                [found / program, *map(str, arguments)],
                check=False,
                stdout=subprocess.DEVNULL,
                stderr=errors,
                cwd=self.folder,
                **options,
            )
            errors.seek(0)
            assert not (check and ran.returncode), errors.read().decode()


def certify(folder: Path, data: Path) -> None:
    """A new authority at `folder`/ca.pem, and the server's certificate of it for `localhost`."""
    authority, authority_key = certificate("An authority", None)
    own, own_key = certificate("localhost", (authority, authority_key))
    (folder / "ca.pem").write_bytes(authority.public_bytes(serialization.Encoding.PEM))
    (data / "server.crt").write_bytes(own.public_bytes(serialization.Encoding.PEM))
    key = data / "server.key"
    key.write_bytes(
        own_key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    key.chmod(0o600)


def certificate(name, signer):
    """A certificate and its key; without a signer it signs itself and others."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    issuer, issuer_key = (signer[0].subject, signer[1]) if signer else (subject, key)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=signer is None, path_length=None), critical=True)
        .sign(issuer_key, hashes.SHA256()),
        key,
    )
