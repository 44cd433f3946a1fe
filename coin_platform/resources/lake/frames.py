"""Where Spark reads and writes the lake, with a guard for each thing an engine gets silently wrong.

Sail 0.7.2 accepts all of the following without a word, and so no other module reads or writes:

1. `partitionOverwriteMode=dynamic` replaces the whole table: only `replaceWhere` is used here.
2. `replaceWhere` takes rows outside its predicate: the frame is filtered by it first.
3. A path that is missing or has a wildcard reads as no rows: files are listed by us and looked for,
   a missing table or an empty list is an error.
4. `txnAppId` is ignored, so a repeated append doubles rows: there is no append.
5. double to decimal is inexact: doubles stay doubles, `conform` casts to contract types only.
6. Columns made of literals become NOT NULL in a new table: `Lake` creates it from its contract.
7. Partition columns read from folder names are texts: tables have none.
8. CSV's null marker is not honoured in typed columns, columns are taken by position, and `""` reads
   as null: CSV is read as text by its own header, then typed.
9. A column whose statistics say that its smallest and largest values are equal reads as that value
   everywhere, NaN included, which statistics leave out: Sail collects none from Parquet files
   (`resources/engine/sail.py`), and Delta tables keep none of doubles (`tables.py`).

Frames are written in the session's zone, which must be UTC (`resources/engine`).
"""

import re
import time
import uuid
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from coin_platform.contracts.model import Column, Drift, Table, Type
from coin_platform.contracts.render import SPARK_TYPES, spark_columns
from coin_platform.errors import PermanentError, TransientError
from coin_platform.partitions import Window
from coin_platform.resources.replication.layout import CSV_NULL

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

ATTEMPTS = 5
BEYOND = "Not in the contract: it came along with the source."
CONFLICT = re.compile(r"Failed to commit transaction|Concurrent\w+Exception|DELTA_CONCURRENT")


def read_parquet(spark: "SparkSession", table: Table, paths: Sequence[str]) -> "DataFrame":
    """Rows of Parquet files by column name; columns that a file lacks are null."""
    schema = spark_columns(table, with_constraints=False)
    return spark.read.schema(schema).parquet(*paths)


def read_csv(
    spark: "SparkSession", table: Table, header: Sequence[str], paths: Sequence[str]
) -> "DataFrame":
    """Rows of CSV files that share a header, in contract columns and types."""
    from pyspark.sql import functions as fn

    schema = ", ".join(f"`{name}` STRING" for name in header)
    texts = (
        spark.read.schema(schema)
        .options(header="true", multiLine="true", quote='"', escape='"')
        .csv(list(paths))
    )
    columns = []
    for column in table.columns:
        value = fn.lit(None)
        if column.name in header:
            text = fn.coalesce(fn.col(f"`{column.name}`"), fn.lit(""))
            value = fn.when(text != CSV_NULL, text)
        columns.append(value.cast(SPARK_TYPES[column.type]).alias(column.name))
    return texts.select(*columns)


def fitted(rows: "DataFrame", shape: Table, table: Table) -> "DataFrame":
    """Rows of files that have another shape, in the columns and types of the table.

    Retyped columns are converted where nothing is lost, columns that the shape lacks are null.
    """
    from pyspark.sql import functions as fn

    there = {column.name: column for column in shape.columns}
    columns = []
    for column in table.columns:
        kind = SPARK_TYPES[column.type]
        value = fn.lit(None).cast(kind)
        if column.name in there:
            value = fn.col(f"`{column.name}`")
            found = there[column.name].type
            if found is not column.type:
                cast = value.try_cast(kind)
                texts = Type.TEXT in (found, column.type)
                value = cast if texts else fn.when(cast.try_cast(SPARK_TYPES[found]) == value, cast)
        columns.append(value.alias(column.name))
    return rows.select(*columns)


def read_delta(spark: "SparkSession", uri: str, version: int | None = None) -> "DataFrame":
    """The table at a version, the newest by default."""
    reader = spark.read.format("delta")
    return (reader if version is None else reader.option("versionAsOf", str(version))).load(uri)


