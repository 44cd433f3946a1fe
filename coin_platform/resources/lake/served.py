"""What serving may read of the lake: processed and curated, and never raw.

Everything that a reader outside the platform is given (pages, SQL, exports) is made from this, so
that one place keeps raw away from all of them.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from coin_platform.contracts import curated, processed
from coin_platform.contracts.model import Table
from coin_platform.errors import AccessError, PermanentError, SettingsError
from coin_platform.partitions import Window
from coin_platform.resources.lake import versions
from coin_platform.resources.lake.lake import Lake
from coin_platform.resources.lake.tables import TableDetail
from coin_platform.resources.lake.versions import Commit

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.dataset as ds
    from pyspark.sql import DataFrame, SparkSession

TABLES = (*processed.TABLES, *curated.TABLES, *curated.SIDE_TABLES)


class ServedLake:
    """Reads the tables that people outside the platform may see, and changes none of them."""

    def __init__(self, lake: Lake) -> None:
        self._lake = lake

    @property
    def url(self) -> str:
        return self._lake.url

    @property
    def exports(self) -> str:
        """Where exported days are."""
        return f"{self._lake.roots['serving']}/exports"

    def tables(self) -> list[Table]:
        """The served tables that exist and that our role may read, layer by layer."""
        return [table for table in TABLES if self._is_readable(table)]

    def _is_readable(self, table: Table) -> bool:
        try:
            return self._lake.exists(table)
        except AccessError:  # IAM decides by layer
            return False

    def exists(self, table: Table) -> bool:
        return self._lake.exists(served(table))

    def version(self, table: Table) -> int | None:
        """The table's newest version; None where there is none."""
        return self._lake.version(served(table))

    def detail(self, table: Table) -> TableDetail | None:
        """The table's version, files, bytes and rows; None where there is none."""
        return self._lake.detail(served(table))

    def rows(
        self, table: Table, columns: Sequence[str], window: Window | None = None
    ) -> "pa.Table":
        """Columns of the table's rows, or of a window's; `PermanentError` where there is none."""
        return self._lake.rows(served(table), columns, window)

    def read(self, spark: "SparkSession", table: Table, version: int | None = None) -> "DataFrame":
        """The table's rows as a DataFrame, now or at an older version."""
        return self._lake.read(spark, served(table), version=version)

    def history(self, table: Table) -> list[Commit]:
        """The table's commits, the newest first; `PermanentError` where there is no table."""
        self._lake.require(served(table))
        return versions.history(self._lake.uri(table), self._lake.storage_options)

    def dataset(self, table: Table, version: int | None = None) -> "ds.Dataset":
        """The table at its newest version, or at an older one, as a lazy Arrow dataset.

        Whoever reads it picks columns and filters; files whose hours rule them out stay shut.
        Raises `PermanentError` where there is no table, or no such version any more.
        """
        self._lake.require(served(table))
        lake = self._lake
        return versions.dataset(table, lake.uri(table), lake.storage_options, version)


def served(table: Table) -> Table:
    """The table, if it may be served. Raises `PermanentError` otherwise."""
    if table not in TABLES:
        message = f"{table.id} is not served: readers see {', '.join(t.id for t in TABLES)}"
        raise PermanentError(message)
    return table


def sql_name(table: Table) -> str:
    """`curated.daily_coin_prices`."""
    return f"{table.layer}.{table.name}"


def table_named(name: str) -> Table:
    """The served table of that name, with or without its layer; `SettingsError` for another."""
    for table in TABLES:
        if name.lower() in (table.name, sql_name(table), table.id):
            return table
    raise SettingsError(f"no table {name}; there are {', '.join(map(sql_name, TABLES))}")
