"""The code location: assets, checks and automation bound to the resources of a deployment.

`resources/__init__.py` names who opens each outside system for the configured deployment.
Loading this module starts nothing and reaches nothing; resources start when first used.
"""

from collections.abc import Callable

import dagster as dg

from coin_platform.defs import automation
from coin_platform.defs.curated import assets as curated
from coin_platform.defs.curated import checks as curated_checks
from coin_platform.defs.database import assets as database
from coin_platform.defs.database import checks as database_checks
from coin_platform.defs.maintenance import assets as maintenance
from coin_platform.defs.operations import assets as operations
from coin_platform.defs.operations import checks as operations_checks
from coin_platform.defs.processed import assets as processed
from coin_platform.defs.processed import checks as processed_checks
from coin_platform.defs.processed import statistics
from coin_platform.defs.raw import assets as raw
from coin_platform.defs.raw import checks as raw_checks
from coin_platform.defs.raw import sensors
from coin_platform.defs.serving import assets as serving
from coin_platform.defs.serving import checks as serving_checks
from coin_platform.defs.serving import export_checks, exports
from coin_platform.defs.source import assets as source
from coin_platform.defs.warehouse import assets as warehouse
from coin_platform.resources import build_resources
from coin_platform.settings import Settings, load


def build_definitions(
    settings: Settings,
    resources: dict[str, object] | None = None,
    loggers: dict[str, dg.LoggerDefinition] | None = None,
) -> dg.Definitions:
    """Everything Dagster serves; `resources` replaces some of the deployment's by name.

    Assets of what a deployment does not have are left out.
    """
    openers = build_resources(settings)
    is_paid_for = "costs" in openers
    return dg.Definitions(
        assets=[
            source.COINMARKETCAP,
            database.load_market,
            raw.in_format(settings.raw_format),
            *processed.ASSETS,
            *curated.ASSETS,
            *exports.ASSETS,
            *maintenance.ASSETS,
            *serving.ASSETS,
            *(operations.ASSETS if is_paid_for else ()),
            *(warehouse.ASSETS if "warehouse" in openers else ()),
        ],
        asset_checks=[
            *database_checks.CHECKS,
            *raw_checks.CHECKS,
            *processed_checks.CHECKS,
            *statistics.CHECKS,
            *curated_checks.CHECKS,
            *export_checks.CHECKS,
            *serving_checks.CHECKS,
            *(operations_checks.CHECKS if is_paid_for else ()),
        ],
        jobs=[*automation.JOBS, *([operations.RECORD_COSTS] if is_paid_for else ())],
        schedules=[*automation.SCHEDULES, *([operations.daily] if is_paid_for else ())],
        sensors=[sensors.replication_sensor, automation.AUTOMATION],
        # Steps are short and share one engine session: a process for each would cost more.
        executor=dg.in_process_executor,
        resources={
            "settings": settings,
            **{name: opened_by(opener) for name, opener in openers.items()},
            **(resources or {}),
        },
        loggers=loggers,
    )


def opened_by(opener: Callable[[], object]) -> dg.ResourceDefinition:
    """A resource that is opened when a run first needs it."""
    return dg.ResourceDefinition(lambda _: opener())


defs = build_definitions(load())
