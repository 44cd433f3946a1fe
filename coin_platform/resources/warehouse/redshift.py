"""The two ways of curated to Redshift: copied into its own tables, or read where it is.

A Delta table's folder also holds files of former versions, so it cannot be copied as it is: the
days' rows are written as one Parquet file beside, which COPY reads.
"""

import io
import uuid
from typing import TYPE_CHECKING

from coin_platform.contracts.model import Table, Type
from coin_platform.partitions import Window
from coin_platform.resources.aws.objects import Objects
from coin_platform.resources.lake.tables import predicate
from coin_platform.resources.warehouse.interface import Warehouse
from coin_platform.resources.warehouse.statements import Redshift

if TYPE_CHECKING:
    import pyarrow as pa

SCHEMA = "curated"
TYPES = {
    Type.INTEGER: "INTEGER",
    Type.BIGINT: "BIGINT",
    Type.DOUBLE: "DOUBLE PRECISION",
    Type.TEXT: "VARCHAR(65535)",
    Type.BOOLEAN: "BOOLEAN",
    Type.TIMESTAMP: "TIMESTAMPTZ",
    Type.DATE: "DATE",
}


def quoted(text: str) -> str:
    """A text as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"


def count(table: Table, window: Window) -> str:
    return f"SELECT count(*) FROM {SCHEMA}.{table.name} WHERE {predicate(table, window)}"  # noqa: S608  names of contracts


class CopiedWarehouse(Warehouse):
    """Tables of Redshift's own, in schema `curated`, made from the contracts."""

    def __init__(self, redshift: Redshift, role: str, files: Objects) -> None:
        self._redshift, self._role, self._files = redshift, role, files

    def publish(self, table: Table, rows: "pa.Table", window: Window) -> int:
        import pyarrow.parquet as pq

        name = f"{table.name}/{window.start:%Y%m%d}-{uuid.uuid4().hex}.parquet"
        content = io.BytesIO()
        pq.write_table(rows.select(table.column_names), content)
        self._files.put(name, content.getvalue())
        try:
            return self._redshift.transaction(
                self.statements(table, f"{self._files.uri}/{name}", window),
                f"copying {table.id} to Redshift, {window}",
            )
        finally:
            self._files.delete([name])

    def statements(self, table: Table, file: str, window: Window) -> list[str]:
        """Replace the days' rows by the file's, and count them; one transaction."""
        columns = ", ".join(
            f'"{column.name}" {TYPES[column.type]}{"" if column.nullable else " NOT NULL"}'
            for column in table.columns
        )
        target = f"{SCHEMA}.{table.name}"
        return [
            f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}",
            f"CREATE TABLE IF NOT EXISTS {target} ({columns})",
            f"COMMENT ON TABLE {target} IS {quoted(table.description)}",
            f"DELETE FROM {target} WHERE {predicate(table, window)}",  # noqa: S608  as above
            f"COPY {target} FROM {quoted(file)} IAM_ROLE {quoted(self._role)} FORMAT AS PARQUET",
            count(table, window),
        ]


class ExternalWarehouse(Warehouse):
    """The lake's tables as Glue knows them, below an external schema: nothing is copied."""

    def __init__(self, redshift: Redshift, role: str, database: str) -> None:
        self._redshift, self._role, self._database = redshift, role, database

    def publish(self, table: Table, rows: "pa.Table", window: Window) -> int:  # noqa: ARG002  they are there already
        return self._redshift.transaction(
            [
                f"CREATE EXTERNAL SCHEMA IF NOT EXISTS {SCHEMA} FROM DATA CATALOG "
                f"DATABASE {quoted(self._database)} IAM_ROLE {quoted(self._role)}",
                count(table, window),
            ],
            f"reading {table.id} through Redshift, {window}",
        )
