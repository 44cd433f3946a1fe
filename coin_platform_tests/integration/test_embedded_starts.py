"""The embedded server: started by anybody, shared by all, whatever happened before."""

import json
import os
import socket
import time
from pathlib import Path

import psycopg
import pytest

from coin_platform.errors import PermanentError
from coin_platform.resources.database import embedded
from coin_platform.resources.database.embedded import EmbeddedPostgres
from coin_platform.resources.database.endpoint import keywords
from coin_platform_tests.integration.embedded_support import (
    ask,
    awkward_folder,
    child,
    everyone,
    kill,
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


def test_stopped_and_started_it_keeps_its_data_and_its_port(server):
    ask(server, "CREATE TABLE IF NOT EXISTS kept (a int)")
    before = server.ensure_running()

    server.stop()
    assert server.status() is None
    server.stop()

    assert server.ensure_running() == before
    assert ask(server, "SELECT count(*) FROM kept") == 0


def test_a_port_that_somebody_took_is_given_up(server):
    port = server.ensure_running().port
    server.stop()
    with socket.create_server(("127.0.0.1", port)):
        other = server.ensure_running().port
        assert other != port
        assert ask(server) == 1
    server.stop()
    assert server.ensure_running().port == other


def test_a_killed_postmaster_is_replaced(server):
    ask(server, "DROP TABLE IF EXISTS survivors; CREATE TABLE survivors AS SELECT 1 AS a")

    kill(server, postmaster(server))

    assert ask(server, "SELECT count(*) FROM survivors") == 1


def test_a_server_killed_whole_is_replaced(server):
    kill(server, *everyone(server))

    assert ask(server) == 1


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="processes are found in /proc")
def test_a_backend_that_hangs_without_its_postmaster_is_ended(server, monkeypatch):
    monkeypatch.setattr(embedded, "ORPHAN_SECONDS", 0.3)
    client = psycopg.connect(**keywords(server.ensure_running(), "postgres"), autocommit=True)
    orphan = client.info.backend_pid
    client.pgconn.send_query(b"DO $$ BEGIN LOOP END LOOP $$")
    client.pgconn.flush()

    kill(server, postmaster(server))

    assert ask(server) == 1
    assert orphan not in everyone(server)


@pytest.mark.parametrize(
    "leftover",
    ["", "\n", "12", f"{os.getpid()}\n/somewhere\n1\n5432\n\n127.0.0.1\n 1 1\nready   \n"],
    ids=["empty", "blank", "torn", "of a process id used again"],
)
def test_a_leftover_of_a_crash_does_not_block_the_start(server, leftover):
    server.stop()
    (server.folder.data / "postmaster.pid").write_text(leftover)

    assert server.status() is None
    assert ask(server) == 1


def test_a_forgotten_identity_is_made_up_again(server):
    server.stop()
    (server.folder.path / "server.json").write_text("{")

    assert ask(server) == 1
    assert json.loads((server.folder.path / "server.json").read_text())["port"]


def test_a_start_that_fails_shows_the_log(server):
    server.stop()
    conf = server.folder.data / "postgresql.conf"
    right = conf.read_text()
    conf.write_text("no_such_setting = 1\n")
    try:
        with pytest.raises(
            PermanentError, match=r"(?s)does not start.*server\.log.*no_such_setting"
        ):
            server.ensure_running()
        assert not server.folder.alive()
    finally:
        conf.write_text(right)
    assert ask(server) == 1


def test_a_lost_passfile_is_explained(server):
    server.stop()
    away = server.folder.passfile.rename(server.folder.path / "away")
    try:
        with pytest.raises(PermanentError, match=r"passfile is missing.*restore it"):
            server.ensure_running()
    finally:
        away.rename(server.folder.passfile)


def test_an_interrupted_creation_is_done_again(tmp_path):
    server = EmbeddedPostgres(tmp_path / "postgres")
    half = server.folder.path / "data.incomplete" / "data"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")
    try:
        assert ask(server) == 1
        assert not half.parent.exists()
    finally:
        server.stop()


def one_postmaster(server):
    """Whether there is one; a child it has just forked looks like it for an instant."""
    for _ in range(100):
        if len(server.folder.processes()[0]) == 1:
            return True
        time.sleep(0.02)
    return False


def test_two_processes_that_start_it_at_once_get_the_same_server(tmp_path):
    server = EmbeddedPostgres(tmp_path / "postgres")
    both = [child(server.folder.path) for _ in range(2)]
    try:
        for _ in range(10):  # the first time it is created, too
            for process in both:
                process.stdin.write("go\n")
                process.stdin.flush()
            first, second = (process.stdout.readline() for process in both)
            assert first == second == f"{server.status().port} {postmaster(server)}\n"
            assert one_postmaster(server)
            server.stop()
    finally:
        for process in both:
            process.communicate()
        server.stop()
