"""The embedded server of ordinary users, of root, and in folders that are out of reach."""

import os
import pwd
import shutil
import tempfile
from pathlib import Path

import pytest

from coin_platform.errors import PermanentError
from coin_platform.resources.database import binaries
from coin_platform.resources.database.embedded import EmbeddedPostgres
from coin_platform_tests.integration.embedded_support import (
    ROOT,
    ask,
    postmaster,
    said_by_child,
)


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
