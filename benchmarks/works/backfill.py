"""A backfill from the simulated API to curated: the platform, and the sum of its parts.

The parts are what no way of doing it can leave out: ask the API, write to PostgreSQL, load to raw,
process, account, curate. They are called one after the other in a script without Dagster and
without checks, and their seconds are named.
"""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from benchmarks.home import BEGIN, Nobody, market, settings_of
from benchmarks.tables import summary
from benchmarks.work import Case, Goal, Work
from coin_platform.accounting import close_ledger
from coin_platform.contracts import curated, processed
from coin_platform.partitions import HOUR, Window
from coin_platform.resources.coinmarketcap.interface import QuoteSource, Snapshot
from coin_platform.resources.lake import open_lake
from coin_platform.settings import Settings

PLATFORM, PARTS, QUARTER = "the platform", "its parts, one by one", "the platform, a fourth of it"
TIMEOUT_SECONDS = 1800


def window_of(case: Case, share: int = 1) -> Window:
    return Window(BEGIN, BEGIN + timedelta(days=max(1, case.sizes.backfill_days // share)))


def result(settings: Settings) -> dict[str, object]:
    """Rows and checksums of what was made."""
    lake = open_lake(settings)
    return {
        table.id: summary(Path(lake.uri(table)), table.column_names)
        for table in (processed.COIN_QUOTES, curated.DAILY_COIN_PRICES, curated.MARKET_OVERVIEW)
    }


def run_platform(case: Case, window: Window) -> Settings:
    from coin_platform.running.session import run_hours

    settings = settings_of(case.own / "home", case.sizes.coins)
    with market(settings, window.end - HOUR) as source, case.timed():
        report = run_hours(settings, window.hours, Nobody(), {"source": source})
    assert report.succeeded, report.failed_runs
    return settings


def platform(case: Case) -> object:
    window = window_of(case)
    return result(run_platform(case, window))


def platform_quarter(case: Case) -> None:
    run_platform(case, window_of(case, share=4))


def asked(case: Case, source: QuoteSource, chunk: Window, coins: int) -> Iterator[Snapshot]:
    """The chunk's snapshots; the time until each is the API's part."""
    snapshots = source.snapshots(chunk, coins)
    while True:
        with case.part("API"):
            snapshot = next(snapshots, None)
        if snapshot is None:
            return
        yield snapshot


def parts(case: Case) -> object:
    """The same calls as the assets make, in their order and by their chunks."""
    from coin_platform import home
    from coin_platform.defs.curated.assets import CHUNK_HOURS
    from coin_platform.delivery import deliver
    from coin_platform.resources.database import open_database
    from coin_platform.resources.engine import open_engine
    from coin_platform.resources.replication import open_replication

    window = window_of(case)
    settings = settings_of(case.own / "home", case.sizes.coins)
    home.claim(settings)
    lake, engine = open_lake(settings), open_engine(settings)
    chunks = list(window.chunks(settings.chunk_hours))
    with market(settings, window.end - HOUR) as source, case.timed(), home.in_use(settings):
        database, replication = open_database(settings), open_replication(settings)
        database.migrate()
        for chunk in chunks:
            for snapshot in asked(case, source, chunk, settings.coins):
                with case.part("PostgreSQL"):
                    database.upsert(snapshot.coins, snapshot.quotes)
        with case.part("to raw"):
            for chunk in chunks:
                deliver(replication, database, lake, chunk, TIMEOUT_SECONDS, lambda _: None)
        with case.part("to processed"):
            for table in (processed.COIN_QUOTES, processed.COINS):
                for chunk in chunks:
                    engine.run(table.id, chunk)
        with case.part("ledger, without which curated takes no hour"):
            for chunk in chunks:
                close_ledger(database, lake, chunk)
        with case.part("to curated"):
            for table in curated.TABLES:
                for chunk in window.chunks(CHUNK_HOURS):
                    engine.run(table.id, chunk)
    return result(settings)


WORK = Work(
    title="Backfill, from the simulated API to curated",
    contenders={PLATFORM: platform, PARTS: parts, QUARTER: platform_quarter},
    limits=(QUARTER,),
    goals=[
        Goal(PLATFORM, PARTS, 1.3),
        Goal(PLATFORM, QUARTER, 1.2, of_memory=True),
    ],
    data="`backfill_days` days of 24 hours of `coins` coins, in an empty home.",
    note=(
        "Beyond its parts the platform records each hour's 55 check results and 13 "
        "materializations, measures what the checks judge, exports each day and builds the page. "
        "Half of the parts is the simulated API, which makes its JSON in the same process."
    ),
    rounds=dict.fromkeys((PLATFORM, PARTS, QUARTER), 1),
)
