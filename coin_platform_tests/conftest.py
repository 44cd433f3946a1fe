"""Fixtures many tests share: one PostgreSQL server for the session, a database for each test."""

import signal
import uuid

import psycopg
import pytest
from hypothesis import settings
from psycopg import sql

from coin_platform.resources.database.embedded import EmbeddedPostgres
from coin_platform.resources.database.endpoint import EmbeddedEndpoint, keywords
from coin_platform.resources.database.postgres import PostgresDatabase
from coin_platform_tests.chromium import browser

__all__ = ["browser"]  # a fixture of all tests

TEMPLATE = "template_market"

# How long an example takes says how busy the machine is, and nothing of what is tested.
settings.register_profile("any machine", deadline=None)
settings.load_profile("any machine")


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory):
    """A running `EmbeddedPostgres`, shared by all tests; use `postgres` unless you stop it."""
    server = EmbeddedPostgres(tmp_path_factory.mktemp("postgres"))
    server.ensure_running()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def _migrated_template(postgres_server):
    PostgresDatabase(EmbeddedEndpoint(postgres_server, TEMPLATE, lease=False)).migrate()
    return TEMPLATE


def new_database(server, template, name=None):
    """A database made of the template; whoever reads it is sent away in the end."""
    name = name or f"test_{uuid.uuid4().hex[:12]}"
    at = keywords(server.ensure_running(), "postgres")
    with psycopg.connect(**at, autocommit=True) as connection:
        connection.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(*map(sql.Identifier, (name, template)))
        )
        yield PostgresDatabase(EmbeddedEndpoint(server, name, lease=False))
        connection.execute(
            "SELECT pg_terminate_backend(active_pid, 5000) FROM pg_replication_slots "
            "WHERE database = %s AND active_pid IS NOT NULL",
            [name],
        )
        # Takes the slots of the database with it, once nobody reads them.
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture
def postgres(postgres_server, _migrated_template):
    """A fresh, migrated database; sessions and replication slots in it are ended afterwards."""
    yield from new_database(postgres_server, _migrated_template)


@pytest.fixture
def empty_postgres(postgres_server):
    """A fresh database that nobody has migrated."""
    yield from new_database(postgres_server, "template1")


def pytest_configure():
    """Heed interrupts, and let the programs that tests start do so.

    A shell that starts the suite in the background has it ignore SIGINT, and children inherit that.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


TIERS = ("unit", "integration", "aws", "end_to_end")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items):
    """Fast tests first; within a tier the order stays random."""
    items.sort(key=lambda item: next(n for n, tier in enumerate(TIERS) if tier in item.path.parts))
