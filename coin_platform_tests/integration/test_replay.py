"""The same raw files give the same rows in processed and curated, in whatever order and how often.

Thirty hours and the last hour of three more days, with what goes wrong: hours that come late or
again, deletes, renames, wrong rows, a full load in the middle, files that are delivered twice.
"""

import hashlib
import shutil
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

import pytest

from coin_platform.contracts import curated, database, processed, raw
from coin_platform.contracts.model import Table
from coin_platform.partitions import Window
from coin_platform.resources.engine.local import LocalEngine
from coin_platform.resources.lake import Lake
from coin_platform_tests.integration.change_log_model import RawFolder, Source
from coin_platform_tests.integration.lake_files import HOUR, H, close_hours, coin, quote

pytestmark = pytest.mark.slow

HOURS = [H + n * HOUR for n in (*range(30), 71, 95, 119)]
PERIOD = Window(H, H + 120 * HOUR)
DAYS = PERIOD.days
COINS = range(1, 15)
STAYS = 1  # the coin that is in every hour and never deleted
TABLES = (
    processed.COIN_QUOTES,
    processed.QUARANTINED_COIN_QUOTES,
    processed.COINS,
    processed.QUARANTINED_COINS,
    *curated.TABLES,
)


class Past:
    """What happened in the database, hour by hour, with the tasks that captured it."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.quotes = Source(database.COIN_QUOTES.key)
        self.coins = Source(database.COINS.key)

    def happen(self) -> None:
        late: list[datetime] = []
        for number, hour in enumerate(HOURS):
            at = hour + HOUR + timedelta(minutes=2)
            if number % 7 == 5:
                late.append(hour)
                continue
            self.load(hour, at)
            self.describe(hour, at)
            if number % 9 == 8:
                self.load(self.random.choice(HOURS[:number]), at)
            if number % 10 == 9:
                self.load(late.pop(), at)
            if number == 17:
                self.full_load(at)
        for hour in late:
            self.load(hour, PERIOD.end + HOUR)

    def load(self, hour: datetime, at: datetime) -> None:
        """An hour arrives, for the first time or again; coins that it lacks are deleted of it."""
        listed = {STAYS, *self.random.sample(COINS, 11)}
        for number in COINS:
            if number not in listed:
                self.quotes.delete(quote(number, hour, op="D", at=at))
                continue
            price = self.random.lognormvariate(number, 0.3)
            values = {
                "price": None if self.random.random() < 0.03 else price,
                "market_cap": price * 1e6,
                "volume_24h": self.random.choice((None, price * 1e5)),
                "circulating_supply": self.random.choice((0.0, 1e6 + number)),
            }
            self.quotes.put(quote(number, hour, at=at, **values))

    def describe(self, hour: datetime, at: datetime) -> None:
        """Some coins are described anew, one of them without a name; one may go."""
        for number in {STAYS, *self.random.sample(COINS, 2)}:
            name = "" if self.random.random() < 0.1 else f"{number} at {hour:%d %H}"
            self.coins.put(coin(number, hour, at=at, name=name))
        if self.random.random() < 0.2:
            gone = self.random.choice(COINS[1:])
            self.coins.delete(coin(gone, op="D", at=at + timedelta(minutes=5)))

    def full_load(self, at: datetime) -> None:
        for source in (self.quotes, self.coins):
            source.start_load(at + timedelta(minutes=10))
            source.read_load()


@pytest.fixture(scope="module")
def past(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """A lake that holds raw only."""
    lake = Lake(str(tmp_path_factory.mktemp("past")))
    random = Random(11)
    happened = Past(random)
    happened.happen()
    RawFolder(lake, raw.COIN_QUOTES, random).deliver(happened.quotes)
    RawFolder(lake, raw.COINS, random).deliver(happened.coins)
    return lake


@pytest.fixture
def engine(past: Lake, tmp_path: Path) -> LocalEngine:
    """An engine over a lake with the same raw files and nothing above them."""
    shutil.copytree(Path(past.url) / "raw", tmp_path / "raw")
    return LocalEngine(Lake(str(tmp_path)))


def content_hash(lake: Lake, table: Table) -> str:
    """A hash of all columns of all rows, whatever order they are in."""
    rows = lake.rows(table, table.column_names).to_pylist()
    assert rows, f"{table.id} is empty"
    texts = sorted(repr(list(row.values())) for row in rows)
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()


def hashes(lake: Lake) -> dict[str, str]:
    return {table.id: content_hash(lake, table) for table in TABLES}


def curate(engine: LocalEngine, window: Window) -> None:
    for table in curated.TABLES:
        engine.run(table.id, window)


def in_one_pass(engine: LocalEngine) -> dict[str, str]:
    for table in (processed.COINS, processed.COIN_QUOTES):
        engine.run(table.id, PERIOD)
    close_hours(engine.lake, PERIOD)
    curate(engine, PERIOD)
    return hashes(engine.lake)


def piece_by_piece(engine: LocalEngine, random: Random) -> dict[str, str]:
    """Hours alone or a few together, some twice, days refreshed in between; all of it shuffled."""
    hours = [Window.of_hour(hour) for hour in HOURS]
    spans = [Window(HOURS[n], HOURS[min(n + 3, 29)] + HOUR) for n in range(0, 30, 4)] + hours[30:]
    work = [(processed.COIN_QUOTES, window) for window in [*hours, *random.sample(hours, 5)]]
    work += [(processed.COINS, window) for window in [*spans, *random.sample(hours, 3)]]
    random.shuffle(work)
    seen = set()
    for number, (table, window) in enumerate(work):
        engine.run(table.id, window)
        close_hours(engine.lake, window)
        seen.add(table)
        if number % 16 == 15 and len(seen) > 1:
            curate(engine, Window.of_days(window.days[0], window.days[0]))
    close_hours(engine.lake, PERIOD)
    for day in random.sample([*DAYS, DAYS[0]], len(DAYS) + 1):
        curate(engine, Window.of_days(day, day))
    return hashes(engine.lake)


def test_hours_in_any_order_and_again_leave_the_rows_of_one_pass(
    engine: LocalEngine, tmp_path: Path
) -> None:
    at_once = in_one_pass(engine)
    assert in_one_pass(engine) == at_once
    other = tmp_path / "other"
    shutil.copytree(tmp_path / "raw", other / "raw")
    assert piece_by_piece(LocalEngine(Lake(str(other))), Random(5)) == at_once


def test_a_row_more_in_raw_is_another_content(engine: LocalEngine) -> None:
    before = in_one_pass(engine)
    folder = RawFolder(engine.lake, raw.COIN_QUOTES, Random(1))
    source = Source(database.COIN_QUOTES.key)
    source.put(quote(STAYS, HOURS[3], at=PERIOD.end + 9 * HOUR, price=9e9, market_cap=9e15))
    folder.deliver(source)
    after = in_one_pass(engine)
    unchanged = {name for name in before if before[name] == after[name]}
    assert unchanged & {processed.COIN_QUOTES.id, *(table.id for table in curated.TABLES)} <= {
        curated.TOP_CIRCULATING_SUPPLY.id, curated.TOP_PRICES.id, curated.DAILY_TOP_MOVERS.id,
    }  # fmt: skip
