"""The engine on EMR as the settings want it."""

from typing import TYPE_CHECKING

from coin_platform.resources.aws.session import client
from coin_platform.resources.engine.emr.cluster import Clusters
from coin_platform.resources.engine.emr.engine import EmrEngine
from coin_platform.resources.engine.emr.package import Package
from coin_platform.resources.engine.emr.runner import Runner
from coin_platform.resources.engine.emr.serverless import ServerlessRunner
from coin_platform.resources.engine.emr.steps import StepRunner
from coin_platform.resources.engine.emr.watch import Pace
from coin_platform.resources.lake import open_lake
from coin_platform.resources.lake.glue import GlueCatalog

if TYPE_CHECKING:
    from coin_platform.settings import Settings

CATALOGUED = ("processed", "curated")


def open_emr_engine(settings: "Settings", pace: Pace | None = None) -> EmrEngine:
    """Nothing is reached yet. Raises `SettingsError` where the mode lacks a setting."""
    package = Package()
    databases = {layer: settings.glue_database(layer) for layer in CATALOGUED}
    return EmrEngine(
        settings,
        open_lake(settings),
        runner_of(settings, package),
        package,
        GlueCatalog(client(settings, "glue"), databases),
        client(settings, "s3"),
        pace or Pace(poll=settings.emr_poll_seconds),
    )


def runner_of(settings: "Settings", package: Package) -> Runner:
    """Steps of a cluster, or runs of an application."""
    if settings.emr_mode == "serverless":
        return ServerlessRunner(settings, client(settings, "emr-serverless"))
    emr = client(settings, "emr")
    return StepRunner(settings, emr, Clusters(settings, emr, client(settings, "s3"), package))
