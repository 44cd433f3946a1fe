"""Runs the transforms on JVM Spark: `python -m …jvm_transforms FOLDER`, for the parity test.

A process of its own, because classic Spark and Spark Connect do not share one. Reads the inputs
that `test_transforms_parity.py` wrote as Parquet, and writes each result beside them.
"""

import sys
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession

from coin_platform_tests.integration.transform_cases import CASES

SETTINGS = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.memory": "1g",
    # The inputs are small: starting fast is all that counts.
    "spark.ui.enabled": "false",
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
    "spark.sql.shuffle.partitions": "1",
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
}


def main(folder: Path) -> None:
    builder = SparkSession.builder.master("local[1]")
    for name, value in SETTINGS.items():
        builder = builder.config(name, value)
    spark = builder.getOrCreate()

    def read(name: str) -> DataFrame:
        return spark.read.parquet(str(folder / f"{name}.parquet"))

    for name, case in CASES.items():
        case(read).coalesce(1).write.parquet(str(folder / f"jvm_{name}"))
    spark.stop()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
