"""From decoded messages to change files: what each change means for the raw layer.

One `Batch` takes the messages of one peek, which are whole transactions, and ends as sealed files
and an advanced journal. It talks to nothing but the staging folder. Odd cases and their outcomes
are listed in `docs/replication.md`.
"""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

from coin_platform.contracts.database import SCHEMA
from coin_platform.resources.replication.columns import UnrepresentableError
from coin_platform.resources.replication.journal import Journal, TableRecord
from coin_platform.resources.replication.layout import (
    Format,
    change_file,
    change_prefix,
    commit_text,
)
from coin_platform.resources.replication.pgoutput import (
    Begin,
    Commit,
    Delete,
    Insert,
    Message,
    Relation,
    Truncate,
    Update,
    decode,
    relation_of,
)
from coin_platform.resources.replication.segment import Segment
from coin_platform.resources.replication.tuples import UnchangedValueError, fields, row_of

POSTGRES_EPOCH = 946_684_800_000_000  # microseconds from 1970 to 2000

# What an insert or update starts with: its kind, the table's id, and what row comes first.
HEAD = itemgetter(slice(0, 6))
RUNS = {b"I": "I", b"U": "U"}
NEW_ROW = b"N"

# Given a relation's id, the names of its primary key's columns, as the catalogue has them now.
PrimaryKey = Callable[[int], list[str]]


