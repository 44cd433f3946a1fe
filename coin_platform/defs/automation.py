"""What happens by itself: jobs, the hourly and the nightly schedule, and the automation sensor.

An hour's way: the schedule loads the hour that closed into the database; the replication task
carries it to raw; the sensor (`raw/sensors.py`) sees it arrive and asks for raw and processed; the
condition (`conditions.py`) refreshes the days of curated whose checked data changed, and then the
market page.
"""

import dagster as dg

from coin_platform.contracts import curated, database, processed, raw, serving
from coin_platform.contracts.model import Table
from coin_platform.defs.maintenance.assets import DAGSTER_RECORDS, DELTA_TABLES
from coin_platform.defs.serving.assets import MARKET_SITE
from coin_platform.defs.tables import key_of


def selection(*layers: tuple[Table, ...]) -> dg.AssetSelection:
    return dg.AssetSelection.assets(*(key_of(table) for tables in layers for table in tables))


# A run that was killed starts again from where it was; `failures.py` retries passing faults.
RETRIES = {"dagster/max_retries": "2", "dagster/retry_strategy": "FROM_FAILURE"}

LOAD_HOUR = dg.define_asset_job(
    "load_hour",
    selection(database.TABLES),
    description="Ask the API for an hour and write it to PostgreSQL.",
    tags=RETRIES,
)
PROCESS_HOUR = dg.define_asset_job(
    "process_hour",
    selection(raw.TABLES, processed.TABLES),
    description="Have an hour in raw and carry it to processed.",
    tags=RETRIES,
)
REDRIVE = dg.define_asset_job(
    "redrive",
    selection(raw.TABLES, processed.TABLES),
    description="Put an hour through again from raw: corrected or released rows leave quarantine.",
    tags=RETRIES,
)
HOUR = dg.define_asset_job(
    "hour",
    selection(database.TABLES, raw.TABLES, processed.TABLES),
    description="An hour's whole way, from the API to processed.",
    tags=RETRIES,
)
DAY = dg.define_asset_job(
    "day",
    selection(curated.TABLES, serving.TABLES),
    description="A day's curated tables from the hours processed so far, and their export.",
    tags=RETRIES,
)
MAINTAIN = dg.define_asset_job(
    "maintain",
    dg.AssetSelection.assets(DELTA_TABLES, DAGSTER_RECORDS),
    description="Merge small files of past days, and prune Dagster's records.",
    tags=RETRIES,
)
PUBLISH_SITE = dg.define_asset_job(
    "publish_site",
    dg.AssetSelection.assets(MARKET_SITE),
    description="Publish the market page, or hold it and say why.",
    tags=RETRIES,
)
JOBS = (LOAD_HOUR, PROCESS_HOUR, REDRIVE, HOUR, DAY, PUBLISH_SITE, MAINTAIN)

# Two minutes past the hour: the listing is refreshed every minute, so by then it shows the close.
HOURLY = dg.build_schedule_from_partitioned_job(
    LOAD_HOUR,
    name="load_closed_hour",
    description="Loads the hour that closed two minutes ago.",
    minute_of_hour=2,
    default_status=dg.DefaultScheduleStatus.RUNNING,
)

# At night, between two hours' loads.
NIGHTLY = dg.ScheduleDefinition(
    name="maintain_nightly",
    job=MAINTAIN,
    cron_schedule="35 3 * * *",
    execution_timezone="UTC",
    description="Keeps files and records few.",
    default_status=dg.DefaultScheduleStatus.RUNNING,
)
SCHEDULES = (HOURLY, NIGHTLY)

AUTOMATION = dg.AutomationConditionSensorDefinition(
    "refresh_curated",
    target=selection(curated.TABLES, serving.TABLES, (processed.LEDGER,))
    | dg.AssetSelection.assets(MARKET_SITE)
    | dg.AssetSelection.groups("warehouse"),  # often none
    minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.RUNNING,
)
