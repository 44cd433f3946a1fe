"""What the platform asks of its PostgreSQL, embedded or RDS."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from coin_platform.contracts.measures import Measured
from coin_platform.contracts.model import Table
from coin_platform.contracts.schema import Schema
from coin_platform.partitions import Window

if TYPE_CHECKING:
    import pandas as pd
    import psycopg
    import pyarrow as pa


@dataclass(frozen=True)
class Upserted:
    """Rows that one snapshot brought to each table, and how many of them changed anything."""

    coins: int
    coins_changed: int
    quotes: int
    quotes_changed: int
    quotes_deleted: int = 0


class Database(ABC):
    """Database `coins`, schema `market`."""

    @abstractmethod
    def connect(self, **options: Any) -> "AbstractContextManager[psycopg.Connection]":
        """An open psycopg connection in UTC; started first where the server is ours to start."""

    @abstractmethod
    def migrate(self) -> list[str]:
        """Bring the schema up to date; the names of the migrations applied now, often none.

        Safe when two processes do it at once. Raises `PermanentError` when a migration that was
        applied has since been edited.
        """

    @abstractmethod
    def upsert(self, coins: "pd.DataFrame", quotes: "pd.DataFrame") -> Upserted:
        """Write one hour, all or nothing, in one transaction; again changes nothing.

        Quotes of the hour that the frame no longer holds are deleted, so that the hour is
        replaced. A value the source does not know this time (null) never blanks `cmc_rank` and
        the other columns that only a listing carries. A coin is touched only when an attribute
        changed and no newer hour has been loaded for it.

        A column that the table no longer has, or has in a type that loses values, is left out where
        its contract says evolve or ignore; `PermanentError` that names it where it says stop.
        """

    @abstractmethod
    def columns(self, table: Table) -> Schema:
        """The table's columns as they now are, in order; none where there is no such table."""

    @abstractmethod
    def rows(self, table: Table, window: Window, columns: tuple[str, ...]) -> "pa.Table":
        """Those columns of the rows whose `snapshot_hour` lies in the window, as Arrow.

        A column that is gone is null where its contract goes on without it; else `PermanentError`.
        """

    @abstractmethod
    def measure(
        self, table: Table, window: Window, facts: Mapping[str, str]
    ) -> dict[datetime, Measured]:
        """Each hour of the window that has rows, counted against the contract by one query.

        Columns that are gone or have another type are not judged.
        `facts` are SQL aggregates by name, whose values come back as the measurement's facts.
        """
