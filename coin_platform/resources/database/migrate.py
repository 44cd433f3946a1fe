"""Versioned migrations: the files of `migrations/`, in the order of their names, each once.

What was applied is recorded in `platform.migrations`, outside the schema that is replicated. A
migration that was applied is never edited: a change is a new file.
"""

import hashlib
from dataclasses import dataclass
from importlib.resources import files

import psycopg

from coin_platform.errors import PermanentError

MIGRATION_LOCK = 0x6D696772  # any number of our own

RECORDS = """
CREATE SCHEMA IF NOT EXISTS platform;
CREATE TABLE IF NOT EXISTS platform.migrations (
    name text PRIMARY KEY,
    checksum text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
)
"""


@dataclass(frozen=True)
class Migration:
    """One file: its name, and the statements in it."""

    name: str
    statements: str

    @property
    def checksum(self) -> str:
        return hashlib.sha256(self.statements.encode()).hexdigest()


def packaged() -> list[Migration]:
    """The migrations of this version of the platform, in order."""
    folder = files("coin_platform.resources.database") / "migrations"
    return sorted(
        (
            Migration(file.name.removesuffix(".sql"), file.read_text(encoding="utf-8"))
            for file in folder.iterdir()
            if file.name.endswith(".sql")
        ),
        key=lambda migration: migration.name,
    )


def apply(connection: psycopg.Connection, migrations: list[Migration]) -> list[str]:
    """Apply what is pending, each in a transaction of its own; the names applied now.

    The connection is in autocommit mode and closed afterwards, which frees the lock.
    Raises `PermanentError` when the database and the files disagree about the past, or when a
    migration fails; those before it stay applied.
    """
    connection.execute("SELECT pg_advisory_lock(%s)", [MIGRATION_LOCK])
    if connection.execute("SELECT to_regclass('platform.migrations')").fetchone() == (None,):
        connection.execute(RECORDS)
    recorded: dict[str, str] = dict(
        connection.execute("SELECT name, checksum FROM platform.migrations").fetchall()
    )
    _check_past(recorded, migrations)
    pending = [migration for migration in migrations if migration.name not in recorded]
    for migration in pending:
        try:
            with connection.transaction():
                connection.execute(migration.statements)
                connection.execute(
                    "INSERT INTO platform.migrations (name, checksum) VALUES (%s, %s)",
                    [migration.name, migration.checksum],
                )
        except (psycopg.ProgrammingError, psycopg.DataError, psycopg.IntegrityError) as error:
            raise PermanentError(f"migration {migration.name} failed: {error}") from error
    return [migration.name for migration in pending]


def _check_past(recorded: dict[str, str], migrations: list[Migration]) -> None:
    known = {migration.name: migration.checksum for migration in migrations}
    if unknown := sorted(recorded.keys() - known.keys()):
        raise PermanentError(
            f"the database has migrations that this version of the platform does not know "
            f"({', '.join(unknown)}): use the version that applied them, or a newer one"
        )
    edited = sorted(name for name, checksum in recorded.items() if known[name] != checksum)
    if edited:
        raise PermanentError(
            f"migrations were edited after they had been applied: {', '.join(edited)}. "
            "Restore the files, and make the change a new migration"
        )
    if late := sorted(
        name for name in known.keys() - recorded.keys() if name < max(recorded, default="")
    ):
        raise PermanentError(
            f"migrations come before ones that were applied: {', '.join(late)}. Number them last"
        )
