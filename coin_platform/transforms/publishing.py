"""How a curated slice is written: made of balanced hours only, said so, changes marked.

A day counts as published from the first time that it is written after it has ended. What changes
later is recorded with its former value before the new one is written, so that no kill loses it.
"""

from collections.abc import Sequence
from datetime import date, datetime
from functools import reduce
from typing import TYPE_CHECKING

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as fn

from coin_platform.contracts import curated, processed
from coin_platform.contracts.model import Table
from coin_platform.contracts.render import arrow_schema
from coin_platform.partitions import Window, utc_now, windows_of
from coin_platform.quality.revisions import revisions_between
from coin_platform.resources.engine.interface import Outcome
from coin_platform.resources.lake import Lake
from coin_platform.resources.lake.frames import predicate
from coin_platform.transforms.outcomes import outcome

if TYPE_CHECKING:
    import pyarrow as pa

# The rankings follow from these, so that their changes would say the same again.
REVISED = (curated.DAILY_COIN_PRICES, curated.MARKET_OVERVIEW)
COUNTED = {processed.COIN_QUOTES.name, processed.COINS.name}


def balanced_hours(lake: Lake, window: Window) -> list[datetime]:
    """The hours of which the ledger says that both tables balance, ascending."""
    if not lake.exists(processed.LEDGER):
        return []
    entries = lake.rows(
        processed.LEDGER, ["snapshot_hour", "table_name", "balanced"], window
    ).to_pylist()
    tables: dict[datetime, set[str]] = {}
    for entry in entries:
        if entry["balanced"]:
            tables.setdefault(entry["snapshot_hour"], set()).add(entry["table_name"])
    return sorted(hour for hour in window.hours if tables.get(hour) == COUNTED)


def checked_quotes(spark: SparkSession, lake: Lake, window: Window) -> DataFrame:
    """The window's quotes, of balanced hours."""
    table = processed.COIN_QUOTES
    quotes = lake.read(spark, table, window)
    spans = windows_of(balanced_hours(lake, window))
    if spans == [window]:
        return quotes
    if not spans:
        return quotes.filter(fn.lit(False))
    inside = [fn.expr(predicate(table, span)) for span in spans]
    return quotes.filter(reduce(lambda left, right: left | right, inside))


def publish(lake: Lake, table: Table, frame: DataFrame, window: Window, run_id: str) -> Outcome:
    """Replace the window's slice, with its publications and, where it was published, revisions."""
    with lake.writing(table):
        known = publications(lake, table, window)
        published = [day for day in window.days if known.get(day) is not None]
        if table in REVISED and published:
            record_revisions(lake, table, frame, published, run_id)
        lake.replace(table, frame, window)
        rows = publication_rows(lake, table, window, known, run_id)
        write_side_rows(lake, curated.PUBLICATIONS, rows, table, window)
    done = outcome(lake, table, window)
    for row in rows:
        done.details[str(row["day"])] = {
            "hours": row["hours"],
            "hours_missing": row["hours_missing"] or "none",
        }
    return done


def publications(lake: Lake, table: Table, window: Window) -> dict[date, datetime | None]:
    """When each of the window's days was first published, of those that were written at all."""
    contract = curated.PUBLICATIONS
    if not lake.exists(contract):
        return {}
    rows = lake.rows(contract, ["day", "table_name", "published_at"], window).to_pylist()
    return {row["day"]: row["published_at"] for row in rows if row["table_name"] == table.name}


def publication_rows(
    lake: Lake, table: Table, window: Window, known: dict[date, datetime | None], run_id: str
) -> list[dict[str, object]]:
    """What the days of the window are made of, in the columns of curated/publications."""
    now = utc_now()
    balanced = set(balanced_hours(lake, window))
    quotes_version = lake.version(processed.COIN_QUOTES)
    rows = []
    for day in window.days:
        of_day = Window.of_days(day, day)
        missing = [hour for hour in of_day.hours if hour not in balanced]
        rows.append(
            {
                "day": day,
                "table_name": table.name,
                "hours": len(of_day.hours) - len(missing),
                "hours_missing": ",".join(f"{hour:%H}" for hour in missing) or None,
                "published_at": known.get(day) or (now if of_day.end <= now else None),
                "written_at": now,
                "quotes_version": quotes_version,
                "run_id": run_id,
            }
        )
    return rows


def record_revisions(
    lake: Lake, table: Table, frame: DataFrame, published: Sequence[date], run_id: str
) -> None:
    """Note the values of published days that the frame changes."""
    import pyarrow as pa

    for day in published:
        of_day = Window.of_days(day, day)
        former = lake.rows(table, table.column_names, of_day)
        present = frame.filter(predicate(table, of_day)).select(*table.column_names).toArrow()
        present = present.cast(arrow_schema(table))
        changes = revisions_between(table, former, present)
        if not changes:
            continue
        stamp = {"day": day, "table_name": table.name, "revised_at": utc_now(), "run_id": run_id}
        contract = curated.REVISIONS
        rows = [dict.fromkeys(contract.column_names) | change | stamp for change in changes]
        with lake.writing(contract):
            held = side_rows(lake, contract, of_day)
            new = pa.Table.from_pylist(without_repeats(rows, held), arrow_schema(contract))
            lake.replace_rows(contract, pa.concat_tables([held, new]), of_day)


def without_repeats(rows: list[dict[str, object]], held: "pa.Table") -> list[dict[str, object]]:
    """The changes, except those that a run which was killed before its write noted already."""
    place = ("table_name", "snapshot_hour", "coin_id", "currency", "column_name")
    newest: dict[tuple[object, ...], dict[str, object]] = {}
    for row in sorted(held.to_pylist(), key=lambda row: row["revised_at"]):
        newest[tuple(row[name] for name in place)] = row

    def is_new(row: dict[str, object]) -> bool:
        last = newest.get(tuple(row[name] for name in place))
        return last is None or (last["former"], last["revised"]) != (row["former"], row["revised"])

    return [row for row in rows if is_new(row)]


def write_side_rows(
    lake: Lake, contract: Table, rows: list[dict[str, object]], table: Table, window: Window
) -> None:
    """Make these the rows of the window that speak of the table; other tables' rows stay."""
    import pyarrow as pa
    import pyarrow.compute as pc

    with lake.writing(contract):
        held = side_rows(lake, contract, window)
        others = held.filter(pc.not_equal(held["table_name"], table.name))
        new = pa.Table.from_pylist(rows, arrow_schema(contract))
        lake.replace_rows(contract, pa.concat_tables([others, new]), window)


def side_rows(lake: Lake, contract: Table, window: Window) -> "pa.Table":
    lake.ensure(contract)
    rows = lake.rows(contract, contract.column_names, window)
    return rows.cast(arrow_schema(contract))
