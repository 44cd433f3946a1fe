"""The script of a step on EMR: one job, or one measurement, reported through Dagster Pipes.

It is told what to do by the Pipes context's extras (`Orders`), and reads nothing of the settings.
Whatever happens is reported before the process ends: the outcome and what checks will ask, or the
failure and its kind. One that reports nothing has died.
"""

import sys

if sys.version_info < (3, 11):  # noqa: UP036 - an old release of EMR has an older one
    sys.exit(f"Python 3.11 is needed, this release of EMR has {sys.version}: choose a later one")

import argparse
import json
import traceback
from typing import TYPE_CHECKING, Any

from coin_platform.errors import PermanentError, PlatformError
from coin_platform.resources.aws.errors import explained as explained_by_aws
from coin_platform.resources.aws.session import client_in
from coin_platform.resources.engine.interface import Outcome
from coin_platform.resources.engine.orders import RUN, Orders
from coin_platform.resources.engine.reasons import explained
from coin_platform.resources.engine.reports import (
    FAILURE,
    MEASURED,
    OUTCOME,
    Measurements,
    failure_json,
    measurements_json,
    measurements_key,
    outcome_json,
)
from coin_platform.resources.engine.sail import SESSION

if TYPE_CHECKING:
    from dagster_pipes import PipesContext
    from pyspark.sql import SparkSession

OLDEST_SPARK = 4


def session() -> "SparkSession":
    """The cluster's Spark session, in UTC and ANSI."""
    from pyspark.sql import SparkSession

    builder = SparkSession.builder.appName("coin_platform")
    for name, value in SESSION.items():
        builder = builder.config(name, value)
    spark = builder.getOrCreate()
    if int(spark.version.partition(".")[0]) < OLDEST_SPARK:
        raise PermanentError(
            f"jobs need Spark {OLDEST_SPARK}, this release of EMR has {spark.version}: "
            "set COIN_PLATFORM_EMR_RELEASE to emr-spark-8.0.0 or later"
        )
    return spark


def fulfil(orders: Orders, pipes: "PipesContext", s3: Any) -> dict[str, Any]:
    """Do what is ordered, and give the message that tells of it."""
    spark = session()
    pipes.log.info(f"{orders}, on Spark {spark.version}")
    if orders.work != RUN:
        return {MEASURED: measurements_json(measurements(spark, orders, s3))}
    outcome = run(spark, orders)
    pipes.log.info(f"{orders.job}: {sum(outcome.rows.values())} rows of {orders.window}")
    told = {OUTCOME: outcome_json(outcome)}
    try:
        told[MEASURED] = measurements_json(measurements(spark, orders, s3))
    except PlatformError as error:  # what was written stands, and a check will ask again
        pipes.log.warning(str(error))
    return told


def run(spark: "SparkSession", orders: Orders) -> Outcome:
    """Run the job."""
    from coin_platform.transforms.jobs import job_named

    work = job_named(orders.job)
    with explained(str(orders)):
        return work(spark, orders.lake, orders.window, orders.run_id)


def measurements(spark: "SparkSession", orders: Orders, s3: Any) -> Measurements:
    """What checks will ask of the table, kept for them unless somebody wrote meanwhile."""
    from coin_platform.transforms.measure import measure, versions_read

    with explained(f"measuring {orders}"):
        versions = versions_read(orders.lake, orders.job)
        partitions = measure(spark, orders.lake, orders.job, orders.window)
        stood = versions_read(orders.lake, orders.job) == versions
    found = Measurements(versions, partitions)
    if stood:
        key = measurements_key(orders.job, versions[orders.job], orders.window)
        text = json.dumps(measurements_json(found)).encode()
        with explained_by_aws(f"keeping what was measured of {orders.job}"):
            s3.put_object(Bucket=orders.bucket, Key=key, Body=text)
    return found


def main() -> int:
    """Do what the Pipes context says; 0 when it was done, 1 when it was not."""
    from dagster_pipes import (
        PipesCliArgsParamsLoader,
        PipesS3ContextLoader,
        PipesS3MessageWriter,
        open_dagster_pipes,
    )

    parser = argparse.ArgumentParser()
    parser.add_argument("--region", required=True)
    s3 = client_in(parser.parse_known_args()[0].region, "s3")
    with open_dagster_pipes(
        params_loader=PipesCliArgsParamsLoader(),  # type: ignore[no-untyped-call]
        context_loader=PipesS3ContextLoader(s3),
        message_writer=PipesS3MessageWriter(s3, interval=0),
    ) as pipes:
        try:
            told = fulfil(Orders(**pipes.extras), pipes, s3)
        except PlatformError as error:
            told = {FAILURE: failure_json(error)}
        except Exception as error:  # noqa: BLE001 - whatever it is, it must be heard of
            traceback.print_exc()
            known = PermanentError(f"{pipes.extras['job']}: {type(error).__name__}: {error}")
            told = {FAILURE: failure_json(known)}
        pipes.report_custom_message(told)
    return 1 if FAILURE in told else 0


if __name__ == "__main__":
    sys.exit(main())
