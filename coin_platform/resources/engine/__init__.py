"""Engines that run transform jobs: Sail in this process; on AWS, steps of an EMR cluster."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from coin_platform.resources.engine.interface import Engine
    from coin_platform.resources.engine.local import LocalEngine
    from coin_platform.settings import Settings

__all__ = ["open_engine", "open_local_engine"]


def open_engine(settings: "Settings") -> "Engine":
    """The engine of the configured deployment. Nothing is started or reached yet."""
    if settings.env == "aws":
        from coin_platform.resources.engine.emr.factory import open_emr_engine

        return open_emr_engine(settings)
    return open_local_engine(settings)


def open_local_engine(settings: "Settings") -> "LocalEngine":
    """An engine in this process over the configured lake, wherever that is."""
    from coin_platform.resources.engine.local import LocalEngine
    from coin_platform.resources.lake import open_lake

    return LocalEngine(open_lake(settings))
