"""Outside systems that live in memory: subclasses of the interfaces, for tests of assets.

They keep the contracts that assets rely on and count how often they were asked.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import pandas as pd
import pyarrow as pa

from coin_platform.contracts import database as market
from coin_platform.contracts.measures import Measured
from coin_platform.contracts.model import Table, without
from coin_platform.contracts.render import arrow_schema
from coin_platform.contracts.schema import Found, Schema
from coin_platform.errors import PermanentError
from coin_platform.partitions import HOUR, Window, instant_text
from coin_platform.resources.coinmarketcap.interface import Plan, QuoteSource, Snapshot
from coin_platform.resources.database.interface import Database, Upserted
from coin_platform.resources.engine.interface import Engine, Outcome
from coin_platform.resources.lake import Lake, RawFile
from coin_platform.resources.replication.interface import (
    Replication,
    StartType,
    TableStatistics,
    Task,
)

COMMITTED_AT = "2026-05-01 14:02:03.000000"


def frame(table: Table, rows: list[dict[str, Any]]) -> pd.DataFrame:
    """Rows as a frame of the contract's types, without `loaded_at`; columns left out are null."""
    schema = arrow_schema(replace(table, columns=without(table.columns, "loaded_at")))
    full = [{name: row.get(name) for name in schema.names} for row in rows]
    return pa.Table.from_pylist(full, schema).to_pandas(types_mapper=pd.ArrowDtype)


def snapshot_of(hour: datetime, coins: int = 2) -> Snapshot:
    ids = range(1, coins + 1)
    shared = {"snapshot_hour": hour, "source": "simulated"}
    return Snapshot(
        hour=hour,
        coins=frame(
            market.COINS,
            [
                {**shared, "coin_id": n, "name": f"Coin {n}", "symbol": "C", "slug": "c"}
                for n in ids
            ],
        ),
        quotes=frame(
            market.COIN_QUOTES,
            [{**shared, "coin_id": n, "currency": "USD", "price": float(n)} for n in ids],
        ),
        credits=1,
        endpoint="/fake",
    )


@dataclass
class FakeSource(QuoteSource):
    clock: datetime = datetime(2026, 5, 1, 14, 2, tzinfo=UTC)
    unserved: frozenset[datetime] = frozenset()
    asked: list[Window] = field(default_factory=list)

    def snapshots(self, window, coins, progress=lambda _: None) -> Iterator[Snapshot]:
        self.asked.append(window)
        for hour in window.hours:
            if hour in self.unserved:
                raise PermanentError(f"no plan serves {instant_text(hour)}")
            yield snapshot_of(hour, coins)

    def now(self) -> datetime:
        return self.clock

    def plan(self) -> Plan:
        return Plan("fake", None, None, None)

    def oldest_hour(self) -> datetime | None:
        return None


@dataclass
class FakeDatabase(Database):
    hours: dict[datetime, Snapshot] = field(default_factory=dict)

    def connect(self, **options: Any) -> AbstractContextManager[Any]:
        raise NotImplementedError

    def migrate(self) -> list[str]:
        return []

    def upsert(self, coins: pd.DataFrame, quotes: pd.DataFrame) -> Upserted:
        hour = quotes["snapshot_hour"].iloc[0].to_pydatetime()
        changed = 0 if hour in self.hours else len(quotes)
        self.hours[hour] = Snapshot(hour, coins, quotes, 0, "")
        return Upserted(len(coins), changed, len(quotes), changed)

    def columns(self, table: Table) -> Schema:
        return {c.name: Found(c.type.value, c.nullable) for c in table.columns}

    def rows(self, table: Table, window: Window, columns: tuple[str, ...]) -> pa.Table:
        name = "coins" if table.name == "coins" else "quotes"
        frames = [getattr(self.hours[hour], name) for hour in window.hours if hour in self.hours]
        held = pd.concat(frames) if frames else frame(table, [])
        held = held.assign(loaded_at=held["snapshot_hour"])
        table = pa.Table.from_pandas(held[list(columns)], preserve_index=False)
        return table.replace_schema_metadata(None)  # as rows that were asked for

    def measure(self, table, window, facts):
        return {
            hour: Measured(rows=len(self.hours[hour].quotes), keys=len(self.hours[hour].quotes))
            for hour in window.hours
            if hour in self.hours
        }


