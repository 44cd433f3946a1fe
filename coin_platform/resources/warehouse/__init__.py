"""Curated in Redshift, where the settings want it there."""

from typing import TYPE_CHECKING

from coin_platform.resources.warehouse.interface import Warehouse

if TYPE_CHECKING:
    from coin_platform.settings import Settings

__all__ = ["Warehouse", "open_warehouse"]


def open_warehouse(settings: "Settings") -> Warehouse:
    """The configured warehouse; nothing is reached yet."""
    from coin_platform.resources.aws.objects import Objects
    from coin_platform.resources.aws.session import client
    from coin_platform.resources.warehouse.redshift import CopiedWarehouse, ExternalWarehouse
    from coin_platform.resources.warehouse.statements import Redshift

    redshift = Redshift(
        client(settings, "redshift-data"),
        str(settings.redshift_workgroup),
        settings.redshift_database,
    )
    role = str(settings.redshift_role_arn)
    if settings.warehouse == "external":
        return ExternalWarehouse(redshift, role, settings.glue_database("curated"))
    files = Objects(settings, f"s3://{settings.bucket('platform')}/warehouse")
    return CopiedWarehouse(redshift, role, files)
