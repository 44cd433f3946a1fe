"""Raw files of the made-up market, as the replication writes them: a full load, then changes.

Of the quotes, every hundredth is updated once, every tenth of these updates is delivered twice, and
a coin an hour is deleted. Every fiftieth update warns of a stale quote, and some of every fifth day
bring a negative price, which quarantines them.
"""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from benchmarks import data
from coin_platform.contracts import database, raw
from coin_platform.contracts.model import Table
from coin_platform.contracts.render import arrow_schema
from coin_platform.partitions import HOUR
from coin_platform.resources.replication.files import PAGE_BYTES, ROW_GROUP
from coin_platform.resources.replication.layout import EPOCH, change_file, commit_text, load_file

ROWS_OF_A_LOAD_FILE = 500_000
HOURS_OF_A_CHANGE_FILE = 120
UPDATED, REPEATED, STALE, WRONG = 100, 10, 50, 40  # every so many


def write(root: Path, coins: int, hours: int) -> None:
    """The logs of quotes and of coins below `root`, a lake."""
    folder = root / "raw" / database.SCHEMA
    of_quotes, of_coins = (folder / table.name for table in (raw.COIN_QUOTES, raw.COINS))
    for made in (of_quotes, of_coins):
        made.mkdir(parents=True)
    started = microseconds(hours)
    names = [data.FIRST_HOUR + HOUR * n for n in range(hours)]
    write_load(of_quotes, (loaded(raw.COIN_QUOTES, data.quotes(coins, h), started) for h in names))
    known = loaded(raw.COINS, data.coins(coins, data.FIRST_HOUR), started)
    write_load(of_coins, iter([known]))
    for n, first in enumerate(range(0, hours, HOURS_OF_A_CHANGE_FILE)):
        parts = [
            changed(data.quotes(coins, names[hour]), hour, started + 1_000_000 * (1 + hour))
            for hour in range(first, min(first + HOURS_OF_A_CHANGE_FILE, hours))
        ]
        name = change_file((started + 1_000_000 * (1 + hours + n)) // 1_000, "parquet")
        write_file(of_quotes / name, pa.concat_tables(parts))


def microseconds(hours: int) -> int:
    """When the load started: ten minutes after the last hour ended."""
    return (data.FIRST_HOUR + HOUR * hours + timedelta(minutes=10) - EPOCH) // timedelta(
        microseconds=1
    )


def loaded(log: Table, rows: pa.Table, started: int) -> pa.Table:
    """Rows of a full load: no sequence, and all of one instant."""
    return logged(log, rows, ["I"] * rows.num_rows, started, [None] * rows.num_rows)


def logged(
    log: Table, rows: pa.Table, ops: list[str], committed: int, sequences: list[str | None]
) -> pa.Table:
    added = {
        raw.OP.name: ops,
        raw.COMMIT_TIMESTAMP.name: [commit_text(committed)] * rows.num_rows,
        raw.CHANGE_SEQ.name: pa.array(sequences, pa.string()),
    }
    schema = pa.schema([field.with_nullable(True) for field in arrow_schema(log)])
    columns = [added[n] if n in added else rows[n] for n in schema.names]
    return pa.table(columns, schema=schema)


def changed(quotes: pa.Table, hour: int, committed: int) -> pa.Table:
    """The changes of an hour, in one transaction: updates, one delete, and some of them again."""
    at = np.arange(hour % UPDATED, quotes.num_rows, UPDATED)
    updates = quotes.take(at)
    factor = np.full(len(at), 1.01)
    if hour // 24 % 5 == 0:
        factor[::WRONG] = -1.0
    for name in ("price", "market_cap", "fully_diluted_market_cap"):
        updates = put(updates, name, pc.multiply(updates[name], factor))
    stale = np.arange(len(at)) % STALE == hour % STALE
    older = pc.subtract(updates["last_updated"], timedelta(days=3))
    updates = put(updates, "last_updated", pc.if_else(stale, older, updates["last_updated"]))
    gone = quotes.slice((hour * 7) % quotes.num_rows, 1)
    key = database.COIN_QUOTES.key
    nulls = [gone[f.name] if f.name in key else pa.nulls(1, f.type) for f in gone.schema]
    rows = pa.concat_tables([bare(updates), bare(pa.table(nulls, gone.schema.names))])
    ops = ["U"] * len(at) + ["D"]
    sequences = [f"{committed:018d}{n:017d}" for n in range(rows.num_rows)]
    log = logged(raw.COIN_QUOTES, rows, ops, committed, [*sequences])
    return pa.concat_tables([log, log.take(np.arange(hour % REPEATED, log.num_rows, REPEATED))])


def put(rows: pa.Table, name: str, values: object) -> pa.Table:
    return rows.set_column(rows.column_names.index(name), name, values)


def bare(rows: pa.Table) -> pa.Table:
    """Without the contract's NOT NULL, which a delete does not keep."""
    return rows.cast(pa.schema([pa.field(f.name, f.type) for f in rows.schema]))


def write_load(folder: Path, tables: Iterator[pa.Table]) -> None:
    """Full-load files of as many rows as the replication puts into one."""
    held: list[pa.Table] = []
    number, rows = 1, 0
    for table in tables:
        held.append(table)
        rows += table.num_rows
        while rows >= ROWS_OF_A_LOAD_FILE:
            whole = pa.concat_tables(held)
            write_file(folder / load_file(number, "parquet"), whole.slice(0, ROWS_OF_A_LOAD_FILE))
            held = [whole.slice(ROWS_OF_A_LOAD_FILE)]
            number, rows = number + 1, held[0].num_rows
    if rows:
        write_file(folder / load_file(number, "parquet"), pa.concat_tables(held))


def write_file(path: Path, rows: pa.Table) -> None:
    """As `resources/replication/files.py` writes Parquet, from rows that are typed already."""
    pq.write_table(
        rows,
        path,
        version="1.0",
        store_schema=False,
        compression="gzip",
        compression_level=1,
        data_page_size=PAGE_BYTES,
        row_group_size=ROW_GROUP,
        use_dictionary=[f.name for f in rows.schema if not pa.types.is_floating(f.type)],
    )
