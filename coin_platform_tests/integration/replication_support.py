"""What the replication tests share: a task that ends with its test, and a strict reader of raw."""

import time
from contextlib import contextmanager

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from coin_platform.resources.replication.layout import CHANGE_FILE, CSV_NULL, LOAD_FILE
from coin_platform.resources.replication.local import LocalReplication

QUICK = {"pace": {"poll_seconds": 0.02, "gather_seconds": 0.02, "idle_seconds": 0.2}}


class TaskUnderTest(LocalReplication):
    """A local task, and where a test finds what it made."""

    def __init__(self, home, connection, **choices):
        self.home = home
        self.connection = connection
        super().__init__(home / "replication", home / "lake", connection, options=QUICK, **choices)
        self.folder = home / "replication" / "coin-platform"

    def files(self, table):
        # Statistics count a batch once it is journalled, an instant before its files are there.
        wait_until(lambda: not (journal := self._journal()) or not journal.moves)
        folder = self.home / "lake" / "raw" / "market" / table
        names = sorted(path for path in folder.iterdir()) if folder.exists() else []
        assert all(LOAD_FILE.fullmatch(p.name) or CHANGE_FILE.fullmatch(p.name) for p in names)
        return sorted(names, key=lambda path: (not path.name.startswith("LOAD"), path.name))

    def rows(self, table):
        """The table's raw rows in the order of the contract: load, time, sequence, file, place."""
        read = [
            (not path.name.startswith("LOAD"), row["commit_timestamp"], row["change_seq"], n, row)
            for n, path in enumerate(self.files(table))
            for row in _read(path)
        ]
        read.sort(key=lambda part: (part[0], part[1], part[2] or "", part[3]))
        sequences = [sequence for _, _, sequence, _, _ in read if sequence]
        assert len(sequences) == len(set(sequences)), "a change was delivered twice"
        return [row for *_, row in read]

    def changes(self, table, *columns):
        """`(Op, values…)` of the changes that were captured, in order."""
        return [
            (row["Op"], *(row[column] for column in columns))
            for row in self.rows(table)
            if row["change_seq"]
        ]

    def replayed(self, table, key="id"):
        """The table that the raw rows describe, by key; each row must fit what was before."""
        rows = self.rows(table)
        loaded = max((r["commit_timestamp"] for r in rows if not r["change_seq"]), default="")
        state = {}
        for row in rows:
            # Changes of before the load are history.
            if row["change_seq"] and row["commit_timestamp"] < loaded:
                continue
            values = {
                k: v for k, v in row.items() if k not in ("Op", "commit_timestamp", "change_seq")
            }
            assert (row[key] in state) == (row["Op"] != "I"), f"{row} does not fit what was before"
            if row["Op"] == "D":
                del state[row[key]]
            else:
                state[row[key]] = values
        return state

    def statistics(self, table):
        return next(s for s in self.table_statistics() if s.table_name == table)

    def loaded(self):
        wait_until(lambda: self.describe().full_load_progress_percent == 100, self.describe)


def _read(path):
    if path.suffix == ".parquet":
        return pq.read_table(path).to_pylist()
    convert = pacsv.ConvertOptions(
        column_types={"change_seq": pa.string(), "commit_timestamp": pa.string()},
        null_values=[CSV_NULL],
        strings_can_be_null=True,
    )
    return pacsv.read_csv(path, convert_options=convert).to_pylist()


@contextmanager
def started(database, home, **choices):
    """A task over the database, started and loaded, and stopped in the end."""
    task = TaskUnderTest(home, database.endpoint.parameters, **choices)
    try:
        task.start("start-replication")
        task.loaded()
        yield task
    finally:
        task.stop()


def wait_until(condition, explain=lambda: "", seconds=30):
    """Return what the condition returns once that is true; fail if it takes too long."""
    deadline = time.monotonic() + seconds
    while not (result := condition()):
        if time.monotonic() > deadline:
            message = f"not within {seconds} s: {explain()}"
            raise AssertionError(message)
        time.sleep(0.02)
    return result
