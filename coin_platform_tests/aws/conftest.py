"""One box for all tests of AWS, empty for each of them; the process takes it for AWS."""

import json
import os
import tempfile
from pathlib import Path

import pytest

from coin_platform.resources.aws.session import client_in
from coin_platform.resources.lake.storage import s3
from coin_platform_tests.aws.box import PROJECT, REGION, Box, boxed, make_buckets
from coin_platform_tests.aws.rds_server import RdsServer, binaries

SECRET = "coins/database"


@pytest.fixture(scope="session")
def _one_box():
    with boxed() as box:
        yield box


@pytest.fixture
def box(_one_box: Box, monkeypatch) -> Box:
    """AWS, with the project's empty buckets."""
    _one_box.reset()
    make_buckets(_one_box)
    for name in os.environ:
        if name.startswith(("AWS_", "COIN_PLATFORM_", "COINMARKETCAP_")):
            monkeypatch.delenv(name)
    for name, value in _one_box.environment().items():
        monkeypatch.setenv(name, value)
    client_in.cache_clear()
    s3.cache_clear()
    yield _one_box
    _one_box.reset()
    client_in.cache_clear()
    s3.cache_clear()


@pytest.fixture(scope="session")
def _one_server():
    if binaries() is None:
        reason = "Debian's package postgresql is not installed: no server with TLS"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(reason)
    with tempfile.TemporaryDirectory(prefix="rds") as folder:  # root's own folders are closed
        server = RdsServer(Path(folder))
        server.start()
        yield server
        server.stop()


@pytest.fixture
def rds(_one_server, box):
    """RDS with empty databases, its password in a secret of the box."""
    with _one_server.connect("postgres") as connection:
        for name in ("coins", "dagster"):
            connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
    secret = {"username": _one_server.user, "password": _one_server.password}
    box.client("secretsmanager").create_secret(Name=SECRET, SecretString=json.dumps(secret))
    return _one_server


@pytest.fixture
def on_rds(aws_settings, rds):
    """Makes settings of a platform in the box whose database is there."""

    def settings(**given):
        where = {
            "database_host": rds.host,
            "database_port": rds.port,
            "database_ca": str(rds.ca),
            "database_secret": SECRET,
        }
        return aws_settings(**where | given)

    return settings


@pytest.fixture
def aws_settings(box, tmp_path):
    """Makes settings of a platform in the box; keywords win."""
    from coin_platform.settings import load

    def settings(**given):
        return load(
            **{
                "env": "aws",
                "home": tmp_path / "home",
                "project": PROJECT,
                "region": REGION,
                "database_host": "127.0.0.1",
                "database_secret": SECRET,
                **given,
            }
        )

    return settings
