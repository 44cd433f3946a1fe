"""processed/coins is the exact history of coins, however its hours are materialized.

Each example is a table of coins, changed while a task captures and perhaps loads; raw grows, hours
are materialized in some order, and the table is compared with changes applied one by one.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given

from coin_platform.contracts import database, processed, raw
from coin_platform.partitions import Window, floor_hour
from coin_platform.resources.engine.local import LocalEngine
from coin_platform.resources.lake import Lake
from coin_platform_tests.integration.change_log_history import COLUMNS, history_of, in_order
from coin_platform_tests.integration.change_log_model import (
    SEEDS,
    RawFolder,
    Row,
    Source,
    property_of,
)
from coin_platform_tests.integration.lake_files import HOUR, H, change_name, coin, stamp, write_raw

pytestmark = pytest.mark.slow

COINS = processed.COINS
IDS = range(1, 41)
STAYS = 99  # a coin that is never deleted, because a table without rows has no load to date it


class Catalogue:
    """A table of coins whose clock goes on, with its lake.

    `waiting` are the hours in which something was committed that no run has seen: to run them,
    or an hour before each, is all that the platform promises to do.
    """

    def __init__(self, random: Random, folder: Path) -> None:
        self.random = random
        self.engine = LocalEngine(Lake(str(folder)))
        self.source = Source(database.COINS.key, capturing=random.random() < 0.7)
        self.raw = RawFolder(self.engine.lake, raw.COINS, random)
        self.now = H + 5 * HOUR
        self.named = 0
        self.waiting: set[datetime] = set()
        self.source.put(self.coin(STAYS))

    def coin(self, coin_id: int) -> Row:
        """A row that a recent hour brought, mostly the last; hours also run backwards."""
        lag = self.random.choice((1, 1, 2, 4))
        self.named += 1
        hour = floor_hour(self.now) - lag * HOUR
        row: Row = coin(coin_id, hour, at=self.now, name=f"name {self.named}")
        return row

    def step(self) -> None:
        """Something happens: mostly a transaction, at times something to the task.

        There is one load at most: raw keeps the files of the last, and with the earlier ones go
        the versions that only they held.
        """
        self.now += timedelta(minutes=self.random.choice((0, 0, 1, 25, 70)))
        if self.source.is_loading and self.random.random() < 0.3:
            self.source.read_load()
        elif self.source.load is None and self.random.random() < 0.25:
            self.start_load()
        elif self.source.load is None and self.random.random() < 0.05:
            self.now += timedelta(microseconds=1)  # a row is told from others by its loaded_at
            self.source.capturing = False
        else:
            self.change()

    def start_load(self) -> None:
        self.now += timedelta(microseconds=1)  # no change is as old as the load after it
        self.source.start_load(self.now)

    def change(self) -> None:
        """One transaction."""
        for _ in range(self.random.randint(1, 16)):
            coin_id = self.random.choice(IDS)
            gone = coin(coin_id, op="D", at=self.now)
            match self.random.choice(("put", "put", "put", "delete", "move", "delete and put")):
                case "put":
                    self.source.put(self.coin(coin_id))
                case "delete":
                    self.source.delete(gone)
                case "move":
                    self.source.move(gone, self.coin(self.random.choice(IDS)))
                case _:
                    self.source.delete(gone)
                    self.source.put(self.coin(coin_id))

    def settle(self) -> None:
        """Bring the task to where raw tells all that was captured, and deliver it."""
        if not self.source.capturing:
            self.start_load()
        if self.source.is_loading:
            self.source.read_load()
        committed = [row["commit_timestamp"] for row in self.raw.deliver(self.source)]
        self.waiting |= {floor_hour(datetime.fromisoformat(f"{at}+00:00")) for at in committed}

    def run(self, first: datetime, last: datetime | None = None) -> None:
        self.engine.run(COINS.id, Window(first, (last or first) + HOUR))
        self.waiting = {hour for hour in self.waiting if hour < first}

    def hours(self) -> list[datetime]:
        return Window(H, floor_hour(self.now) + HOUR).hours

    def history(self) -> list[Row]:
        return in_order(self.engine.lake.rows(COINS, COLUMNS).to_pylist())

    def rebuild(self) -> None:
        shutil.rmtree(self.engine.lake.uri(COINS))
        self.run(H, self.hours()[-1])


@contextmanager
def catalogue(random: Random) -> Iterator[Catalogue]:
    with TemporaryDirectory(prefix="history") as folder:
        yield Catalogue(random, Path(folder))


def assert_sound(history: list[Row]) -> None:
    """No version overlaps the next, and only the last can be current."""
    for row, following in pairwise(history):
        assert row["is_current"] is (row["valid_to"] is None)
        if row["coin_id"] == following["coin_id"]:
            assert row["valid_from"] <= row["valid_to"] <= following["valid_from"]


@property_of(4)
@given(SEEDS)
def test_history_kept_while_raw_grows_is_that_of_the_changes_one_by_one(seed: int) -> None:
    with catalogue(Random(seed)) as world:
        random = world.random
        for _ in range(random.randint(1, 2)):
            for _ in range(random.randint(2, 7)):
                world.step()
            world.settle()
            for hour in random.choices(world.hours(), k=random.randint(0, 2)):
                world.run(hour)
        late = [*world.waiting]
        random.shuffle(late)
        for hour in late:
            if hour in world.waiting:
                world.run(hour)
        world.run(random.choice(world.hours()[-3:]))
        kept = world.history()
        assert_sound(kept)
        assert kept == history_of(world.source)
        world.rebuild()
        assert world.history() == kept


@property_of(4)
@given(SEEDS)
def test_hours_materialized_in_any_order_give_the_history_of_one_pass(seed: int) -> None:
    with catalogue(Random(seed)) as world:
        random = world.random
        for _ in range(random.randint(4, 15)):
            world.step()
        world.settle()
        late, again = random.sample(world.hours(), 2)
        for hour in (late, H, again):
            world.run(hour)
        assert world.history() == history_of(world.source)


@pytest.fixture
def engine(tmp_path: Path) -> LocalEngine:
    return LocalEngine(Lake(str(tmp_path)))


def spans(engine: LocalEngine) -> list[tuple[str, datetime, datetime | None]]:
    rows = in_order(engine.lake.rows(COINS, COLUMNS).to_pylist())
    return [(row["name"], row["valid_from"], row["valid_to"]) for row in rows]


def deliver(engine: LocalEngine, name: str, *rows: Row) -> None:
    write_raw(engine.lake, raw.COINS, name, list(rows))


def test_an_old_change_that_is_delivered_again_later_is_not_the_newest(engine: LocalEngine) -> None:
    first = coin(1, at=H + HOUR, seq=1, name="first")
    deliver(engine, change_name(H + HOUR), first)
    deliver(engine, change_name(H + 2 * HOUR), coin(1, op="U", at=H + 2 * HOUR, seq=2, name="last"))
    engine.run(COINS.id, Window.of_hour(H))
    deliver(engine, change_name(H + 5 * HOUR), first)
    engine.run(COINS.id, Window.of_hour(H + 5 * HOUR))
    assert spans(engine) == [("last", H, None)]


def test_a_coin_deleted_while_a_load_ran_ended_when_it_was_deleted(engine: LocalEngine) -> None:
    gone = H + 3 * HOUR + timedelta(minutes=2)
    deliver(engine, change_name(H + HOUR), coin(1, at=H + HOUR, seq=1))
    deliver(engine, "LOAD00000001.parquet", coin(2, at=H + 3 * HOUR))
    deliver(engine, change_name(gone), coin(1, op="D", at=gone, seq=2))
    engine.run(COINS.id, Window.of_hour(H))
    assert spans(engine) == [("Coin 1", H, gone), ("Coin 2", H, None)]


def test_a_load_that_read_a_coin_that_was_back_does_not_hide_that_it_was_away(
    engine: LocalEngine,
) -> None:
    started, gone, back = (H + HOUR * 5 - timedelta(minutes=n) for n in (3, 2, -1))
    returned = coin(1, H + 5 * HOUR, at=back, seq=3, name="back")
    deliver(engine, change_name(H + HOUR), coin(1, at=H + HOUR, seq=1))
    loaded = returned | {"commit_timestamp": stamp(started), "change_seq": None}
    deliver(engine, "LOAD00000001.parquet", loaded)
    deliver(engine, change_name(back), coin(1, op="D", at=gone, seq=2), returned)
    engine.run(COINS.id, Window.of_hour(H))
    assert spans(engine) == [("Coin 1", H, gone), ("back", H + 5 * HOUR, None)]
