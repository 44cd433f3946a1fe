"""What the tests of the embedded server share: awkward folders, other processes, other users."""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import psycopg

from coin_platform.resources.database.embedded import EmbeddedPostgres
from coin_platform.resources.database.endpoint import keywords

ROOT = os.geteuid() == 0


def awkward_folder(tmp_path_factory):
    """Below a folder that only we may pass, with a name that needs quoting; at last stops it."""
    closed = tmp_path_factory.mktemp("closed")
    closed.chmod(0o700)
    folder = closed / "hömé of 'coins' \"and\" 100%" / "postgres"
    yield folder
    EmbeddedPostgres(folder).stop()


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


def command_lines(server):
    """Of the server's processes; one that ended meanwhile, as autovacuum workers do, has none."""
    found = []
    for pid in everyone(server):
        with suppress(FileNotFoundError, ProcessLookupError):
            found.append(Path(f"/proc/{pid}/cmdline").read_bytes())
    assert len(found) > 1  # the postmaster and its standing helpers
    return found


def kill(server, *pids):
    for pid in pids:
        with suppress(ProcessLookupError):  # without their postmaster they end by themselves
            os.kill(pid, signal.SIGKILL)
    while server.status():
        time.sleep(0.01)


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


def said_by_child(folder, ids):
    return child(folder, *ids).communicate("go\n")[0]