class Batch:
    """The changes of some whole transactions, on their way to one file per table and shape.

    Changes the journal as it goes; throw both away when anything goes wrong before `seal`.
    """

    def __init__(
        self, journal: Journal, staging: Path, file_format: Format, key: PrimaryKey
    ) -> None:
        self.journal = journal
        self.transactions = 0
        self._staging = staging
        self._format: Format = file_format
        self._primary_key = key
        self._relations: dict[int, Relation] = {}
        self._targets: dict[int, Segment | None] = {}
        self._segments: dict[str, list[Segment]] = {}
        # Writes one file while the next rows are gathered.
        self._writer = ThreadPoolExecutor(1)
        self._opened = 0
        self._delivered_before = False
        self._commit = ""
        self._prefix = ""
        self._actions: dict[type[Any], Callable[[Any], None]] = {
            Insert: self._insert,
            Update: self._update,
            Delete: self._delete,
            Begin: self._begin,
            Commit: self._end,
            Relation: self._relation,
            Truncate: self._truncate,
        }

    def take(self, messages: Iterable[bytes]) -> None:
        """Take the next messages of the log, as the server sent them.

        Most are inserts, or updates that come without the old row, of one table after another; such
        a run is taken at once, which is several times faster than message by message.
        """
        for head, run in groupby(messages, HEAD):
            if head[:1] in RUNS and head[-1:] == NEW_ROW:
                self._run(RUNS[head[:1]], relation_of(head), [data[len(head) :] for data in run])
            else:
                for data in run:
                    self.apply(decode(data))

    def apply(self, message: Message) -> None:
        """Take the next message of the log."""
        action = self._actions.get(type(message))
        if action:
            action(message)

    def seal(self, folder: Path) -> list[tuple[Path, Path]]:
        """Close all files; pairs of staged path and final path below `folder`.

        Names follow from the commit time of the batch's last transaction, rounded up to the
        millisecond so that no row is younger than its file, and only grow.
        """
        files = []
        journal = self.journal
        for name, segments in list(self._segments.items()):
            record = journal.tables[name]
            self._guarded(name, segments[-1].close)
            # Closing may have suspended the table, which then has no segments any more.
            for segment in self._segments.get(name, []):
                journal.newest_file = max(journal.newest_file + 1, -(-journal.commit_time // 1000))
                record.inserts += segment.inserts
                record.updates += segment.updates
                record.deletes += segment.deletes
                final = change_file(journal.newest_file, self._format)
                files.append((segment.path, folder / name / final))
        self._writer.shutdown()
        return files

    def _begin(self, message: Begin) -> None:
        journal = self.journal
        self._delivered_before = message.commit_lsn < journal.position
        if self._delivered_before:
            return
        # Concurrent commits may carry times against the log's order.
        journal.commit_time = max(journal.commit_time, message.commit_time + POSTGRES_EPOCH)
        self._commit = commit_text(journal.commit_time)
        self._prefix = change_prefix(journal.commit_time)

    def _end(self, message: Commit) -> None:
        if not self._delivered_before:
            self.journal.position = message.end_lsn
            self.transactions += 1

    def _relation(self, message: Relation) -> None:
        self._relations[message.oid] = message
        self._targets.pop(message.oid, None)

    def _run(self, operation: str, oid: int, rows: list[bytes]) -> None:
        """New rows of one table, all inserted or all updated."""
        while rows and (target := self._target(oid)):
            if operation == "U" and not target.identified:
                self._unidentified(target)
                return
            fitting, rows = rows[: target.room], rows[target.room :]
            target.count(operation, len(fitting))
            self._write(target, operation, fitting)

    def _insert(self, message: Insert) -> None:
        self._run("I", message.relation, [message.new])

    def _update(self, message: Update) -> None:
        target = self._target(message.relation)
        if not target:
            return
        if message.old is None:
            self._run("U", message.relation, [message.new])
        elif not target.identified and not message.old_is_full:
            self._unidentified(target)
        else:
            self._update_from(target, message.old, message)

    def _update_from(self, target: Segment, old_row: bytes, message: Update) -> None:
        """An update that came with the old row, or with the old key because it changed."""
        new, old = fields(message.new), fields(old_row)
        target.fill(new, old, old_is_full=message.old_is_full)
        if target.moved(old, new):
            self._write(target, "D", [old_row])
            self._write(target, "I", [row_of(new)])
            target.count("D")
            target.count("I")
        else:
            self._write(target, "U", [row_of(new)])
            target.count("U")

    def _delete(self, message: Delete) -> None:
        target = self._target(message.relation)
        if not target:
            return
        if not target.identified and not message.old_is_full:
            self._unidentified(target)
            return
        self._write(target, "D", [message.old])
        target.count("D")

    def _unidentified(self, target: Segment) -> None:
        self._suspend(
            target.table,
            "an update or delete cannot be tied to its row, because the table's replica identity "
            f"is not its primary key: give {SCHEMA}.{target.table} a primary key and "
            "REPLICA IDENTITY DEFAULT or FULL, then start the task with reload-target",
        )

    def _truncate(self, message: Truncate) -> None:
        if self._delivered_before:
            return
        for oid in message.relations:
            record = self._record(self._relations[oid])
            record.ddls += 1
            record.notice(
                f"TRUNCATE committed at {self._commit} is not in raw, which still has the rows; "
                "to drop them start the task with reload-target"
            )

    def _target(self, oid: int) -> Segment | None:
        """The open file that a relation's next row goes to; None if it is not to be delivered."""
        if self._delivered_before:
            return None
        if oid not in self._targets:
            self._targets[oid] = self._open(self._relations[oid])
        return self._targets[oid]

    def _open(self, relation: Relation) -> Segment | None:
        if relation.schema != SCHEMA:
            return None
        record = self._record(relation)
        if record.table_state == "Table error":
            return None
        segments = self._segments.get(relation.name, [])
        if segments and segments[-1].suits(relation):
            return segments[-1]
        self._guarded(relation.name, lambda: self._reopen(relation))
        return self._segments[relation.name][-1] if relation.name in self._segments else None

    def _reopen(self, relation: Relation) -> None:
        """Close the table's file, if there is one, and open another for the new shape."""
        segments = self._segments.setdefault(relation.name, [])
        if segments:
            segments[-1].close()
        key = [column.column.name for column in relation.columns if column.identity]
        if relation.replica_identity in "fi":
            key = self._primary_key(relation.oid)
        self._opened += 1
        path = self._staging / f"{self._opened:06d}.{self._format}"
        segments.append(Segment(relation, key, path, self._format, self._writer))

    def _record(self, relation: Relation) -> TableRecord:
        columns = [column.column for column in relation.columns]
        return self.journal.meet(relation.name, relation.oid, columns)

    def _write(self, target: Segment, operation: str, rows: list[bytes]) -> None:
        first = self.journal.sequence + 1
        self.journal.sequence += len(rows)
        numbers = range(first, first + len(rows))
        sequences = [f"{self._prefix}{number:019d}" for number in numbers]
        target.append(operation, self._commit, rows, sequences)
        if target.full:
            self._guarded(target.table, target.flush)

    def _guarded(self, table: str, step: Callable[[], None]) -> None:
        """Do a step that meets values; one that the file cannot hold suspends the table."""
        try:
            step()
        except UnrepresentableError as error:
            self._suspend(table, f"{error}; change the column, then start with reload-target")
        except UnchangedValueError:
            self._suspend(
                table,
                "an update left a large (TOASTed) value untouched, and PostgreSQL does not log "
                f"such a value: ALTER TABLE {SCHEMA}.{table} REPLICA IDENTITY FULL, "
                "then start the task with reload-target",
            )

    def _suspend(self, table: str, problem: str) -> None:
        self.journal.tables[table].suspend(problem)
        for segment in self._segments.pop(table, []):
            segment.discard()
        for oid, relation in self._relations.items():
            if relation.name == table:
                self._targets[oid] = None
