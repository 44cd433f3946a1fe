"""Redshift's Data API, played on a real PostgreSQL: a batch is one transaction there.

What PostgreSQL has not is done by hand: COPY reads the Parquet file that it names from the box's
S3, an external schema gets the tables of the curated bucket. Types, distribution, permissions of
the role and what Spectrum makes of Delta tables are not played.
"""

import re
import threading
import uuid
from collections.abc import Mapping
from typing import Any

import psycopg
from botocore.session import get_session
from botocore.validate import ParamValidator

from coin_platform.contracts import curated
from coin_platform.resources.lake.storage import open_filesystem
from coin_platform_tests.aws.doubles import ApiError

MODEL = get_session().get_service_model("redshift-data")
COPY = re.compile(r"COPY (\S+) FROM '([^']+)' IAM_ROLE '[^']+' FORMAT AS PARQUET")
EXTERNAL = re.compile(
    r"CREATE EXTERNAL SCHEMA IF NOT EXISTS (\S+) FROM DATA CATALOG "
    r"DATABASE '[^']+' IAM_ROLE '[^']+'"
)


class RedshiftDouble:
    """`pending` calls of describe see a batch that is still running; `copies` False loses rows."""

    target = "RedshiftData"

    def __init__(self, connect, lake) -> None:
        self._connect, self._lake = connect, lake
        self.batches: dict[str, dict[str, Any]] = {}
        self.pending = 1
        self.copies = True
        self.cancelled: list[str] = []
        self._guard = threading.Lock()

    def call(self, action: str, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        shape = MODEL.operation_model(action).input_shape
        report = ParamValidator().validate(dict(parameters), shape)
        if report.has_errors():
            raise ApiError("ValidationException", report.generate_report())
        with self._guard:
            calls = {
                "BatchExecuteStatement": self.run,
                "DescribeStatement": self.describe,
                "GetStatementResult": self.result,
                "CancelStatement": self.cancel,
            }
            return calls[action](parameters)

    def close(self) -> None:
        pass

    def run(self, given):
        found = uuid.uuid4().hex
        batch = {"looks": self.pending, "error": None, "answer": None}
        try:
            with self._connect() as connection:
                for statement in given["Sqls"]:
                    batch["answer"] = self.one(connection, statement)
        except psycopg.Error as error:
            batch["error"] = f"ERROR: {str(error).splitlines()[0]}"
        self.batches[found] = batch
        return {"Id": found}

    def one(self, connection, statement):
        copy, external = COPY.fullmatch(statement), EXTERNAL.fullmatch(statement)
        if copy:
            insert(connection, copy[1], read(copy[2], self._lake.storage_options), self.copies)
        elif external:
            connection.execute(f"DROP SCHEMA IF EXISTS {external[1]} CASCADE")
            connection.execute(f"CREATE SCHEMA {external[1]}")
            for table in filter(self._lake.exists, curated.TABLES):
                days = self._lake.rows(table, [table.time_column])
                target = f"{external[1]}.{table.name}"
                kind = "date" if "date" in str(days.schema[0].type) else "timestamptz"
                connection.execute(f"CREATE TABLE {target} ({table.time_column} {kind})")
                insert(connection, target, days, self.copies)
        else:
            cursor = connection.execute(statement)
            return cursor.fetchone()[0] if cursor.description else None
        return None

    def describe(self, given):
        batch = self.batches[given["Id"]]
        batch["looks"] -= 1
        if batch["looks"] >= 0:
            return {"Id": given["Id"], "Status": "STARTED"}
        if batch["error"]:
            return {"Id": given["Id"], "Status": "FAILED", "Error": batch["error"]}
        return {"Id": given["Id"], "Status": "FINISHED"}

    def result(self, given):
        answer = self.batches[given["Id"].partition(":")[0]]["answer"]
        return {"ColumnMetadata": [], "Records": [[{"longValue": answer}]], "TotalNumRows": 1}

    def cancel(self, given):
        self.cancelled.append(given["Id"])
        return {"Status": True}


def read(uri, options):
    import pyarrow.parquet as pq

    filesystem, path = open_filesystem(uri, options)
    return pq.read_table(path, filesystem=filesystem)


def insert(connection, target, rows, all_of_them):
    if not all_of_them:
        rows = rows.slice(1)
    columns = ", ".join(f'"{name}"' for name in rows.column_names)
    places = ", ".join(["%s"] * rows.num_columns)
    with connection.cursor() as cursor:
        cursor.executemany(
            f"INSERT INTO {target} ({columns}) VALUES ({places})",
            [list(row.values()) for row in rows.to_pylist()],
        )
