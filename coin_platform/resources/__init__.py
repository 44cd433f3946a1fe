"""The outside systems: for each an interface and its implementations.

Nothing here imports Dagster: the replication worker and the steps on a cluster use the same code.
`build_resources` is the one place that decides which implementation serves a deployment.
"""

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from coin_platform.resources.lake import Lake
    from coin_platform.settings import Settings


def build_resources(settings: "Settings") -> "dict[str, Callable[[], object]]":
    """How to open each resource of the configured deployment, by the name assets ask for it with.

    A resource is opened, and its libraries are imported, when it is first asked for; asked for
    again it is the same. Even then it reaches and starts nothing before its first use.
    """

    def open_lake() -> "Lake":
        from coin_platform.resources import lake

        return lake.open_lake(settings)

    def source() -> object:
        from coin_platform.resources.coinmarketcap import open_source

        return open_source(settings)

    def database() -> object:
        from coin_platform.resources.database import open_database

        return open_database(settings)

    def replication() -> object:
        from coin_platform.resources.replication import open_replication

        return open_replication(settings)

    def lake() -> object:
        return open_lake()

    def served() -> object:
        from coin_platform.resources.lake.served import ServedLake

        return ServedLake(open_lake())

    def site() -> object:
        from coin_platform.site.releases import open_site

        return open_site(settings)

    def engine() -> object:
        from coin_platform.resources.engine import open_engine

        return open_engine(settings)

    openers = (source, database, replication, lake, served, site, engine)
    return {opener.__name__: cache(opener) for opener in openers}
