"""The outside systems: for each an interface and its implementations.

Nothing here imports Dagster: the replication worker and the steps on a cluster use the same code.
Each opener decides which implementation serves a deployment, and nothing else does.
"""

from collections.abc import Callable
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from coin_platform.settings import Settings

OPENERS = {
    "source": "coin_platform.resources.coinmarketcap:open_source",
    "database": "coin_platform.resources.database:open_database",
    "replication": "coin_platform.resources.replication:open_replication",
    "lake": "coin_platform.resources.lake:open_lake",
    "engine": "coin_platform.resources.engine:open_engine",
    "served": "coin_platform.resources.lake:open_served",
    "exports": "coin_platform.exports:open_exports",
    "site": "coin_platform.site.releases:open_site",
}
# What only a deployment on AWS has, and only if it is wanted there.
COSTS = {"costs": "coin_platform.resources.costs:open_costs"}
WAREHOUSE = {"warehouse": "coin_platform.resources.warehouse:open_warehouse"}


def build_resources(settings: "Settings") -> "dict[str, Callable[[], object]]":
    """How to open each resource of the configured deployment, by the name assets ask for it with.

    A resource is opened, and its libraries are imported, when it is first asked for; asked for
    again it is the same. Even then it reaches and starts nothing before its first use.
    """

    def opener(place: str) -> Callable[[], object]:
        def opened() -> object:
            module, _, function = place.partition(":")
            resource: object = getattr(import_module(module), function)(settings)
            return resource

        return cache(opened)

    on_aws = settings.env == "aws"
    openers = OPENERS | (COSTS if on_aws else {})
    openers |= WAREHOUSE if on_aws and settings.warehouse != "none" else {}
    return {name: opener(place) for name, place in openers.items()}
