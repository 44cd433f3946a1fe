"""One box for all tests of AWS, empty for each of them; the process takes it for AWS."""

import os

import pytest

from coin_platform.resources.aws.session import client_in
from coin_platform.resources.lake.storage import s3
from coin_platform_tests.aws.box import PROJECT, REGION, Box, boxed, make_buckets


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
                "database_secret": "coins/database",
                **given,
            }
        )

    return settings
