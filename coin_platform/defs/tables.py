"""How a table's contract becomes what Dagster knows of its asset."""

from collections.abc import Iterable, Mapping
from typing import Any

import dagster as dg

from coin_platform.contracts import curated, database, processed, raw, serving
from coin_platform.contracts.model import Table
from coin_platform.contracts.render import SPARK_TYPES

OWNERS = ("team:data-engineering",)
TABLES = (*database.TABLES, *raw.TABLES, *processed.TABLES, *curated.TABLES, *serving.TABLES)

KINDS: Mapping[str, set[str]] = {
    "source": {"api"},
    "database": {"postgres"},
    "raw": set(),  # the format of its files, which is a setting
    "processed": {"pyspark", "deltalake"},
    "curated": {"pyspark", "deltalake"},
    "serving": {"csv", "parquet"},
}


def key_of(table: Table) -> dg.AssetKey:
    return dg.AssetKey([table.layer, table.name])


def column_schema(table: Table) -> dg.TableSchema:
    """The table's columns with types, constraints and descriptions, as the UI shows them."""
    return dg.TableSchema(
        columns=[
            dg.TableColumn(
                name=column.name,
                type=SPARK_TYPES[column.type],
                description=column.description + (f" Unit: {column.unit}." if column.unit else ""),
                constraints=dg.TableColumnConstraints(nullable=column.nullable),
            )
            for column in table.columns
        ],
        constraints=dg.TableConstraints(other=[f"key: {', '.join(table.key)}"]),
    )


def spec_of(
    table: Table,
    *,
    deps: Iterable[dg.AssetDep | dg.AssetSpec | dg.AssetKey],
    partitions: dg.PartitionsDefinition[str],
    condition: dg.AutomationCondition[Any] | None = None,
) -> dg.AssetSpec:
    """The asset of a contract: key `[layer, table]`, group = layer, its columns in the metadata."""
    return dg.AssetSpec(
        key=key_of(table),
        description=table.description,
        deps=deps,
        group_name=table.layer,
        owners=OWNERS,
        kinds=set(KINDS[table.layer]),
        partitions_def=partitions,
        automation_condition=condition,
        metadata={"dagster/column_schema": column_schema(table), **links(table)},
    )


def links(table: Table) -> dict[str, Any]:
    """Where to read on."""
    page = f"docs/data_dictionary.md#{table.layer}{table.name}"
    return {"data dictionary": dg.MetadataValue.path(page)}


# Dagster's own name for the rows of one partition; the UI plots it.
ROWS = "dagster/partition_row_count"
