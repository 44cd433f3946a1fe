"""Dagster's storage on RDS, as the `dagster.yaml` of a deployment on AWS names it.

Where the database is, whom to trust and how to log in are the platform's settings, so that neither
that file nor the environment holds a password. Each new connection is given the password or the IAM
token of the moment; where it is refused, the secret may have been rotated, and is read anew.
"""

from functools import cache
from typing import Any, Self
from urllib.parse import urlencode

from dagster_postgres import PostgresRunStorage, PostgresScheduleStorage
from sqlalchemy import event
from sqlalchemy.engine import Engine

from coin_platform.event_log import EventLog
from coin_platform.resources.database import DAGSTER_DATABASE
from coin_platform.resources.database.postgres import REFUSED
from coin_platform.resources.database.rds import RdsEndpoint, location
from coin_platform.settings import load

MARK = "coin_platform dagster"  # by which connections of these classes are known


@cache
def endpoint() -> RdsEndpoint:
    """The database of the configured deployment; created where it is missing."""
    found = RdsEndpoint(load(), DAGSTER_DATABASE, create=True)
    found.parameters()
    return found


def url() -> str:
    """The database as a SQLAlchemy URL, without a user and a password."""
    at = location(endpoint().settings, DAGSTER_DATABASE)
    names = ("connect_timeout", "sslmode", "sslrootcert", "gssencmode")
    options = {name: at[name] for name in names} | {"application_name": MARK}
    return f"postgresql+psycopg2://{at['host']}:{at['port']}/{at['dbname']}?{urlencode(options)}"


@event.listens_for(Engine, "do_connect")
def log_in(dialect: Any, _record: object, arguments: list[Any], keywords: dict[str, Any]) -> Any:
    """Connect with the credentials of the moment; None leaves it to SQLAlchemy."""
    if keywords.get("application_name") != MARK:
        return None

    def connect() -> Any:
        user, password = endpoint().login()
        return dialect.connect(*arguments, **keywords | {"user": user, "password": password})

    try:
        return connect()
    except dialect.loaded_dbapi.OperationalError as error:
        if REFUSED in str(error) and endpoint().renewed():
            return connect()
        raise


class OnRds:
    """A storage that takes everything from the settings."""

    @classmethod
    def config_type(cls) -> dict[str, Any]:
        return {}

    @classmethod
    def from_config_value(cls, inst_data: Any, config_value: Any) -> Self:  # noqa: ARG003  Dagster's signature
        storage: Any = cls
        opened: Self = storage(postgres_url=url(), inst_data=inst_data)
        return opened


class Runs(OnRds, PostgresRunStorage):
    """Runs, daemon heartbeats, cursors."""


class Events(OnRds, EventLog):
    """The event log."""


class Schedules(OnRds, PostgresScheduleStorage):
    """Ticks of schedules and sensors."""
