"""A table of the database and what a replication task writes of it: the model of property tests.

`Source` is the table, changed one transaction after the other, with the task that captures it.
`RawFolder` writes its files in the shape of `docs/replication.md` and with all that DMS may do to
them: cut anywhere, named in any order, delivered twice in whole or in part, as Parquet or CSV.
What raw must then give is in `Source.table`, and in `change_log_history.py` for versions.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st

from coin_platform.contracts.model import Table
from coin_platform.resources.lake import Lake
from coin_platform_tests.integration.lake_files import change_name, sequence, stamp, write_raw

Row = dict[str, Any]
Key = tuple[Any, ...]

# An example is many histories made from one seed, which a failure prints. It takes seconds, so a
# failing one is not searched for a smaller one: give its seed to `hypothesis.example`.
SEEDS = st.integers(0, 2**32 - 1)


def property_of(examples: int) -> settings:
    return settings(
        max_examples=examples, deadline=None, database=None,
        phases=[Phase.explicit, Phase.generate], suppress_health_check=[HealthCheck.too_slow],
    )  # fmt: skip


LONGEST_DELAY = 3 * 3600 * 1000  # milliseconds from a commit to the making of its file


@dataclass
class Load:
    """A full load: its start, what the table and the log held then, and its rows once read.

    The rows are read later than the start, and then show changes that are captured as well;
    `untouched` are those that do not.
    """

    started: datetime
    at_start: dict[Key, Row]
    position: int
    rows: list[Row] | None = None
    untouched: list[Row] = field(default_factory=list)


@dataclass
class Source:
    """The table as it is, and the log of its captured changes in the order of their commits."""

    key: tuple[str, ...]
    capturing: bool = True
    table: dict[Key, Row] = field(default_factory=dict)
    log: list[Row] = field(default_factory=list)
    load: Load | None = None
    _sequence: int = 0

    def put(self, row: Row) -> None:
        """Insert a row of `lake_files.quote` or `coin`, or update the one of its key."""
        key = self.key_of(row)
        self._capture(row | {"Op": "U" if key in self.table else "I"})
        self.table[key] = row

    def delete(self, row: Row) -> None:
        """Delete the row of that key, if there is one; `row` is made with `op="D"`."""
        if self.table.pop(self.key_of(row), None) is not None:
            self._capture(row)

    def move(self, old: Row, new: Row) -> None:
        """Change a primary key: the log has a delete of the old one and an insert of the new."""
        if self.key_of(old) in self.table and self.key_of(new) not in self.table:
            self.delete(old)
            self.put(new)

    def key_of(self, row: Row) -> Key:
        return tuple(row[name] for name in self.key)

    def _capture(self, row: Row) -> None:
        self._sequence += 1
        if self.capturing:
            self.log.append(row | {"change_seq": sequence(self._sequence)})

    def start_load(self, at: datetime) -> None:
        """From here on every change is captured, also if the task was stopped until now."""
        self.load = Load(at, dict(self.table), len(self.log))
        self.capturing = True

    def read_load(self) -> None:
        """Read the table for the load that was started."""
        assert self.load is not None
        started = stamp(self.load.started)
        self.load.rows = [
            row | {"Op": "I", "commit_timestamp": started} for row in self.table.values()
        ]
        self.load.untouched = [
            row for key, row in self.table.items() if self.load.at_start.get(key) is row
        ]

    @property
    def is_loading(self) -> bool:
        return self.load is not None and self.load.rows is None

    @property
    def is_in_raw(self) -> bool:
        """Whether load and log together tell what the table is."""
        return self.capturing and not self.is_loading


class RawFolder:
    """The raw files of one table, written as the log grows."""

    def __init__(self, lake: Lake, table: Table, random: Random) -> None:
        self.lake, self.table, self.random = lake, table, random
        self._names: set[str] = set()
        self._delivered = 0
        self._load: Load | None = None

    def deliver(self, source: Source) -> list[Row]:
        """Write the changes since the last call, some older ones again, and a load if it is new.

        Gives the rows that raw did not hold before.
        """
        new = rows = source.log[self._delivered :]
        while rows:
            size = self.random.randint(1, len(rows))
            self._write(rows[:size], rows[size - 1])
            rows = rows[size:]
        self._delivered = len(source.log)
        while source.log and self.random.random() < 0.4:
            first = self.random.randrange(len(source.log))
            rows = source.log[first : first + self.random.randint(1, 20)]
            self._write(rows, self.random.choice((rows[-1], source.log[-1])))
        if source.load is not None and source.load is not self._load:
            self._replace_load(source.load)
            new = new + (source.load.rows or [])
        return new

    def _replace_load(self, load: Load) -> None:
        for file in self.lake.load_files(self.table):
            Path(file.path).unlink()
        rows = load.rows or []
        cut = self.random.randint(1, len(rows))
        for number, part in enumerate(filter(None, (rows[:cut], rows[cut:])), 1):
            write_raw(self.lake, self.table, f"LOAD{number:08X}.{self._format()}", part)
        self._load = load

    def _write(self, rows: list[Row], last: Row) -> None:
        """One file: whole or partly doubled, and made some time after the commit of `last`."""
        newest = datetime.fromisoformat(f"{last['commit_timestamp']}+00:00")
        delay = self.random.choice((0, 1, 1000, 60_000, LONGEST_DELAY))
        made = newest + timedelta(milliseconds=delay)
        while change_name(made, "") in self._names:
            made += timedelta(milliseconds=1)
        self._names.add(change_name(made, ""))
        rows = rows + rows[: self.random.choice((0, 0, 0, 1, len(rows)))]
        self.random.shuffle(rows)
        folder = self.random.choice(("", "", f"{newest:%Y/%m/%d}/"))  # DatePartitionEnabled
        write_raw(self.lake, self.table, folder + change_name(made, self._format()), rows)

    def _format(self) -> str:
        return self.random.choice(("parquet", "parquet", "csv"))
