"""The embedded server as the platform finds it: settings, password, log, environment."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import psycopg
import pytest

from coin_platform.resources.database import server_folder
from coin_platform.resources.database.embedded import EmbeddedPostgres
from coin_platform.resources.database.endpoint import keywords
from coin_platform_tests.integration.embedded_support import (
    ROOT,
    awkward_folder,
    command_lines,
    postmaster,
)


@pytest.fixture(scope="module")
def shared_folder(tmp_path_factory):
    yield from awkward_folder(tmp_path_factory)


@pytest.fixture
def server(shared_folder):
    """A running server that a test may kill and stop."""
    server = EmbeddedPostgres(shared_folder)
    server.ensure_running()
    return server


def test_the_server_is_what_the_platform_needs(server):
    at = keywords(server.ensure_running(), "postgres")
    wanted = {
        "wal_level": "logical",
        "data_checksums": "on",
        "TimeZone": "UTC",
        "server_encoding": "UTF8",
        "password_encryption": "scram-sha-256",
        "fsync": "on",
        "listen_addresses": "127.0.0.1",
        "unix_socket_directories": "",
        "max_slot_wal_keep_size": "4GB",
    }
    with psycopg.connect(**at) as connection:
        names = list(wanted)
        got = connection.execute(
            "SELECT " + ", ".join(f"current_setting('{name}')" for name in names)
        ).fetchone()
        methods = connection.execute(
            "SELECT DISTINCT auth_method FROM pg_hba_file_rules"
        ).fetchall()
    assert dict(zip(names, got, strict=True)) == wanted
    assert methods == [("scram-sha-256",)]


def test_nobody_gets_in_without_the_password(server):
    at = keywords(server.ensure_running(), "postgres") | {"passfile": "/dev/null"}
    with pytest.raises(psycopg.OperationalError, match="no password supplied"):
        psycopg.connect(**at)


def test_the_password_is_in_one_private_file_only(server):
    password = server.folder.passfile.read_text().strip().rpartition(":")[2]
    assert len(password) >= 32
    assert server.folder.passfile.stat().st_mode & 0o777 == 0o600
    assert server.folder.path.stat().st_mode & 0o777 == 0o700
    assert password not in server.folder.log.read_text()
    assert password not in repr(server.ensure_running())
    assert not any(password.encode() in line for line in command_lines(server))
    in_data = subprocess.run(["grep", "-rqFe", password, server.folder.data], check=False)
    assert in_data.returncode == 1


@pytest.mark.skipif(not ROOT, reason="only root hands the server to another user")
def test_started_by_root_it_runs_as_another_user_below_closed_folders(server):
    assert Path(f"/proc/{postmaster(server)}").stat().st_uid not in (0, os.getuid())
    closed = server.folder.path.parents[1]
    assert closed.stat().st_mode & 0o777 == 0o700
    assert closed.stat().st_uid == 0


def test_a_log_that_grew_keeps_its_end(server, monkeypatch):
    monkeypatch.setattr(server_folder, "LOG_BYTES", 1000)
    with server.folder.log.open("a") as log:
        log.write("x" * 2000 + "end")

    server.folder.bound_log()

    assert server.folder.log.stat().st_size == 0
    assert (server.folder.path / "server.log.1").read_text() == "x" * 122 + "end"


def test_the_operators_own_postgres_variables_do_not_matter(tmp_path):
    program = textwrap.dedent("""
        import sys
        from pathlib import Path
        from coin_platform.resources.database.endpoint import EmbeddedEndpoint
        from coin_platform.resources.database.embedded import EmbeddedPostgres
        from coin_platform.resources.database.postgres import PostgresDatabase
        server = EmbeddedPostgres(Path(sys.argv[1]))
        try:
            print(PostgresDatabase(EmbeddedEndpoint(server, "coins")).probe())
        finally:
            server.stop()
    """)
    theirs = {
        "PGDATA": "/nowhere", "PGHOST": "nowhere.invalid", "PGPORT": "1", "PGUSER": "nobody",
        "PGPASSWORD": "wrong", "PGSSLMODE": "verify-full", "PGOPTIONS": "-c TimeZone=Asia/Tokyo",
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", program, tmp_path / "postgres"],
        env=os.environ | theirs,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.startswith("PostgreSQL 18"), done.stderr
