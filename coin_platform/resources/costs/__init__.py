"""What the deployment costs; there is such a thing on AWS only."""

from typing import TYPE_CHECKING

from coin_platform.resources.costs.interface import Costs

if TYPE_CHECKING:
    from coin_platform.settings import Settings


def open_costs(settings: "Settings") -> Costs:
    """The bills of the configured deployment; nothing is asked yet."""
    from coin_platform.resources.aws.session import client
    from coin_platform.resources.costs.cost_explorer import CostExplorer

    return CostExplorer(client(settings, "ce"), settings.monthly_budget_usd)
