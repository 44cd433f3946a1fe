"""For notebooks: processed and curated tables as pandas and PySpark frames, now or as they were.

What readers see is decided in `resources/lake/served.py`; nothing here leads to raw or writes.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from coin_platform.contracts.model import Type
from coin_platform.query.session import answer
from coin_platform.resources.engine import open_local_engine
from coin_platform.resources.lake import open_served
from coin_platform.resources.lake.served import sql_name, table_named
from coin_platform.settings import Settings, load

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow.dataset as ds
    from pyspark.sql import DataFrame

Moment = str | date | datetime


class Reader:
    """Reads a home's tables by name, with or without their layer: `curated.daily_coin_prices`.

    Raises `SettingsError` for a name that is no table's, and `PermanentError` for a table that is
    not there yet, or not at that version any more.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.lake = open_served(settings)

    def tables(self) -> "pd.DataFrame":
        """The tables that exist, with their rows, version and meaning."""
        import pandas as pd

        found = {
            sql_name(table): (detail.rows, detail.version, table.description)
            for table in self.lake.tables()
            if (detail := self.lake.detail(table))
        }
        return pd.DataFrame.from_dict(
            found, orient="index", columns=["rows", "version", "description"]
        )

    def columns(self, name: str) -> "pd.DataFrame":
        """A table's columns, with their types, units and meanings."""
        import pandas as pd

        columns = table_named(name).columns
        return pd.DataFrame(
            [(c.type.value, c.unit or "", c.description) for c in columns],
            index=[c.name for c in columns],
            columns=["type", "unit", "description"],
        )

    def pandas(
        self,
        name: str,
        columns: Sequence[str] | None = None,
        since: Moment | None = None,
        until: Moment | None = None,
        version: int | None = None,
    ) -> "pd.DataFrame":
        """A table's rows, of the hours or days from `since` to before `until`, UTC.

        Hours and columns that are not asked for are not read.
        """
        table = table_named(name)
        found = self.lake.dataset(table, version)
        names = list(columns) if columns is not None else None
        kind = table.column(table.time_column).type if table.time_column else None
        inside = between(table.time_column, kind, since, until)
        frame: pd.DataFrame = found.to_table(names, inside).to_pandas()
        return frame

    def spark(self, name: str, version: int | None = None) -> "DataFrame":
        """A table's rows as a PySpark DataFrame, on Sail in this process."""
        session = open_local_engine(self._settings).session()
        return self.lake.read(session, table_named(name), version)

    def sql(self, query: str) -> "pd.DataFrame":
        """The answer to a query, as `coin-platform sql` gives it."""
        import pyarrow as pa

        with answer(self.lake, query) as found:
            frame: pd.DataFrame = pa.Table.from_batches(list(found), found.schema).to_pandas()
        return frame

    def history(self, name: str) -> "pd.DataFrame":
        """A table's versions, the newest first: when each was made, and how."""
        import pandas as pd

        commits = self.lake.history(table_named(name))
        return pd.DataFrame(
            [(commit.at, commit.operation) for commit in commits],
            index=pd.Index([commit.version for commit in commits], name="version"),
            columns=["at", "operation"],
        )


def open_reader(home: Path | str | None = None) -> Reader:
    """A reader of the home given, else of the configured one (`COIN_PLATFORM_HOME`)."""
    return Reader(load(home=home))


def between(
    column: str | None, kind: Type | None, since: Moment | None, until: Moment | None
) -> "ds.Expression | None":
    """A filter on a table's time; None without bounds. ValueError for a table that has none."""
    import pyarrow.dataset as ds

    if since is None and until is None:
        return None
    if column is None:
        raise ValueError("the table has a row for each version of a coin, and no time to pick by")
    found = ds.scalar(True)
    if since is not None:
        found &= ds.field(column) >= moment(since, kind)
    if until is not None:
        found &= ds.field(column) < moment(until, kind)
    return found


def moment(given: Moment, kind: Type | None) -> date | datetime:
    """The bound in the column's type; what has no zone is UTC."""
    instant = datetime.fromisoformat(str(given))
    instant = instant.astimezone(UTC) if instant.tzinfo else instant.replace(tzinfo=UTC)
    return instant.date() if kind is Type.DATE else instant
