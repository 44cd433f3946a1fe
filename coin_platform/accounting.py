"""The ledger: read every layer's rows of some hours, account for them, write the account down.

Works without an engine, so that what it finds owes nothing to the transforms.
"""

from dataclasses import replace
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from coin_platform.contracts import processed, raw
from coin_platform.contracts.render import arrow_schema
from coin_platform.partitions import Window
from coin_platform.quality.ledger import ACCOUNTS, CHANGE, COINS, Account, Layers, entries
from coin_platform.resources.database.interface import Database
from coin_platform.resources.lake import Lake

LOGS = {log.name: log for log in raw.TABLES}
QUARANTINES = {
    raw.COIN_QUOTES.name: processed.QUARANTINED_COIN_QUOTES,
    raw.COINS.name: processed.QUARANTINED_COINS,
}


def close_ledger(database: Database, lake: Lake, window: Window) -> list[dict[str, Any]]:
    """Account for the window's hours and replace their slice of the ledger; its new rows.

    Holds the window's rows of every layer in memory, a table at a time.
    """
    rows = [
        entry
        for account in ACCOUNTS
        for entry in entries(account, read_layers(account, database, lake, window), window.hours)
    ]
    rows.sort(key=lambda row: (row["snapshot_hour"], row["table_name"]))
    table = processed.LEDGER
    lake.replace_rows(table, pa.Table.from_pylist(rows, arrow_schema(table)), window)
    return rows


def read_layers(account: Account, database: Database, lake: Lake, window: Window) -> Layers:
    """The window's rows in each layer; the database is read first, so that raw is no older."""
    values = account.columns
    log = LOGS[account.table.name]
    return Layers(
        database=database.rows(account.table, window, tuple(values)),
        log=read_log(lake, log.name, values, window),
        written=read_written(account, lake, window),
        quarantined=lake.rows(QUARANTINES[log.name], values, window),
    )


def read_log(lake: Lake, name: str, values: list[str], window: Window) -> pa.Table:
    """Raw's rows that can belong to the window, without those that a full load supersedes."""
    log = LOGS[name]
    files = lake.raw_files(log, since=window.start)
    rows = lake.raw_rows(log, files, [*values, *CHANGE], window)
    started = lake.load_started(log, files)
    return rows if started is None else rows.filter(pc.field("commit_timestamp") >= started)


def read_written(account: Account, lake: Lake, window: Window) -> pa.Table:
    """The processed rows of the window, named as the database names them."""
    if account is not COINS:
        return lake.rows(processed.COIN_QUOTES, account.columns, window)
    begun = replace(processed.COINS, time_column="valid_from")
    names = ["valid_from" if name == "snapshot_hour" else name for name in account.columns]
    return lake.rows(begun, names, window).rename_columns(account.columns)
