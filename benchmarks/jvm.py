"""JVM Spark in local mode, on the machine's Java."""

import shutil
from collections.abc import Mapping
from typing import TYPE_CHECKING

from benchmarks.work import Contender

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

NAME = "JVM Spark"
SETTINGS = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.memory": "4g",
    "spark.sql.shuffle.partitions": "4",
    "spark.ui.enabled": "false",
}


def where_java_is(contender: Contender) -> Mapping[str, Contender]:
    """The contender under its name; none on a machine without Java."""
    return {NAME: contender} if shutil.which("java") else {}


def session() -> "SparkSession":
    """A session on two cores, warm: it has run a query."""
    from pyspark.sql import SparkSession

    builder = SparkSession.builder.master("local[2]")
    for name, value in SETTINGS.items():
        builder = builder.config(name, value)
    spark = builder.getOrCreate()
    spark.range(1).collect()
    return spark
