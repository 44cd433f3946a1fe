"""What the tests of DMS share: DMS, S3 and a source database with quotes, and who asks for them."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from coin_platform.delivery import deliver
from coin_platform.partitions import Window
from coin_platform.resources.aws import session
from coin_platform.resources.database import COINS_DATABASE, open_database
from coin_platform.resources.database.postgres import PostgresDatabase
from coin_platform.resources.lake import open_lake
from coin_platform.resources.replication.dms.calls import Calls
from coin_platform.resources.replication.dms.serverless import ServerlessReplication
from coin_platform.resources.replication.dms.task import TaskReplication
from coin_platform.settings import Settings
from coin_platform_tests.aws.box import PROJECT
from coin_platform_tests.aws.conftest import SECRET
from coin_platform_tests.aws.dms_double import DmsDouble
from coin_platform_tests.conftest import new_database
from coin_platform_tests.integration.market_frames import H0, coins, quotes

ROLES = {
    "dms_role_arn": "arn:aws:iam::123456789012:role/role-dms-s3-raw",
    "dms_secret_role_arn": "arn:aws:iam::123456789012:role/role-dms-secret",
}
TAGS = {"Projeto": PROJECT, "Team": "data", "CentroCusto": "coin-platform"}
POLL_SECONDS = 0.02
PATIENCE_SECONDS = 20


@dataclass
class Account:
    """An AWS account with DMS, and the database that it replicates."""

    box: Any
    dms: DmsDouble
    database: PostgresDatabase
    make_settings: Any

    @property
    def password(self) -> str:
        secret = self.box.client("secretsmanager").get_secret_value(SecretId=SECRET)
        return json.loads(secret["SecretString"])["password"]

    def settings(self, **given) -> Settings:
        return self.make_settings(**{"dms_poll_seconds": POLL_SECONDS, **ROLES, **given})

    def replication(self, patience=PATIENCE_SECONDS, wrapped=lambda client: client, **given):
        """The task; `wrapped` may come between it and its client."""
        settings = self.settings(**given)
        client = wrapped(session.client(settings, "dms"))
        calls = Calls(lambda: client, POLL_SECONDS, patience)
        kind = ServerlessReplication if settings.dms_serverless else TaskReplication
        return kind(settings, calls)

    def fill(self, hour=H0, *ids):
        ids = ids or (1, 2)
        self.database.upsert(coins(hour, *ids), quotes(hour, *ids))

    def deliver(self, replication=None, hour=H0, seconds=30, **given):
        """What the raw asset does for an hour."""
        settings = self.settings(**given)
        return deliver(
            replication or self.replication(**given),
            self.database,
            open_lake(settings),
            Window.of_hour(hour),
            seconds,
            lambda _: None,
        )

    def keys(self, prefix="market/"):
        """The names of the objects in the raw bucket."""
        bucket = self.make_settings().bucket("raw")
        found = self.box.client("s3").list_objects_v2(Bucket=bucket, Prefix=prefix)
        return [one["Key"] for one in found.get("Contents", ())]

    def actions(self):
        """What was asked of DMS since `box.mend()`."""
        return [action for service, action in self.box.calls() if service == "dms"]


class CutOff:
    """A client of DMS; this process is told to stop as DMS has done what `action` asks."""

    def __init__(self, client, action, by):
        self._client, self._action, self._by = client, action, by

    def __getattr__(self, name):
        real = getattr(self._client, name)
        if name != self._action:
            return real

        def call(**parameters):
            real(**parameters)
            raise self._by

        return call


@pytest.fixture
def source(postgres_server, _migrated_template):
    yield from new_database(postgres_server, _migrated_template, COINS_DATABASE)


@pytest.fixture
def account(box, aws_settings, source, tmp_path):
    """With the embedded server as the source, which has no TLS."""
    at = source.endpoint.parameters()
    password = Path(at["passfile"]).read_text().strip().rpartition(":")[2]
    secret = {"username": at["user"], "password": password, "host": at["host"], "port": at["port"]}
    box.client("secretsmanager").create_secret(Name=SECRET, SecretString=json.dumps(secret))
    yield from _account(Account(box, DmsDouble(box.client, tmp_path / "dms"), source, aws_settings))


@pytest.fixture
def rds_account(box, rds, on_rds, tmp_path):
    """With a source like RDS: TLS only, by a certificate that is verified."""
    held = {"host": rds.host, "port": rds.port, "username": rds.user, "password": rds.password}
    box.client("secretsmanager").put_secret_value(SecretId=SECRET, SecretString=json.dumps(held))
    database = open_database(on_rds())
    database.migrate()
    dms = DmsDouble(box.client, tmp_path / "dms", tls=True)
    yield from _account(Account(box, dms, database, on_rds))


def _account(account):
    account.box.serve(account.dms)
    yield account
    account.dms.close()  # while its source is there


@pytest.fixture
def hasty(monkeypatch):
    """Clients that soon give up: the pauses between their attempts grow."""
    monkeypatch.setattr(session, "ATTEMPTS", 2)
    session.client_in.cache_clear()
