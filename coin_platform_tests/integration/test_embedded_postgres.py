"""The embedded server: started by anybody, shared by all, whatever happened before."""

import json
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import textwrap
import time
from pathlib import Path

import psycopg
import pytest

from coin_platform.errors import PermanentError
from coin_platform.resources.database import binaries, embedded, server_folder
from coin_platform.resources.database.embedded import EmbeddedPostgres
from coin_platform.resources.database.endpoint import keywords

ROOT = os.geteuid() == 0


@pytest.fixture(scope="module")
def shared_folder(tmp_path_factory):
    """Below a folder that only we may pass, with a name that needs quoting."""
    closed = tmp_path_factory.mktemp("closed")
    closed.chmod(0o700)
    folder = closed / "hömé of 'coins' \"and\" 100%" / "postgres"
    yield folder
    EmbeddedPostgres(folder).stop()


@pytest.fixture
def server(shared_folder):
    """A running server that a test may kill and stop."""
    server = EmbeddedPostgres(shared_folder)
    server.ensure_running()
    return server


def ask(server, query="SELECT 1"):
    at = keywords(server.ensure_running(), "postgres")
    with psycopg.connect(**at, autocommit=True) as connection:
        cursor = connection.execute(query)
        return cursor.fetchone()[0] if cursor.description else None


def postmaster(server):
    return server.folder.postmaster().pid


def everyone(server):
    postmasters, others = server.folder.processes()
    return [*postmasters, *others]


def kill(server, *pids):
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    while server.status():
        time.sleep(0.01)


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
    for pid in everyone(server):
        assert password.encode() not in Path(f"/proc/{pid}/cmdline").read_bytes()
    in_data = subprocess.run(["grep", "-rqFe", password, server.folder.data], check=False)
    assert in_data.returncode == 1


@pytest.mark.skipif(not ROOT, reason="only root hands the server to another user")
def test_started_by_root_it_runs_as_another_user_below_closed_folders(server):
    assert Path(f"/proc/{postmaster(server)}").stat().st_uid not in (0, os.getuid())
    closed = server.folder.path.parents[1]
    assert closed.stat().st_mode & 0o777 == 0o700
    assert closed.stat().st_uid == 0


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


def test_a_log_that_grew_keeps_its_end(server, monkeypatch):
    monkeypatch.setattr(server_folder, "LOG_BYTES", 1000)
    with server.folder.log.open("a") as log:
        log.write("x" * 2000 + "end")

    server.folder.bound_log()

    assert server.folder.log.stat().st_size == 0
    assert (server.folder.path / "server.log.1").read_text() == "x" * 122 + "end"


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


CHILD = """
import os
import sys
from pathlib import Path
from coin_platform.errors import PlatformError
from coin_platform.resources.database.embedded import EmbeddedPostgres

if uid := int(sys.argv[2]):  # only now: that user may not be able to reach this Python
    os.setgroups([])
    os.setgid(int(sys.argv[3]))
    os.setuid(uid)
server = EmbeddedPostgres(Path(sys.argv[1]))
print("here", flush=True)
for _ in sys.stdin:
    try:
        print(server.ensure_running().port, server.folder.postmaster().pid, flush=True)
    except PlatformError as error:
        print(type(error).__name__, error, flush=True)
"""


def child(folder, uid=0, gid=0):
    """A process that calls `ensure_running` for each line it reads, and says what came of it."""
    process = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(folder), str(uid), str(gid)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "here\n"
    return process


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


@pytest.fixture
def ordinary_user():
    """A folder of an ordinary user's, and that user's ids (zeros: who runs the tests)."""
    folder = Path(tempfile.mkdtemp())
    ids = (0, 0)
    if ROOT:
        user = pwd.getpwnam("nobody")
        ids = (user.pw_uid, user.pw_gid)
        os.chown(folder, *ids)
    yield folder, ids
    folder.chmod(0o700)
    shutil.rmtree(folder)


def said_by_child(folder, ids):
    return child(folder, *ids).communicate("go\n")[0]


def test_an_ordinary_user_has_a_server_of_their_own(ordinary_user):
    folder, ids = ordinary_user
    server = EmbeddedPostgres(folder / "postgres")
    try:
        said = said_by_child(server.folder.path, ids)
        assert said == f"{server.status().port} {postmaster(server)}\n"
        assert Path(f"/proc/{postmaster(server)}").stat().st_uid == folder.stat().st_uid
        # Root may help out without taking the home away from its owner.
        server.stop()
        assert ask(server) == 1
        server.stop()
        owners = {path.stat().st_uid for path in server.folder.path.iterdir()}
        assert owners == {folder.stat().st_uid}
        assert said_by_child(server.folder.path, ids).split()[0].isdigit()
    finally:
        server.stop()


def test_a_folder_that_cannot_be_written_is_explained(ordinary_user):
    folder, ids = ordinary_user
    folder.chmod(0o500)

    said = said_by_child(folder / "postgres", ids)

    assert said.startswith("PermanentError")
    assert "cannot be written" in said
    assert "COIN_PLATFORM_HOME" in said


def test_a_home_below_a_file_is_explained(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(PermanentError, match="cannot be written"):
        EmbeddedPostgres(tmp_path / "file" / "home" / "postgres").ensure_running()


@pytest.mark.skipif(not ROOT, reason="only root can own a folder that another user asks for")
def test_another_users_server_is_refused(ordinary_user):
    _, ids = ordinary_user
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        theirs = Path(folder) / "postgres"
        theirs.mkdir(mode=0o700)
        (theirs / "alive").touch()
        said = said_by_child(theirs, ids)
    assert said.startswith("PermanentError")
    assert "belongs to another user" in said


@pytest.mark.skipif(not ROOT, reason="only root needs executables for another user")
def test_executables_out_of_reach_are_copied_for_everyone(tmp_path, monkeypatch):
    package = binaries.executables(None).parents[1]
    closed = tmp_path / "closed" / package.name
    shutil.copytree(package, closed)
    for libraries in package.parent.glob(f"{package.name}.*libs"):
        shutil.copytree(libraries, closed.with_name(libraries.name))
    closed.parent.chmod(0o700)
    assert not binaries.open_to_everyone(closed / "pginstall" / "bin" / "postgres")
    monkeypatch.syspath_prepend(closed.parent)

    with tempfile.TemporaryDirectory() as cache:
        Path(cache).chmod(0o755)
        monkeypatch.setattr(binaries, "CACHE", Path(cache))
        server = EmbeddedPostgres(tmp_path / "postgres")
        try:
            assert ask(server) == 1
            title = Path(f"/proc/{postmaster(server)}/cmdline").read_text()
        finally:
            server.stop()
        [copy] = Path(cache).iterdir()
        assert title.startswith(str(copy))
        assert not [path for path in copy.rglob("*") if path.stat().st_mode & 0o022]


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
