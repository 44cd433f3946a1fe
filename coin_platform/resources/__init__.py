"""The outside systems: for each an interface and its implementations.

Nothing here imports Dagster: the replication worker and the steps on a cluster use the same code.
`build_resources` is the one place that decides which implementation serves a deployment.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from coin_platform.settings import Settings


def build_resources(settings: "Settings") -> dict[str, object]:
    """The resources of the configured deployment, by the names that assets ask for them with.

    Nothing is started or reached: each starts when it is first used.
    """
    from coin_platform.resources.coinmarketcap import open_source
    from coin_platform.resources.database import open_database
    from coin_platform.resources.engine import open_engine
    from coin_platform.resources.lake import open_lake
    from coin_platform.resources.replication import open_replication

    return {
        "settings": settings,
        "source": open_source(settings),
        "database": open_database(settings),
        "replication": open_replication(settings),
        "lake": open_lake(settings),
        "engine": open_engine(settings),
    }
