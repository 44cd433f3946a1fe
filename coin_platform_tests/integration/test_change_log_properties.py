"""processed/coin_quotes is the table of the database, whatever its change log went through.

Each example is a table with some dozens of keys, changed by transactions while a task captures,
stops, loads and loads again; the real job runs on the files and every hour is compared.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from hypothesis import given

from coin_platform.contracts import database, processed, raw
from coin_platform.partitions import Window
from coin_platform.resources.engine.local import LocalEngine
from coin_platform.resources.lake import Lake
from coin_platform_tests.integration.change_log_model import (
    SEEDS,
    Key,
    RawFolder,
    Row,
    Source,
    property_of,
)
from coin_platform_tests.integration.lake_files import HOUR, H, quote

QUOTES = processed.COIN_QUOTES
HOURS = 4
COINS = (1, 2, 3, 4, 5, 6)
STAYS = 9  # a coin that is never deleted, because a table without rows has no load to date it


class Market:
    """A table of quotes whose clock goes on, with its lake."""

    def __init__(self, random: Random, folder: Path) -> None:
        self.random = random
        self.engine = LocalEngine(Lake(str(folder)))
        self.source = Source(database.COIN_QUOTES.key, capturing=random.random() < 0.5)
        self.raw = RawFolder(self.engine.lake, raw.COIN_QUOTES, random)
        self.now = H + HOUR
        self.price = 0
        self.source.put(self.quote(H, STAYS))
        if not self.source.capturing:
            self.change()
            self.source.start_load(self.now)

    def quote(self, hour: datetime, coin: int) -> Row:
        self.price += 1
        row: Row = quote(coin, hour, at=self.now, price=self.price / 7)
        return row

    def step(self) -> None:
        """Something happens: mostly a transaction, at times something to the task."""
        self.now += timedelta(minutes=self.random.choice((0, 0, 1, 25, 70)))
        if self.source.is_loading and self.random.random() < 0.5:
            self.source.read_load()
        elif self.random.random() < 0.1:
            self.now += timedelta(microseconds=1)  # no change is as old as the load after it
            self.source.start_load(self.now)
        elif self.source.is_in_raw and self.random.random() < 0.05:
            self.source.capturing = False
        else:
            self.change()

    def change(self) -> None:
        """One transaction on hours that have closed: a whole hour again, or some single rows."""
        closed = range(min((self.now - H) // HOUR, HOURS))
        hours = [H + self.random.choice(closed) * HOUR for _ in range(self.random.randint(1, 4))]
        if self.random.random() < 0.25:
            self.reload(hours[0])
            return
        for hour in hours:
            coin = self.random.choice(COINS)
            gone = quote(coin, hour, op="D", at=self.now)
            match self.random.choice(("put", "put", "delete", "move", "delete and put")):
                case "put":
                    self.source.put(self.quote(hour, coin))
                case "delete":
                    self.source.delete(gone)
                case "move":
                    to = self.quote(self.random.choice(hours), self.random.choice(COINS))
                    self.source.move(gone, to)
                case _:
                    self.source.delete(gone)
                    self.source.put(self.quote(hour, coin))

    def reload(self, hour: datetime) -> None:
        """Materialize an hour again: its rows, and no others of that hour."""
        listed = self.random.sample(COINS, self.random.randint(1, len(COINS)))
        for coin in COINS:
            if coin in listed:
                self.source.put(self.quote(hour, coin))
            else:
                self.source.delete(quote(coin, hour, op="D", at=self.now))

    def settle(self) -> None:
        """Bring the task to where raw can tell the table."""
        if not self.source.capturing:
            self.now += timedelta(microseconds=1)
            self.source.start_load(self.now)
        if self.source.is_loading:
            self.source.read_load()

    def run(self, first: int, last: int) -> None:
        self.engine.run(QUOTES.id, Window(H + first * HOUR, H + (last + 1) * HOUR))

    def processed(self) -> dict[Key, Row]:
        """Rows by key, in the columns that processed shares with the database."""
        names = [name for name in QUOTES.column_names if name in database.COIN_QUOTES.column_names]
        rows = self.engine.lake.rows(QUOTES, names).to_pylist()
        by_key = {self.source.key_of(row): row for row in rows}
        assert len(by_key) == len(rows)
        return by_key

    def table(self) -> dict[Key, Row]:
        names = [name for name in QUOTES.column_names if name in database.COIN_QUOTES.column_names]
        return {
            key: {name: row.get(name) for name in names} for key, row in self.source.table.items()
        }


@contextmanager
def market(random: Random) -> Iterator[Market]:
    with TemporaryDirectory(prefix="changelog") as folder:
        yield Market(random, Path(folder))


@property_of(25)
@given(SEEDS)
def test_processed_is_the_table_as_it_was_each_time_that_raw_was_delivered(seed: int) -> None:
    with market(Random(seed)) as world:
        random = world.random
        for _ in range(random.randint(1, 3)):
            for _ in range(random.randint(1, 12)):
                world.step()
            world.settle()
            world.raw.deliver(world.source)
            world.run(0, HOURS - 1)
            assert world.processed() == world.table()


@property_of(10)
@given(SEEDS)
def test_hours_materialized_in_any_order_and_again_are_the_table(seed: int) -> None:
    with market(Random(seed)) as world:
        random = world.random
        for _ in range(random.randint(4, 20)):
            world.step()
            if world.source.is_in_raw and random.random() < 0.1:
                world.raw.deliver(world.source)
                world.run(0, random.randrange(HOURS))
        world.now = max(world.now, H + HOURS * HOUR)
        world.change()  # raw has a file of every hour
        world.settle()
        world.raw.deliver(world.source)
        hours = [*range(HOURS), *random.choices(range(HOURS), k=2)]
        random.shuffle(hours)
        for hour in hours:
            world.run(hour, hour)
        assert world.processed() == world.table()
