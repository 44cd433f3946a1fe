"""What each change in the log becomes in the change files, without a database."""

import pyarrow.parquet as pq
import pytest

from coin_platform.resources.replication.changes import POSTGRES_EPOCH, Batch
from coin_platform.resources.replication.journal import Journal
from coin_platform.resources.replication.layout import commit_text
from coin_platform.resources.replication.pgoutput import (
    Begin,
    Commit,
    Delete,
    Insert,
    Relation,
    RelationColumn,
    Truncate,
    Update,
)
from coin_platform.resources.replication.source_column import SourceColumn
from coin_platform.resources.replication.tuples import UNCHANGED, row_of

ID, NAME, PRICE = (
    SourceColumn("id", 20, -1),
    SourceColumn("name", 25, -1),
    SourceColumn("price", 701, -1),
)
NOON = 1_795_348_800_000_000  # 2026-11-22T12:00Z in microseconds


def relation(*columns, oid=1, name="t", identity="d", key=("id",)):
    parts = [RelationColumn(c, identity == "f" or c.name in key) for c in columns]
    return Relation(oid, "market", name, identity, parts)


T = relation(ID, NAME)


def row(*values):
    return row_of([v.encode() if isinstance(v, str) else v for v in values])


class Log:
    """Messages with positions and commit times as a server would give them."""

    def __init__(self, tmp_path, primary_key=("id",)):
        self.journal = Journal("slot")
        self.folder = tmp_path / "market"
        self.staging = tmp_path / "staging"
        self.staging.mkdir()
        self.primary_key = list(primary_key)
        self.position = 100

    def deliver(self, *transactions):
        """Each transaction is its messages; the rows of the files, by file, in name order."""
        batch = Batch(self.journal, self.staging, "parquet", lambda _: self.primary_key)
        for transaction in transactions:
            self.apply(batch, transaction)
        files = batch.seal(self.folder)
        assert {path for path, _ in files} == set(self.staging.iterdir())
        tables = [pq.read_table(path) for path, _ in sorted(files, key=lambda pair: pair[1])]
        self.names = sorted(str(final.relative_to(self.folder)) for _, final in files)
        for path, _ in files:
            path.unlink()
        return [table.to_pylist() for table in tables]

    def apply(self, batch, messages, at=NOON):
        batch.apply(Begin(self.position, at - POSTGRES_EPOCH, 1))
        for message in messages:
            batch.apply(message)
        batch.apply(Commit(self.position, self.position + 10, at - POSTGRES_EPOCH))
        self.position += 10

    @property
    def record(self):
        return self.journal.tables["t"]


@pytest.fixture
def log(tmp_path):
    return Log(tmp_path)


def brief(rows, *names):
    return [tuple(row[name] for name in ("Op", *(names or ("id", "name")))) for row in rows]


def test_inserts_updates_and_deletes_become_rows_in_the_order_of_the_log(log):
    (rows,) = log.deliver(
        [T, Insert(1, row("1", "a")), Update(1, None, False, row("1", None))],
        [Delete(1, row("1", None), False)],
    )

    assert brief(rows) == [("I", 1, "a"), ("U", 1, None), ("D", 1, None)]
    assert [row["change_seq"] for row in rows] == [f"2026112212000000{n:019d}" for n in (1, 2, 3)]
    assert {row["commit_timestamp"] for row in rows} == {"2026-11-22 12:00:00.000000"}
    assert log.names == ["t/20261122-120000000.parquet"]
    assert (log.record.inserts, log.record.updates, log.record.deletes) == (1, 1, 1)


def test_a_changed_key_becomes_a_delete_of_the_old_and_an_insert_of_the_new(log):
    (rows,) = log.deliver([T, Update(1, row("1", None), False, row("2", "a"))])

    assert brief(rows) == [("D", 1, None), ("I", 2, "a")]
    assert (log.record.inserts, log.record.updates, log.record.deletes) == (1, 0, 1)


def test_an_unchanged_large_value_is_filled_in_from_the_full_old_row(log):
    full = relation(ID, NAME, identity="f")

    (rows,) = log.deliver(
        [full, Update(1, row("1", "large"), True, row_of([b"1", UNCHANGED]))],
    )

    assert brief(rows) == [("U", 1, "large")]


@pytest.mark.parametrize(
    "update",
    [
        Update(1, None, False, row_of([b"1", UNCHANGED])),
        Update(1, row("1", None), False, row_of([b"2", UNCHANGED])),
    ],
)
def test_without_the_old_row_an_unchanged_large_value_stops_the_table_and_no_other(log, update):
    other = relation(ID, oid=2, name="other")

    (rows,) = log.deliver([T, other, Insert(1, row("1", "x")), update, Insert(2, row("5"))])

    assert log.names[0].startswith("other/")
    assert brief(rows, "id") == [("I", 5)]
    assert log.record.table_state == "Table error"
    assert "REPLICA IDENTITY FULL" in log.record.last_error
    assert log.record.inserts == 0
    assert log.deliver([T, Insert(1, row("9", "later"))]) == []


def test_a_large_key_value_that_was_not_sent_again_is_filled_in_from_the_old_key(log):
    key = relation(ID, NAME, key=("id", "name"))

    (rows,) = log.deliver([key, Update(1, row("1", "large"), False, row_of([b"2", UNCHANGED]))])

    assert brief(rows) == [("D", 1, "large"), ("I", 2, "large")]


