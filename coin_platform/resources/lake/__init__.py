"""The lake: raw files as the replication task writes them, and Delta tables above them.

`storage.py` knows folders from buckets; `listing.py` finds raw files, `raw.py` reads them,
`schemas.py` tells their shapes; `tables.py` owns the Delta tables' shape, `upkeep.py` keeps their
files few, `versions.py` reads what they were; `frames.py` is where Spark reads and writes, with the
guards that it needs. `lake.py` ties them together, `served.py` is what people outside the platform
may read of it.
"""

from typing import TYPE_CHECKING

from coin_platform.resources.lake.lake import Lake
from coin_platform.resources.lake.listing import RawFile
from coin_platform.resources.lake.tables import TableDetail

if TYPE_CHECKING:
    from coin_platform.resources.lake.served import ServedLake
    from coin_platform.settings import Settings

BUCKETS = ("raw", "processed", "curated")

__all__ = ["Lake", "RawFile", "TableDetail", "open_lake", "open_served"]


def open_lake(settings: "Settings") -> Lake:
    """The lake of the configured deployment. Nothing is created or reached yet."""
    from coin_platform.resources.lake.storage import options_of

    root = roots_on_aws(settings) if settings.env == "aws" else settings.lake_url
    return Lake(root, options_of(settings))


def roots_on_aws(settings: "Settings") -> dict[str, str]:
    """The root of each layer; what is served lies where the business may read."""
    roots = {layer: f"s3://{settings.bucket(layer)}" for layer in BUCKETS}
    roots["serving"] = f"{roots['curated']}/serving"
    roots["operations"] = f"s3://{settings.bucket('platform')}/operations"
    return roots


def open_served(settings: "Settings") -> "ServedLake":
    """What people outside the platform may read of it."""
    from coin_platform.resources.lake.served import ServedLake

    return ServedLake(open_lake(settings))
