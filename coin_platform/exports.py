"""Exports: each curated table of a day as CSV and Parquet, with a manifest, whole or not at all.

A day's files are written to a folder beside it, which then takes its place. They depend on the lake
alone: made again of the same tables they are the same, byte for byte.
"""

import hashlib
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from coin_platform.contracts import curated
from coin_platform.contracts.model import Table, Type
from coin_platform.contracts.serving import DAILY_EXPORTS
from coin_platform.errors import PermanentError, TransientError
from coin_platform.partitions import Window, instant_text
from coin_platform.query.formats import write_csv, write_parquet
from coin_platform.resources.lake import open_served
from coin_platform.resources.lake.served import ServedLake

if TYPE_CHECKING:
    import pyarrow as pa

    from coin_platform.settings import Settings

MANIFEST = "manifest.json"
LINE_END = "\r\n"  # as RFC 4180 has it
LOCK_TIMEOUT_SECONDS = 600

Manifest = list[dict[str, Any]]


def open_exports(settings: "Settings") -> "Exports":
    """The exports of the configured deployment."""
    lake = open_served(settings)
    if settings.env == "aws":
        from coin_platform.exports_bucket import BucketExports
        from coin_platform.resources.aws.objects import Objects

        return BucketExports(lake, settings.home / "exports", Objects(settings, lake.exports))
    return Exports(lake, Path(lake.exports))


class Exports:
    """The folders of exported days below one folder."""

    def __init__(self, lake: ServedLake, folder: Path) -> None:
        self.lake = lake
        self.folder = folder

    def address(self, day: date) -> str:
        """Where a day's files are, as people are told."""
        return str(self.folder_of(day))

    def bring_here(self, day: date) -> None:
        """Have the day's files in its folder, where they can be read; they are there already."""

    def folder_of(self, day: date) -> Path:
        return self.folder / day.isoformat()

    def manifest(self, day: date) -> Manifest:
        """What is exported of the day, a dict for each file; `PermanentError` if nothing is."""
        path = self.folder_of(day) / MANIFEST
        try:
            manifest = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError as error:
            raise PermanentError(f"{day} is not exported: there is no {path}") from error
        except ValueError as error:
            raise PermanentError(f"{path} is no JSON ({error}): export the day again") from error
        columns = set(DAILY_EXPORTS.column_names)
        if not all(isinstance(entry, dict) and columns == set(entry) for entry in manifest):
            raise PermanentError(f"{path} is not as it was written: export the day again")
        return list(manifest)

    def write(self, day: date) -> Manifest:
        """Export the day anew, and give its manifest.

        Raises `PermanentError` where a curated table is not there. What was exported before stays
        until the new files are complete.
        """
        new, old = (self.folder / f".{day}.{kind}" for kind in ("new", "old"))
        target = self.folder_of(day)
        with self.writing():
            for left_by_a_kill in (new, old):
                shutil.rmtree(left_by_a_kill, ignore_errors=True)
            new.mkdir(parents=True)
            manifest = [entry for table in curated.TABLES for entry in self._files(table, day, new)]
            text = json.dumps(manifest, indent=1, ensure_ascii=False)
            (new / MANIFEST).write_text(f"{text}\n", encoding="utf-8")
            # A folder cannot take the place of another in one step. Who is killed between the two
            # leaves the day without a folder, not with half of one, and writes it when run again.
            if target.exists():
                target.rename(old)
            new.rename(target)
            shutil.rmtree(old, ignore_errors=True)
        return manifest

    def _files(self, table: Table, day: date, folder: Path) -> Iterator[dict[str, Any]]:
        """Write the table's files of the day; the manifest's entries of them."""
        detail = self.lake.detail(table)
        if detail is None:
            raise PermanentError(f"{day} cannot be exported: there is no {table.id} yet")
        rows = rows_of_day(self.lake, table, day, detail.version)
        publication = self._publication(table, day)
        for extension in ("csv", "parquet"):
            path = folder / f"{table.name}.{extension}"
            with path.open("wb") as file:
                if extension == "csv":
                    write_csv(rows.schema, rows.to_batches(), file, LINE_END)
                else:
                    write_parquet(rows.schema, rows.to_batches(), file)
            yield {
                "day": day.isoformat(),
                "file": path.name,
                "table_name": table.name,
                "version": detail.version,
                "rows": rows.num_rows,
                "bytes": path.stat().st_size,
                "sha256": sha256(path),
                **publication,
                "source": ",".join(sorted(set(rows["source"].to_pylist()))) or None,
            }

    def _publication(self, table: Table, day: date) -> dict[str, Any]:
        """The hours behind the table's day, and since when it is out."""
        contract, window = curated.PUBLICATIONS, Window.of_days(day, day)
        columns = ["table_name", "hours", "hours_missing", "published_at"]
        rows = self.lake.rows(contract, columns, window).to_pylist()
        for row in rows:
            if row["table_name"] == table.name:
                published = row["published_at"]
                return {
                    "hours": row["hours"],
                    "hours_missing": row["hours_missing"],
                    "published_at": published and instant_text(published),
                }
        raise PermanentError(f"{contract.id} says nothing of {table.id} on {day}")

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Be the one writer of exports; `TransientError` when another is for too long."""
        from filelock import FileLock, Timeout

        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / ".lock"
        try:
            with FileLock(path, timeout=LOCK_TIMEOUT_SECONDS):
                yield
        except Timeout as error:
            message = f"{path} has been held for {LOCK_TIMEOUT_SECONDS} s by another export"
            raise TransientError(message) from error


def rows_of_day(lake: ServedLake, table: Table, day: date, version: int) -> "pa.Table":
    """The day's rows of a version of the table, in the contract's columns, ascending by key."""
    import pyarrow.dataset as ds

    window = Window.of_days(day, day)
    time = table.column(str(table.time_column))
    start, end = (
        bound.date() if time.type is Type.DATE else bound for bound in (window.start, window.end)
    )
    inside = (ds.field(time.name) >= start) & (ds.field(time.name) < end)
    rows = lake.dataset(table, version).to_table(list(table.column_names), inside)
    return rows.sort_by([(name, "ascending") for name in table.key])


def sha256(path: Path) -> str:
    """The hash of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
