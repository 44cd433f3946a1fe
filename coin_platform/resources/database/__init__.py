"""The platform's PostgreSQL: database `coins`, and Dagster's own storage on the same server."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from coin_platform.resources.database.embedded import EmbeddedPostgres
    from coin_platform.resources.database.postgres import PostgresDatabase
    from coin_platform.settings import Settings

COINS_DATABASE = "coins"
DAGSTER_DATABASE = "dagster"


def embedded_server(settings: "Settings") -> "EmbeddedPostgres":
    """The home's own server; not started by this."""
    from coin_platform.resources.database.embedded import EmbeddedPostgres

    return EmbeddedPostgres(settings.home / "postgres")


def open_database(settings: "Settings", *, lease: bool = True) -> "PostgresDatabase":
    """The configured database; server and database are created when it is first used.

    With `lease` the using process counts as a user of the embedded server until it exits
    (`leases.py`).
    """
    from coin_platform.resources.database.endpoint import EmbeddedEndpoint
    from coin_platform.resources.database.postgres import PostgresDatabase

    if settings.env == "aws":
        from coin_platform.resources.database.rds import RdsEndpoint

        return PostgresDatabase(RdsEndpoint(settings, COINS_DATABASE, create=True))
    return PostgresDatabase(
        EmbeddedEndpoint(embedded_server(settings), COINS_DATABASE, lease=lease)
    )


def dagster_storage_url(settings: "Settings") -> str:
    """SQLAlchemy URL of a local home's Dagster storage, whose server runs then; no password in it.

    Valid until the server's next start, when it may have to take another port.
    """
    from coin_platform.resources.database.endpoint import EmbeddedEndpoint

    server = embedded_server(settings)
    # An event that a kill loses is an hour done again, which changes nothing; a wait for the disk
    # at every event is most of a short run's time.
    return EmbeddedEndpoint(server, DAGSTER_DATABASE, wait_for_disk=False).url()
