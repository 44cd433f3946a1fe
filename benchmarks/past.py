"""A long past for a home, copied from a day that the platform has done.

The database, the processed and curated tables and Dagster's records get every earlier day as that
one was; raw is then loaded anew by the replication task itself. Nothing is faked in what the next
hour meets: keys, file sizes, commits, statistics and records are as if the days had been done.
"""

from datetime import timedelta

import pyarrow as pa
import pyarrow.compute as pc

from coin_platform.contracts import curated, processed
from coin_platform.contracts.model import Table, Type
from coin_platform.partitions import DAY, Window
from coin_platform.resources.lake import Lake, open_lake
from coin_platform.settings import Settings

# Tables of few rows, written at once.
AT_ONCE = (
    processed.LEDGER,
    curated.MARKET_OVERVIEW,
    curated.DAILY_TOP_MOVERS,
    curated.TOP_CIRCULATING_SUPPLY,
    curated.TOP_PRICES,
    curated.PUBLICATIONS,
)

QUOTES = """
INSERT INTO market.coin_quotes SELECT (q.snapshot_hour - %(back)s * interval '1 day'), {others}
FROM market.coin_quotes q WHERE q.snapshot_hour >= %(start)s AND q.snapshot_hour < %(end)s
"""
# The hours' and days' keys stand in partitions and in the events' JSON; a day is shifted by text.
EVENTS = """
WITH shifted AS (
    SELECT run_id, dagster_event_type, timestamp, step_key, asset_key, partition, event,
           substr(partition, 1, 10) AS day,
           to_char(substr(partition, 1, 10)::date - :back, 'YYYY-MM-DD') AS earlier
    FROM event_logs
    WHERE id <= :newest AND dagster_event_type = 'ASSET_MATERIALIZATION' AND partition IS NOT NULL)
INSERT INTO event_logs
    (run_id, dagster_event_type, timestamp, step_key, asset_key, partition, event)
SELECT run_id, dagster_event_type, timestamp, step_key, asset_key,
       replace(partition, day, earlier), replace(event, day, earlier) FROM shifted
"""
CHECKS = """
INSERT INTO asset_check_executions
    (asset_key, check_name, partition, run_id, execution_status, evaluation_event,
     evaluation_event_timestamp, evaluation_event_storage_id, materialization_event_storage_id)
SELECT asset_key, check_name, replace(partition, day, earlier), run_id, execution_status,
       replace(evaluation_event, day, earlier), evaluation_event_timestamp,
       evaluation_event_storage_id, (
           SELECT max(e.id) FROM event_logs e
           WHERE e.asset_key = c.asset_key AND e.dagster_event_type = 'ASSET_MATERIALIZATION'
             AND e.partition = replace(c.partition, day, earlier))
FROM (SELECT *, substr(partition, 1, 10) AS day,
             to_char(substr(partition, 1, 10)::date - :back, 'YYYY-MM-DD') AS earlier
      FROM asset_check_executions WHERE id <= :checked AND partition IS NOT NULL) c
"""


def copy_day(settings: Settings, day: Window, days: int) -> None:
    """Give the home so many days before the one that it has done. Its services must be in use."""
    lake = open_lake(settings)
    copy_quotes(settings, day, days)
    copy_by_day(lake, processed.COIN_QUOTES, day, days)
    copy_served(lake, day, days)
    copy_records(settings, days)


def copy_served(lake: Lake, day: Window, days: int) -> None:
    """What the page shows: curated and the ledger."""
    copy_by_day(lake, curated.DAILY_COIN_PRICES, day, days)
    for table in AT_ONCE:
        copy_small(lake, table, day, days)


def copy_by_day(lake: Lake, table: Table, day: Window, days: int) -> None:
    """A file a day, as after compaction."""
    rows = lake.rows(table, table.column_names, day)
    for back in range(1, days + 1):
        earlier = Window(day.start - back * DAY, day.end - back * DAY)
        lake.replace_rows(table, shifted(table, rows, back), earlier)


def copy_quotes(settings: Settings, day: Window, days: int) -> None:
    from coin_platform.contracts.database import COIN_QUOTES
    from coin_platform.resources.database import open_database

    others = ", ".join(f"q.{name}" for name in COIN_QUOTES.column_names[1:])
    with open_database(settings).connect(autocommit=True) as connection:
        # The trigger would stamp each row; the copies keep the day's own versions.
        connection.execute("SET session_replication_role = replica")
        for back in range(1, days + 1):
            connection.execute(
                QUOTES.format(others=others), {"back": back, "start": day.start, "end": day.end}
            )
        connection.execute("VACUUM ANALYZE market.coin_quotes")
        connection.execute("CHECKPOINT")


def copy_small(lake: Lake, table: Table, day: Window, days: int) -> None:
    rows = lake.rows(table, table.column_names, day)
    parts = [shifted(table, rows, back) for back in range(1, days + 1)]
    span = Window(day.start - days * DAY, day.start)
    lake.replace_rows(table, pa.concat_tables(parts), span)


def shifted(table: Table, rows: pa.Table, back: int) -> pa.Table:
    """The rows so many days earlier: every column of time of theirs."""
    columns = []
    for column in table.columns:
        values = rows[column.name]
        if column.type is Type.TIMESTAMP:
            values = pc.subtract(values, pa.scalar(timedelta(days=back), pa.duration("us")))
        elif column.type is Type.DATE:
            days_since = values.cast(pa.int32())
            values = pc.subtract(days_since, pa.scalar(back, pa.int32())).cast(pa.date32())
        columns.append(values)
    return pa.table(columns, names=table.column_names)


def copy_records(settings: Settings, days: int) -> None:
    from sqlalchemy import text

    from coin_platform import home

    with home.open_instance(settings) as instance:
        storage = instance.event_log_storage
        with storage.index_connection() as connection:  # type: ignore[attr-defined]
            newest, checked = (
                connection.execute(text(f"SELECT max(id) FROM {table}")).scalar_one()
                for table in ("event_logs", "asset_check_executions")
            )
            for back in range(1, days + 1):
                known = {"back": back, "newest": newest, "checked": checked}
                connection.execute(text(EVENTS), {k: known[k] for k in ("back", "newest")})
                connection.execute(text(CHECKS), {k: known[k] for k in ("back", "checked")})
            for table in ("event_logs", "asset_check_executions"):
                connection.execute(text(f"VACUUM ANALYZE {table}"))