def test_a_truncate_leaves_raw_alone_and_is_said(log):
    (rows,) = log.deliver([T, Insert(1, row("1", "a")), Truncate([1], False, False)])

    assert brief(rows) == [("I", 1, "a")]
    assert (log.record.ddls, log.record.table_state) == (1, "Table completed")
    assert "TRUNCATE committed at 2026-11-22 12:00:00.000000 is not in raw" in log.record.last_error


def test_each_shape_of_a_table_has_a_file_of_its_own(log):
    wider = relation(ID, NAME, PRICE)
    retyped = relation(SourceColumn("id", 25, -1), NAME, PRICE)

    before, between, after = log.deliver(
        [T, Insert(1, row("1", "a")), wider, Insert(1, row("2", "b", "0.1"))],
        [T, relation(ID, oid=2, name="x"), retyped, Insert(1, row("x", "c", None))],
    )

    assert "price" not in before[0]
    assert between[0]["price"] == 0.1
    assert after[0]["id"] == "x"
    assert log.names == sorted(log.names)
    assert log.record.ddls == 2
    assert log.record.table_state == "Table completed"


def test_the_same_shape_said_again_is_no_change(log):
    first = log.deliver([T, Insert(1, row("1", "a")), T, Insert(1, row("2", "b"))])
    second = log.deliver([T, Insert(1, row("3", "c"))])

    assert [len(rows) for rows in first + second] == [2, 1]
    assert log.record.ddls == 0


def test_updates_and_deletes_that_name_no_primary_key_stop_the_table(log):
    by_index = relation(ID, NAME, identity="i", key=("name",))

    assert log.deliver([by_index, Delete(1, row(None, "a"), False)]) == []

    assert log.record.table_state == "Table error"
    assert "primary key" in log.record.last_error


def test_a_row_without_a_key_is_replaced_by_its_full_image(tmp_path):
    log = Log(tmp_path, primary_key=())
    keyless = relation(ID, NAME, identity="f")

    (rows,) = log.deliver([keyless, Update(1, row("1", "a"), True, row("1", "b"))])

    assert brief(rows) == [("D", 1, "a"), ("I", 1, "b")]


def test_a_value_that_the_file_cannot_hold_stops_the_table_and_says_which(log):
    number = relation(ID, SourceColumn("n", 1700, -1))

    assert log.deliver([number, Insert(1, row("1", "NaN"))]) == []

    assert log.record.table_state == "Table error"
    assert "column n: decimal128(28, 6) cannot hold it" in log.record.last_error


def test_a_table_that_takes_another_name_stops_there_because_its_rows_are_elsewhere(log):
    log.deliver([T, Insert(1, row("1", "a"))])

    assert log.deliver([relation(ID, NAME, name="u"), Insert(1, row("2", "b"))]) == []

    assert log.record.table_state == "Table does not exist"
    assert log.journal.tables["u"].table_state == "Table error"
    assert "renamed from t" in log.journal.tables["u"].last_error


def test_a_table_dropped_and_created_anew_goes_on_and_says_so(log):
    log.deliver([T, Insert(1, row("1", "a"))])

    (rows,) = log.deliver([relation(ID, NAME, oid=2), Insert(2, row("1", "b"))])

    assert brief(rows) == [("I", 1, "b")]
    assert "raw still has the rows of the former table" in log.record.last_error


def test_a_table_whose_name_leads_out_of_its_folder_is_refused(log):
    assert log.deliver([relation(ID, name="../t"), Insert(1, row("1"))]) == []

    assert log.journal.tables["../t"].table_state == "Table error"


def test_what_was_delivered_before_is_not_delivered_again(log):
    log.deliver([T, Insert(1, row("1", "a"))])
    log.position -= 10

    (rows,) = log.deliver(
        [T, Insert(1, row("1", "a")), Truncate([1], False, False)], [Insert(1, row("2", "b"))]
    )

    assert brief(rows) == [("I", 2, "b")]
    assert log.record.ddls == 0


def test_commit_times_sequences_and_names_never_go_back(log):
    batch = Batch(log.journal, log.staging, "parquet", lambda _: ["id"])
    log.apply(batch, [T, Insert(1, row("1", "a"))], at=NOON + 1)
    log.apply(batch, [Insert(1, row("2", "b"))], at=NOON - 3_600_000_000)
    ((path, first),) = batch.seal(log.folder)
    rows = pq.read_table(path).to_pylist()
    path.unlink()

    assert [r["commit_timestamp"] for r in rows] == [commit_text(NOON + 1)] * 2
    assert rows[0]["change_seq"] < rows[1]["change_seq"]
    # Rounded up: no row is younger than its file's name.
    assert first.name == "20261122-120000001.parquet"
    log.deliver([T, Insert(1, row("3", "c"))])
    assert log.names == ["t/20261122-120000002.parquet"]


def test_a_large_transaction_is_one_file_of_many_row_groups(log):
    many = [Insert(1, row(str(n), "x")) for n in range(25_000)]

    (rows,) = log.deliver([T, *many])

    assert [r["id"] for r in rows] == list(range(25_000))
