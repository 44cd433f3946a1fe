"""What a task has delivered, and the delivery that makes files visible all or nothing.

The journal is one small file, replaced whole. A delivery is: files fsynced under staging names;
the journal with the new position and the moves to make; the moves; the journal without them. A
worker that dies in between is followed by one that makes the moves again.
"""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from coin_platform.contracts.database import SCHEMA
from coin_platform.disk import sync
from coin_platform.errors import PermanentError
from coin_platform.resources.replication.interface import TableState
from coin_platform.resources.replication.source_column import SourceColumn


@dataclass
class TableRecord:
    """A table's shape as last delivered and its statistics, which count delivered rows."""

    oid: int
    columns: list[SourceColumn]
    table_state: TableState
    inserts: int = 0
    updates: int = 0
    deletes: int = 0
    ddls: int = 0
    full_load_rows: int = 0
    full_load_error_rows: int = 0
    last_error: str | None = None

    @classmethod
    def of(
        cls, name: str, oid: int, columns: list[SourceColumn], table_state: TableState
    ) -> "TableRecord":
        """The record of a table not seen before."""
        record = cls(oid, columns, table_state)
        if name.startswith(".") or "/" in name:
            record.suspend(f"a table named {name!r} can have no folder; rename it and reload")
        return record

    def reshape(self, columns: list[SourceColumn]) -> None:
        """Take over a new shape."""
        self.columns = columns
        self.ddls += 1

    def notice(self, remark: str) -> None:
        """Say something that does not stop the table, unless an error is said already."""
        if self.table_state != "Table error":
            self.last_error = remark

    def suspend(self, problem: str) -> None:
        """Deliver nothing more of the table until it is loaded anew."""
        self.table_state = "Table error"
        self.last_error = problem


@dataclass
class Journal:
    """The state of delivery; `position` is the log position up to which all is delivered.

    `sequence` counts changes over the task's life; `commit_time` (microseconds since 1970 UTC)
    and `newest_file` (milliseconds, in a name) never go back, so that change sequences and file
    names only grow. `moves` (staged to final) and `removals` are paths below the lake, and empty
    unless a delivery is under way.
    """

    slot: str
    loaded: bool = False
    position: int = 0
    sequence: int = 0
    commit_time: int = 0
    newest_file: int = 0
    tables: dict[str, TableRecord] = field(default_factory=dict)
    moves: list[tuple[str, str]] = field(default_factory=list)
    removals: list[str] = field(default_factory=list)

    def meet(self, name: str, oid: int, columns: list[SourceColumn]) -> TableRecord:
        """The record of a table as it shows now; what changed is counted and remarked."""
        record = self.tables.get(name)
        if record is None:
            record = TableRecord.of(name, oid, columns, "Table completed")
            self.tables[name] = record
        elif record.oid != oid:
            record.reshape(columns)
            record.oid = oid
            if record.table_state == "Table does not exist":
                record.table_state = "Table completed"
            record.notice(
                "dropped and created anew; raw still has the rows of the former table; "
                "to drop them start the task with reload-target"
            )
        elif record.columns != columns:
            record.reshape(columns)
        for former, other in self.tables.items():
            if other.oid == oid and other is not record:
                other.table_state = "Table does not exist"
                record.suspend(
                    f"renamed from {former}, where raw has its rows; "
                    "start the task with reload-target"
                )
        return record


class JournalFile:
    """The journal on disk and the lake it speaks of.

    Tables have their folders in `folder`; files are written in `staging`, on the same disk.
    """

    def __init__(self, path: Path, lake: Path, staging: str) -> None:
        self.path = path
        self.lake = lake
        self.folder = lake / "raw" / SCHEMA
        self.staging = lake / "raw" / staging

    def read(self) -> Journal | None:
        """The journal as last saved; None where the task never ran. Raises `PermanentError`."""
        try:
            content = json.loads(self.path.read_text())
            tables = {name: _table_record(record) for name, record in content.pop("tables").items()}
            moves = [(staged, final) for staged, final in content.pop("moves")]
            return Journal(**content, tables=tables, moves=moves)
        except FileNotFoundError:
            return None
        except (ValueError, TypeError, KeyError) as error:
            raise PermanentError(
                f"{self.path} is not a journal ({error}); restore it, or remove it and load anew"
            ) from error

    def save(self, journal: Journal) -> None:
        """Replace the journal durably."""
        replace_durably(self.path, asdict(journal))

    def recover(self) -> Journal | None:
        """Finish a delivery that was cut off, and delete files that belong to none."""
        journal = self.read()
        if journal:
            self._make_visible(journal)
        self.staging.mkdir(parents=True, exist_ok=True)
        for orphan in self.staging.iterdir():
            orphan.unlink()
        return journal

    def deliver(self, journal: Journal, files: Iterable[tuple[Path, Path]]) -> None:
        """Make closed files visible under their final paths, together with the journal's state.

        When this returns, everything up to `journal.position` may be confirmed to the slot.
        """
        journal.moves = [
            (str(staged.relative_to(self.lake)), str(final.relative_to(self.lake)))
            for staged, final in files
        ]
        if journal.moves:
            sync(self.staging)
        self.save(journal)
        self._make_visible(journal)

    def _make_visible(self, journal: Journal) -> None:
        if not journal.moves and not journal.removals:
            return
        touched = set()
        for removal in journal.removals:
            (self.lake / removal).unlink(missing_ok=True)
            touched.add((self.lake / removal).parent)
        for staged, final in journal.moves:
            touched.add((self.lake / final).parent)
            self._move(self.lake / staged, self.lake / final)
        for folder in touched:
            if folder.exists():
                sync(folder)
        journal.moves, journal.removals = [], []
        self.save(journal)

    def _move(self, staged: Path, final: Path) -> None:
        if not final.parent.exists():
            final.parent.mkdir(parents=True)
            sync(final.parent.parent)
        if staged.exists():
            staged.replace(final)
        elif not final.exists():
            raise PermanentError(
                f"{final.relative_to(self.lake)} was about to be delivered and its content is gone "
                f"from {staged.relative_to(self.lake)}: somebody emptied the lake; "
                "start the task with reload-target"
            )


def replace_durably(path: Path, content: dict[str, Any]) -> None:
    """Write JSON to a file so that a crash leaves the old content or the new, never a part."""
    temporary = path.with_suffix(".tmp")
    with temporary.open("w") as file:
        json.dump(content, file)
    sync(temporary)
    temporary.replace(path)
    sync(path.parent)


def _table_record(content: dict[str, Any]) -> TableRecord:
    columns = [SourceColumn(*column) for column in content.pop("columns")]
    return TableRecord(columns=columns, **content)
