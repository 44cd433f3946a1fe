"""Who uses the embedded server, and the databases in it by way of the settings."""

import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import psycopg
import psycopg2
import pytest
import sqlalchemy

from coin_platform.resources.database import (
    dagster_storage_url,
    embedded_server,
    leases,
    open_database,
)
from coin_platform.resources.database.endpoint import EmbeddedEndpoint
from coin_platform.settings import load

HOLDER = """
import sys
from pathlib import Path
from coin_platform.resources.database import leases
leases.hold(Path(sys.argv[1]))
print("held", flush=True)
sys.stdin.read()
"""


def holder(file):
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(file)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "held\n"
    return process


def alone(file):
    with leases.sole_user(file) as sole:
        return sole


def test_nobody_is_a_user_before_the_first(tmp_path):
    assert alone(tmp_path / "lease")


def test_the_last_user_out_is_told_so(tmp_path):
    file = tmp_path / "lease"
    leases.hold(file)
    leases.hold(file)
    other = holder(file)
    try:
        assert not alone(file)
    finally:
        other.communicate()
    assert alone(file)


def test_a_killed_user_is_gone(tmp_path):
    file = tmp_path / "lease"
    with holder(file) as other:
        assert not alone(file)
        os.kill(other.pid, signal.SIGKILL)
    assert alone(file)


def test_of_several_that_leave_at_once_at_most_one_is_the_last(tmp_path):
    file = tmp_path / "lease"
    leases.hold(file)
    with leases.sole_user(file) as first, leases.sole_user(file) as second:
        assert (first, second) == (True, False)


@pytest.fixture(scope="module")
def platform(tmp_path_factory):
    settings = load(home=tmp_path_factory.mktemp("home") / "my-home_1+2@x")
    yield settings
    embedded_server(settings).stop()


def test_nothing_starts_before_it_is_used(tmp_path):
    settings = load(home=tmp_path / "home")
    open_database(settings)
    assert not settings.home.exists()


def test_the_first_use_starts_the_server_and_creates_the_database(platform):
    database = open_database(platform)

    with database.connect() as connection:
        assert connection.info.dbname == "coins"


def users_of(settings):
    """Whether another process may stop the server now."""
    program = """
import sys
from pathlib import Path
from coin_platform.resources.database import leases
with leases.sole_user(Path(sys.argv[1])) as sole:
    print(sole)
"""
    lease = str(embedded_server(settings).folder.lease)
    command = [sys.executable, "-c", program, lease]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def test_a_service_that_uses_the_database_does_not_keep_the_server_alive(platform):
    lease = embedded_server(platform).folder.lease
    with leases.sole_user(lease):
        pass

    open_database(platform, lease=False).probe()
    assert users_of(platform) == "True"

    open_database(platform).probe()
    assert users_of(platform) == "False"


def test_a_database_follows_its_server_to_another_start(platform):
    database, server = open_database(platform), embedded_server(platform)
    database.migrate()

    server.stop()

    assert database.migrate() == []


def test_threads_that_use_a_new_database_at_once_share_it(platform):
    endpoints = [EmbeddedEndpoint(embedded_server(platform), "twice") for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        ports = {at["port"] for at in pool.map(EmbeddedEndpoint.parameters, endpoints)}
    assert len(ports) == 1


def test_every_client_finds_the_password_by_the_passfile(platform):
    url = dagster_storage_url(platform)

    password = embedded_server(platform).folder.passfile.read_text().strip().rpartition(":")[2]
    assert url.startswith("postgresql+psycopg2://coin_platform@127.0.0.1:")
    assert password not in url
    engine = sqlalchemy.create_engine(url)
    with engine.connect() as connection:
        assert (
            connection.execute(sqlalchemy.text("SELECT current_database()")).scalar() == "dagster"
        )
    engine.dispose()
    plain = url.replace("+psycopg2", "")
    for client in (psycopg, psycopg2):
        connection = client.connect(plain)
        assert connection.info.dbname == "dagster"
        connection.close()


def test_dagster_keeps_its_runs_there(platform, tmp_path):
    import dagster as dg  # only this test needs it, and it takes seconds

    url = dagster_storage_url(platform)
    (tmp_path / "dagster.yaml").write_text(f'storage: {{postgres: {{postgres_url: "{url}"}}}}')
    with dg.DagsterInstance.from_config(str(tmp_path)) as instance:
        assert dg.materialize([dg.asset(name="a")(lambda: 1)], instance=instance).success
        assert instance.get_runs_count() == 1
