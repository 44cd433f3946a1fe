"""The change stream: peek at the slot, write files, make them visible, only then confirm."""

import logging
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass

import psycopg

from coin_platform.contracts.database import SCHEMA
from coin_platform.resources.replication import catalog, slot
from coin_platform.resources.replication.changes import Batch
from coin_platform.resources.replication.journal import Journal, JournalFile
from coin_platform.resources.replication.layout import Format
from coin_platform.resources.replication.runs import runs
from coin_platform.resources.replication.start import remark

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Pace:
    """How often the log is read.

    Seconds between polls of an idle log, the wait for rows to gather after a delivery, the
    changes after which a batch ends, and the seconds between looks at the catalogue, at which an
    idle slot is moved on as well.
    """

    poll_seconds: float = 0.15
    gather_seconds: float = 0.4
    batch_changes: int = 50_000
    idle_seconds: float = 5.0


@dataclass
class Stream:
    """Carries the schema's changes to the lake for as long as the connection lives.

    The log is read by a connection of its own, `reader`, so that others can be asked while it
    sends. `heard` is told each time that the database answers.
    """

    connection: psycopg.Connection
    reader: psycopg.Connection
    journals: JournalFile
    journal: Journal
    file_format: Format
    pace: Pace
    heard: Callable[[], None]

    def follow(self) -> None:
        """Deliver changes until something raises: a shutdown, a lost connection, a lost slot."""
        slot.resume(self.connection, self.journal.slot, self.journal.position)
        seen = surveyed = 0
        surveyed_at = 0.0
        while True:
            horizon = slot.horizon(self.connection, self.journal.slot, SCHEMA)
            self.heard()
            delivered = False
            if horizon != seen:
                changes, delivered = self._deliver(horizon)
                if changes >= self.pace.batch_changes:
                    continue
                seen = horizon
            if seen != surveyed and time.monotonic() - surveyed_at > self.pace.idle_seconds:
                self._survey(seen)
                surveyed, surveyed_at = seen, time.monotonic()
            time.sleep(self.pace.gather_seconds if delivered else self.pace.poll_seconds)

    def _deliver(self, horizon: int) -> tuple[int, bool]:
        """Deliver the next batch; its messages, and whether there was anything new in them."""
        batch = Batch(
            self.journal,
            self.journals.staging,
            self.file_format,
            lambda oid: catalog.primary_key(self.connection, oid),
        )
        changes = 0
        peeked = slot.peek(self.reader, self.journal.slot, horizon, self.pace.batch_changes)
        with closing(peeked):
            for messages in peeked:
                for message in runs(messages):
                    batch.apply(message)
                changes += len(messages)
        if not batch.transactions:
            return changes, False
        files = batch.seal(self.journals.folder)
        self.journals.deliver(self.journal, files)
        slot.advance(self.connection, self.journal.slot, self.journal.position)
        logger.debug("%d messages in %d files", changes, len(files))
        return changes, True

    def _survey(self, horizon: int) -> None:
        """Move the slot past log that held nothing for us, and notice new and dropped tables."""
        tables = {table.name: table for table in catalog.tables(self.connection, SCHEMA)}
        records = self.journal.tables
        for name, record in records.items():
            if name not in tables and record.table_state != "Table error":
                record.table_state = "Table does not exist"
        known = {record.oid for record in records.values()}
        for name, table in tables.items():
            # A known table under another name was renamed; the log will tell when.
            new = name not in records and table.oid not in known
            if new or (name in records and records[name].table_state == "Table does not exist"):
                remark(self.journal.meet(name, table.oid, table.columns), table)
        self.journal.position = max(self.journal.position, horizon)
        self.journals.save(self.journal)
        slot.advance(self.connection, self.journal.slot, self.journal.position)
