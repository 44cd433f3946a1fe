"""The tables of the lake that are Delta tables: Glue tells of them, upkeep goes over them."""

from coin_platform.contracts import curated, processed

TABLES = (
    *processed.TABLES,
    *processed.SIDE_TABLES,
    *curated.TABLES,
    *curated.SIDE_TABLES,
)