def predicate(table: Table, window: Window, column: str | None = None) -> str:
    """SQL that is true of the rows of a window, placed by their time column or by another.

    ValueError for a table without one, and for a part of a day where that column is a date.
    """
    time_column = column or table.time_column
    if time_column is None:
        message = f"{table.id} is not on the partition grid: it has no slice of a window"
        raise ValueError(message)
    if table.column(time_column).type is Type.DATE:
        if window != Window.of_days(window.days[0], window.days[-1]):
            message = f"{table.id} is a daily table: {window} must be whole days"
            raise ValueError(message)
        start, end = f"DATE '{window.start:%Y-%m-%d}'", f"DATE '{window.end:%Y-%m-%d}'"
    else:
        start, end = (
            f"TIMESTAMP '{bound:%Y-%m-%d %H:%M:%S}'" for bound in (window.start, window.end)
        )
    return f"{time_column} >= {start} AND {time_column} < {end}"


def conform(frame: "DataFrame", table: Table, beyond: Sequence[Column] = ()) -> "DataFrame":
    """The frame in the contract's columns, order and types; `PermanentError` if one is missing.

    `beyond` are columns that the Delta table has after them: null where the frame has none, for
    Sail takes no row that lacks one.
    """
    from pyspark.sql import functions as fn

    missing = set(table.column_names) - set(frame.columns)
    if missing:
        message = f"rows for {table.id} lack {', '.join(sorted(missing))}, which the contract has"
        raise PermanentError(message)
    return frame.select(
        *(
            (fn.col(f"`{column.name}`") if column.name in frame.columns else fn.lit(None))
            .cast(SPARK_TYPES[column.type])
            .alias(column.name)
            for column in (*table.columns, *beyond)
        )
    )


def beyond_contract(frame: "DataFrame", table: Table) -> list[Column]:
    """Columns of the frame that the table's contract does not have and carries on."""
    if table.new_columns is not Drift.EVOLVE:
        return []
    kinds = {name.lower(): kind for kind, name in SPARK_TYPES.items()}
    return [
        Column(field.name, kinds[field.dataType.simpleString()], BEYOND)
        for field in frame.schema.fields
        if field.name not in table.column_names and field.dataType.simpleString() in kinds
    ]


def replace(
    frame: "DataFrame", table: Table, uri: str, window: Window, beyond: Sequence[Column] = ()
) -> None:
    """Make the frame's rows of the window the table's rows of the window."""
    where = predicate(table, window)
    rows = conform(frame, table, beyond).filter(where)
    writer = rows.write.format("delta").mode("overwrite").option("replaceWhere", where)
    retry(table, lambda: writer.save(uri))


def merge(
    spark: "SparkSession",
    frame: "DataFrame",
    table: Table,
    uri: str,
    beyond: Sequence[Column] = (),
) -> None:
    """Insert the frame's rows, or replace those that have the same key."""
    view = f"merge_{uuid.uuid4().hex}"
    conform(frame, table, beyond).createOrReplaceTempView(view)
    on = " AND ".join(f"t.`{name}` = s.`{name}`" for name in table.key)
    statement = (
        f"MERGE INTO delta.`{uri}` t USING {view} s ON {on} "
        "WHEN MATCHED THEN UPDATE SET * WHEN NOT MATCHED THEN INSERT *"
    )
    try:
        retry(table, lambda: spark.sql(statement).collect())
    finally:
        spark.catalog.dropTempView(view)


def retry(table: Table, write: Callable[[], object]) -> None:
    """Write again, a few times, when another writer's commit came between."""
    from py4j.protocol import Py4JError
    from pyspark.errors import PySparkException

    for attempt in range(1, ATTEMPTS + 1):
        try:
            write()
        except (PySparkException, Py4JError) as error:  # the latter is Delta's, on a JVM
            if not CONFLICT.search(str(error)):
                raise
            if attempt == ATTEMPTS:
                message = (
                    f"{table.id}: other writers committed in between {ATTEMPTS} times; "
                    "let one run at a time write the table"
                )
                raise TransientError(message) from error
            time.sleep(0.1 * 2**attempt)
        else:
            return
