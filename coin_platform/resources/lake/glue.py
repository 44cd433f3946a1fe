"""Processed and curated in the Glue catalog: tables that Athena and Spark find by name.

Athena reads a Delta table's columns from its log; the catalog has them with their meanings for
people, and for services that go by the catalog. A table is registered from its contract, with the
columns that it has beyond.
"""

from collections.abc import Mapping
from typing import Any

from coin_platform.contracts.delta import TABLES
from coin_platform.contracts.model import Column, Table
from coin_platform.contracts.render import SPARK_TYPES
from coin_platform.resources.aws.errors import explained, unless
from coin_platform.resources.lake import delta_schema
from coin_platform.resources.lake.lake import Lake

ABSENT, PRESENT = {"EntityNotFoundException"}, {"AlreadyExistsException"}
MOST_COMMENT = 255  # characters that Glue takes
MOST_DESCRIPTION = 2048
# Nobody reads a Delta table through these; the catalog wants some, and Glue's crawlers give them.
FORMATS = {
    "InputFormat": "org.apache.hadoop.mapred.SequenceFileInputFormat",
    "OutputFormat": "org.apache.hadoop.hive.ql.io.HiveSequenceFileOutputFormat",
}
SERDE = "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe"
PARAMETERS = {
    "EXTERNAL": "TRUE",
    "classification": "delta",
    "table_type": "DELTA",
    "spark.sql.sources.provider": "delta",
    "spark.sql.partitionProvider": "catalog",
}


class GlueCatalog:
    """Keeps the catalog's tables as the lake's are; `databases` are its databases by layer."""

    def __init__(self, glue: Any, databases: Mapping[str, str]) -> None:
        self._glue, self._databases = glue, databases
        self._known: dict[str, list[Column]] = {}

    def register(self, lake: Lake) -> None:
        """Make the catalog say what there is. Asks and changes nothing for what it knows already.

        Raises the platform's errors.
        """
        for table in TABLES:
            there = lake.columns(table)
            if not there:
                continue
            columns = [*table.columns, *delta_schema.beyond(table, there)]
            if self._known.get(table.id) != columns:
                self._put(table, table_input(table, columns, lake.uri(table)))
                self._known[table.id] = columns

    def _put(self, table: Table, wanted: Mapping[str, Any]) -> None:
        """Create the table, or change it where it differs."""
        database = self._databases[table.layer]
        with explained(f"registering {table.id} in Glue's {database}"):
            name = {"DatabaseName": database, "Name": table.name}
            found = unless(ABSENT, self._glue.get_table, **name)
            if found is None:
                self._create(database, wanted)
            elif differs(found["Table"], wanted):
                self._glue.update_table(DatabaseName=database, TableInput=wanted)

    def _create(self, database: str, wanted: Mapping[str, Any]) -> None:
        """Create the table, and its database if the stack has not."""

        def create() -> bool:  # another run may do the same in the same moment
            table = {"DatabaseName": database, "TableInput": wanted}
            unless(PRESENT, self._glue.create_table, **table)
            return True

        if not unless(ABSENT, create):
            unless(PRESENT, self._glue.create_database, DatabaseInput={"Name": database})
            create()


def table_input(table: Table, columns: list[Column], location: str) -> dict[str, Any]:
    """The table as Glue wants it told."""
    return {
        "Name": table.name,
        "Description": table.description[:MOST_DESCRIPTION],
        "TableType": "EXTERNAL_TABLE",
        "Parameters": PARAMETERS,
        "StorageDescriptor": {
            "Columns": [
                {
                    "Name": column.name,
                    "Type": SPARK_TYPES[column.type].lower(),
                    "Comment": column.description[:MOST_COMMENT],
                }
                for column in columns
            ],
            "Location": location,
            **FORMATS,
            "SerdeInfo": {
                "SerializationLibrary": SERDE,
                "Parameters": {"serialization.format": "1", "path": location},
            },
        },
    }


def differs(found: Any, wanted: Any) -> bool:
    """Whether anything that is wanted is otherwise; what Glue adds of its own does not count."""
    if isinstance(wanted, Mapping):
        return not isinstance(found, Mapping) or any(
            differs(found.get(name), value) for name, value in wanted.items()
        )
    if isinstance(wanted, list):
        return (
            not isinstance(found, list)
            or len(found) != len(wanted)
            or any(map(differs, found, wanted))
        )
    return bool(found != wanted)