@dataclass
class FakeReplication(Replication):
    """A task whose start brings everything the database holds into the fake lake."""

    database: FakeDatabase
    lake: "FakeLake"
    status: str = "ready"
    migration_type: str = "full-load-and-cdc"
    brings: bool = True
    started: list[StartType] = field(default_factory=list)
    failure: str | None = None
    stop_reason: str | None = None

    def describe(self) -> Task:
        if self.status == "running" and self.brings:
            self.lake.hold(self.database)
        return Task(
            "fake",
            self.status,
            self.migration_type,
            stop_reason=self.stop_reason,
            last_failure_message=self.failure,
            full_load_progress_percent=100,
            started_at=datetime.now(UTC) if self.started else None,
        )

    def table_statistics(self) -> list[TableStatistics]:
        state = "Table completed" if self.started else "Before load"
        return [TableStatistics("market", table.name, state) for table in market.TABLES]

    def start(self, start_type: StartType) -> None:
        self.started.append(start_type)
        self.status = "failed" if self.failure else "running"

    def stop(self) -> None:
        self.status = "stopped"


class FakeLake(Lake):
    """A lake whose raw layer is a frame for each table."""

    def __init__(self) -> None:
        super().__init__("/nowhere")
        self.raw: dict[str, pd.DataFrame] = {}

    def hold(self, database: FakeDatabase) -> None:
        for table in market.TABLES:
            if not database.hours:
                continue
            window = Window(min(database.hours), max(database.hours) + HOUR)
            rows = database.rows(table, window, (*table.key, "loaded_at")).to_pandas()
            rows["snapshot_hour"] = rows["loaded_at"]
            self.raw[table.name] = rows.assign(
                Op="I", commit_timestamp=COMMITTED_AT, change_seq=None, file="LOAD00000001.parquet"
            )

    def raw_files(self, table, since=None, after=None) -> list[RawFile]:
        return []

    def load_files(self, table) -> list[RawFile]:
        return []

    def raw_rows(self, table, files, columns, window=None) -> pa.Table:
        names = list(dict.fromkeys([*columns, "Op", "commit_timestamp", "change_seq", "file"]))
        held = self.raw.get(table.name)
        if held is None:
            return pa.table({name: [] for name in names})
        if window is not None:
            inside = held["snapshot_hour"].map(lambda hour: hour.to_pydatetime() in window)
            held = held[inside]
        table = pa.Table.from_pandas(held[names], preserve_index=False)
        return table.replace_schema_metadata(None)  # as rows that were read from files


@dataclass
class FakeEngine(Engine):
    rows: int = 2
    quarantined: int = 0
    stopped: dict[str, str] = field(default_factory=dict)
    fails_from: datetime | None = None
    asked: list[tuple[str, Window]] = field(default_factory=list)

    def run(self, job, window, progress=lambda _: None, run_id="", context=None) -> Outcome:
        if self.fails_from is not None and window.end > self.fails_from:
            raise PermanentError(f"no room for {window}")
        self.asked.append((job, window))
        daily = job.startswith("curated/")
        keys = [
            *(
                [day.isoformat() for day in window.days]
                if daily
                else map(instant_text, window.hours)
            )
        ]
        rows = self.rows * 24 if job == "curated/market_overview" else self.rows
        return Outcome(
            dict.fromkeys(keys, rows),
            {"files": 1},
            quarantined=dict.fromkeys(keys, self.quarantined),
            stopped={key: self.stopped[key] for key in keys if key in self.stopped},
        )

    def measure(self, table, window):
        return {}

    def probe(self) -> str:
        return "in memory"
