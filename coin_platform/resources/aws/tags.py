"""The tags that everything of the platform on AWS carries: by them costs are told apart."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from coin_platform.settings import Settings

APPLICATION = ("Application", "coin-platform")


def tags(settings: "Settings") -> dict[str, str]:
    """Name to value."""
    return {
        "Projeto": str(settings.project),
        "Team": settings.team,
        "CentroCusto": settings.cost_center,
        APPLICATION[0]: APPLICATION[1],
    }


def tag_list(settings: "Settings") -> list[dict[str, str]]:
    """The same in the form that most services ask for."""
    return [{"Key": key, "Value": value} for key, value in tags(settings).items()]
