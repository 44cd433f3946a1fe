"""What a job reports of the table it wrote."""

from collections.abc import Sequence
from typing import Any

from pyspark.sql import SparkSession
from pyspark.sql import functions as fn

from coin_platform.contracts.model import Table
from coin_platform.partitions import Window
from coin_platform.resources.engine.interface import Outcome
from coin_platform.resources.lake import Lake, RawFile
from coin_platform.transforms.partition import label, labels, of_window


def outcome(
    spark: SparkSession, lake: Lake, table: Table, window: Window, files: Sequence[RawFile] = ()
) -> Outcome:
    """Rows by partition as they now are in the table, and what an operator wants to know."""
    rows = of_window(lake.read(spark, table), table, window)
    counted = rows.groupBy(label(table).alias("partition")).agg(
        fn.count("*").alias("rows"), fn.max("source").alias("source")
    )
    found = {row["partition"]: row for row in counted.toArrow().to_pylist()}
    facts: dict[str, Any] = {
        "sources": ", ".join(sorted({row["source"] for row in found.values()}))
    }
    if files:
        facts |= {"files_read": len(files), "last_file_read": files[-1].name}
    detail = lake.detail(table)
    if detail is not None:
        facts |= {
            "table_version": detail.version,
            "table_files": detail.files,
            "table_bytes": detail.bytes,
            "table_rows": detail.rows,
        }
    counts = {
        partition: found[partition]["rows"] if partition in found else 0
        for partition in labels(table, window)
    }
    return Outcome(counts, facts)
