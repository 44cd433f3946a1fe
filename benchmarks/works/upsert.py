"""An hour of quotes into a table that holds many: insert what is new, update what differs."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from benchmarks import server, tables
from benchmarks.data import FIRST_HOUR, coins, quotes
from benchmarks.work import Case, Goal, Sizes, Work
from coin_platform.contracts.database import COIN_QUOTES
from coin_platform.partitions import HOUR, Window

TABLE = "market.coin_quotes"


def hour(sizes: Sizes) -> datetime:
    """The hour after those that the table holds."""
    return FIRST_HOUR + HOUR * server.hours(sizes)


def without_version(rows: Any) -> Any:
    """As a source gives rows: the database puts `loaded_at`."""
    return rows.drop_columns(["loaded_at"])


@contextmanager
def fresh(case: Case) -> Iterator[None]:
    """The table without the hour before, and again without it after."""
    at = hour(case.sizes)
    remove = f"DELETE FROM {TABLE} WHERE snapshot_hour = '{at.isoformat()}'"
    server.settle(case.shared, remove, f"VACUUM {TABLE}")
    try:
        yield
    finally:
        server.settle(case.shared, remove, f"VACUUM {TABLE}")


def outcome(case: Case) -> dict[str, Any]:
    """What the hour holds now."""
    at = hour(case.sizes)
    names = tuple(column.name for column in COIN_QUOTES.columns if column.name != "loaded_at")
    rows = server.database(case.shared).rows(COIN_QUOTES, Window(at, at + HOUR), names)
    return tables.of_rows(rows)


def ours(case: Case) -> object:
    """As the platform does it: coins and quotes, in frames as its sources give them."""
    import pandas as pd

    at, count = hour(case.sizes), case.sizes.coins
    known = without_version(coins(count, FIRST_HOUR))
    new = without_version(quotes(count, at)).to_pandas(types_mapper=pd.ArrowDtype)
    of_coins = known.set_column(
        known.column_names.index("snapshot_hour"), "snapshot_hour", [[at] * count]
    ).cast(known.schema)
    frame = of_coins.to_pandas(types_mapper=pd.ArrowDtype)
    database = server.database(case.shared)
    database.probe()
    with fresh(case):
        with case.timed():
            database.upsert(frame, new)
        return outcome(case)


def pandas(case: Case) -> object:
    """`to_sql` into a staging table in many rows a statement, then one merge."""
    import sqlalchemy

    new = without_version(quotes(case.sizes.coins, hour(case.sizes))).to_pandas(
        types_mapper=_nullable
    )
    engine = sqlalchemy.create_engine(server.url(case.shared, "postgresql+psycopg2"))
    key = COIN_QUOTES.key
    facts = [name for name in new.columns if name not in key]
    merge = (
        f"INSERT INTO {TABLE} AS old ({', '.join(new.columns)}, loaded_at) "
        f"SELECT {', '.join(new.columns)}, now() FROM new_quotes "
        f"ON CONFLICT ({', '.join(key)}) DO UPDATE SET "
        + ", ".join(f"{name} = EXCLUDED.{name}" for name in facts)
        + f", loaded_at = now() WHERE ({', '.join(f'old.{n}' for n in facts)}) "
        f"IS DISTINCT FROM ({', '.join(f'EXCLUDED.{n}' for n in facts)})"
    )
    staging = f"CREATE TEMPORARY TABLE new_quotes ON COMMIT DROP AS SELECT * FROM {TABLE} LIMIT 0"
    with fresh(case):
        with case.timed(), engine.begin() as connection:
            connection.exec_driver_sql(staging)
            new.to_sql(
                "new_quotes",
                connection,
                if_exists="append",
                index=False,
                method="multi",
                chunksize=1_000,
            )
            connection.exec_driver_sql(merge)
        return outcome(case)


def copy(case: Case) -> object:
    """Rows that lie ready as text, sent as `\\copy` does: no merge, no types, no comparison."""
    import psycopg
    from pyarrow import BufferOutputStream, csv

    rows = quotes(case.sizes.coins, hour(case.sizes))
    text = BufferOutputStream()
    csv.write_csv(rows, text, csv.WriteOptions(include_header=False))
    lines = text.getvalue().to_pybytes()
    copying = f"COPY {TABLE} ({', '.join(rows.column_names)}) FROM STDIN (FORMAT csv)"
    at = server.parameters(case.shared)
    with (
        fresh(case),
        case.timed(),
        psycopg.connect(**at) as connection,
        connection.cursor() as cursor,
        cursor.copy(copying) as stream,
    ):
        stream.write(lines)
    return None


def _nullable(kind: Any) -> Any:
    """Types with nulls as pandas has them."""
    import pandas as pd
    import pyarrow as pa

    return {
        pa.int32(): pd.Int32Dtype(),
        pa.int64(): pd.Int64Dtype(),
        pa.float64(): pd.Float64Dtype(),
        pa.bool_(): pd.BooleanDtype(),
        pa.string(): pd.StringDtype(),
    }.get(kind)


def prepare(sizes: Sizes, folder: Path) -> None:
    server.start(folder, sizes)


WORK = Work(
    title="Upserting an hour",
    data="5,000 quotes of a new hour into a table of 720,000, and the 5,000 coins that they are "
    "of, compared with those known.",
    contenders={"coin_platform": ours, "pandas to_sql and merge": pandas, "\\copy": copy},
    limits=("\\copy",),
    goals=[
        Goal("coin_platform", "pandas to_sql and merge", 1 / 5),
        Goal("coin_platform", "\\copy", 2),
    ],
    note="Ours does more than `\\copy`: it converts and judges the frames, looks up the tables' "
    "columns, and compares the coins with those known before it writes. The quotes of an hour "
    "that the table does not hold are copied into it in binary (12 ms); staging, merging and "
    "deleting, which an hour that is there still needs, took 24 ms. Duplicates were told by "
    "Arrow's `group_by`, which cost a process's first hour 10 ms; pandas takes one. What "
    "remains over the limit is the coins: 8 ms to stage and 6 ms to compare 5,000 of them.",
    prepare=prepare,
    clean_up=server.stop,
)
