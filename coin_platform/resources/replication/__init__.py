"""Carries the database's rows and changes to the raw layer, as AWS DMS does."""

from typing import TYPE_CHECKING, Any

from coin_platform.resources.replication.interface import Replication

if TYPE_CHECKING:
    from coin_platform.settings import Settings


def open_replication(settings: "Settings") -> Replication:
    """The configured replication task; not started by this."""
    if settings.env == "aws":
        from coin_platform.resources.replication.dms import open_dms

        return open_dms(settings)
    from coin_platform.resources.replication.local import LocalReplication

    def connection() -> dict[str, Any]:
        from coin_platform.resources.database import open_database

        # The worker is stopped together with the server, so it is no user of it.
        return open_database(settings, lease=False).endpoint.parameters()

    return LocalReplication(
        settings.home / "replication",
        settings.home / "lake",
        connection,
        identifier="task-01",
        migration_type=settings.migration_type,
        file_format=settings.raw_format,
    )
