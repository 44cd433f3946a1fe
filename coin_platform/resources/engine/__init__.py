"""Engines that run transform jobs: Sail in this process; on AWS, steps of an EMR cluster."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from coin_platform.resources.engine.local import LocalEngine
    from coin_platform.settings import Settings

__all__ = ["open_engine"]


def open_engine(settings: "Settings") -> "LocalEngine":
    """The engine of the configured deployment. Nothing is started yet."""
    from coin_platform.resources.engine.local import LocalEngine
    from coin_platform.resources.lake import open_lake

    return LocalEngine(open_lake(settings))
