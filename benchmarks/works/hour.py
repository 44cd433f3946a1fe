"""One hour through the whole graph, warm, in Dagster: with a short and a long past behind it."""

import time
from collections import defaultdict
from collections.abc import Callable
from datetime import datetime
from functools import wraps
from pathlib import Path
from typing import Any

from benchmarks import tables
from benchmarks.home import BEGIN, Nobody, hours_from, market, settings_of
from benchmarks.past import copy_day
from benchmarks.work import Case, Contender, Goal, Sizes, Work
from coin_platform import home
from coin_platform.contracts import processed
from coin_platform.partitions import DAY, HOUR, Window
from coin_platform.resources.lake import open_lake
from coin_platform.settings import Settings

SHORT, LONG = "1 day behind it", "a long past behind it"
FOLDERS = {SHORT: "short", LONG: "long"}


def prepare(sizes: Sizes, shared: Path) -> None:
    """Two homes that have done a day; one of them gets a past."""
    from coin_platform.running.session import run_hours

    hours = hours_from(BEGIN, 24)
    for name, folder in FOLDERS.items():
        settings = settings_of(shared / folder, sizes.coins)
        with home.in_use(settings), market(settings, hours[-1]) as source:
            report = run_hours(settings, hours, Nobody(), {"source": source})
            assert report.succeeded, report.failed_runs
            if name == LONG:
                past(settings, sizes.history_days - 1)


def past(settings: Settings, days: int) -> None:
    """The days before, with raw loaded anew."""
    from coin_platform.delivery import deliver
    from coin_platform.resources.database import open_database
    from coin_platform.resources.replication import open_replication

    replication = open_replication(settings)
    replication.stop()
    copy_day(settings, Window(BEGIN, BEGIN + DAY), days)
    replication.start("reload-target")
    day = Window(BEGIN, BEGIN + DAY)
    deliver(replication, open_database(settings), open_lake(settings), day, 1800, lambda _: None)


def contender(name: str) -> Contender:
    def run(case: Case) -> object:
        """In one session, as a process that goes on from hour to hour."""
        from coin_platform.running.report import Report
        from coin_platform.running.session import Session, session

        settings = settings_of(case.shared / FOLDERS[name], case.sizes.coins)
        hour = next_hour(settings)

        def have(opened: Session, hour: datetime) -> None:
            report = Report([])
            opened.do_hours("hour", [hour], report)
            opened.do_days([hour], report)
            opened.publish_page(report)
            assert report.succeeded, report.failed_runs

        with (
            market(settings, hour + HOUR) as source,
            session(settings, Nobody(), {"source": source}) as opened,
        ):
            have(opened, hour)
            shares = Shares()
            with case.timed():
                have(opened, hour + HOUR)
            shares.tell(case)
        table = processed.COIN_QUOTES
        rows = open_lake(settings).rows(table, table.column_names, Window.of_hour(hour + HOUR))
        return {"hour": str(hour + HOUR), **tables.of_rows(rows)}

    return run


def next_hour(settings: Settings) -> datetime:
    """The first hour that the home has not done."""
    since = Window(BEGIN, BEGIN + 30 * DAY)
    hours = open_lake(settings).rows(processed.LEDGER, ["snapshot_hour"], since)["snapshot_hour"]
    newest: datetime = max(hours.to_pylist())
    return newest + HOUR


class Shares:
    """How long the process is inside each outside system, by wrapping what reaches them."""

    def __init__(self) -> None:
        from dagster import DagsterInstance

        from coin_platform.resources.coinmarketcap.simulated import Simulated
        from coin_platform.resources.database.postgres import PostgresDatabase
        from coin_platform.resources.engine.local import LocalEngine
        from coin_platform.resources.lake import Lake
        from coin_platform.running.session import Session

        self._seconds: dict[str, float] = defaultdict(float)
        self._inside = False
        for owner, methods, name in (
            (Session, ("publish_page",), "the market page"),
            (DagsterInstance, ("handle_new_event", "create_run"), "Dagster's records"),
            (PostgresDatabase, ("upsert", "rows", "measure", "columns", "migrate"), "PostgreSQL"),
            (LocalEngine, ("run", "measure"), "Spark and Delta"),
            (Lake, ("rows", "raw_rows", "replace_rows", "detail", "drift"), "Delta without Spark"),
            (Simulated, ("snapshots",), "API"),
        ):
            for method in methods:
                if hasattr(owner, method):
                    setattr(owner, method, self._timed(getattr(owner, method), name))

    def _timed(self, call: Callable[..., Any], name: str) -> Callable[..., Any]:
        @wraps(call)
        def timed(*arguments: Any, **options: Any) -> Any:
            if self._inside:  # a part of what is being timed
                return call(*arguments, **options)
            self._inside = True
            started = time.perf_counter()
            try:
                found = call(*arguments, **options)
                return list(found) if name == "API" else found
            finally:
                self._inside = False
                self._seconds[name] += time.perf_counter() - started

        return timed

    def tell(self, case: Case) -> None:
        for name, seconds in self._seconds.items():
            case.name_part(name, seconds)
        rest = case.measured.seconds - sum(self._seconds.values())
        case.name_part("the platform and Dagster around them", rest)


WORK = Work(
    title="One hour through the whole graph, warm",
    contenders={name: contender(name) for name in FOLDERS},
    prepare=prepare,
    goals=[Goal(LONG, SHORT, 1.15)],
    data=(
        "An hour of `coins` coins: API, PostgreSQL, raw, processed, ledger, checks, its day in "
        "curated, exports and the market page, after another hour in the same session. The long "
        "past is `history_days` days."
    ),
    note=(
        "The hour's day looks back on seven days and the page shows ninety, of which the short "
        "past has one: what the others cost is part of the ratio. The page writes the newest day "
        "only, since the releases of a day share the days before; what grows until ninety days are "
        "there is the number of checks whose records it asks for, the hours of its charts, and the "
        "files that its own check reads. The platform's clock stands at the hour: by the real one "
        "its day ended long ago, and each hour would be a revision of what was published."
    ),
)
