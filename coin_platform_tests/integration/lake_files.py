"""Raw files as the replication task writes them, and the rows that go into them."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from coin_platform.contracts import processed, raw
from coin_platform.contracts.model import Type
from coin_platform.contracts.render import arrow_schema, spark_columns
from coin_platform.resources.engine.sail import SAIL
from coin_platform.resources.replication.layout import CSV_NULL

HOUR = timedelta(hours=1)
H = datetime(2026, 3, 1, tzinfo=UTC)


def stamp(instant: datetime) -> str:
    return f"{instant:%Y-%m-%d %H:%M:%S.%f}"


def sequence(number: int) -> str:
    return f"{number:035d}"


def quote(coin_id, hour=H, *, op="I", at=None, seq=None, **values):
    """A raw row of coin_quotes; a load's without `seq`. A delete has its key only."""
    at = at or hour + HOUR
    row = {
        "Op": op,
        "commit_timestamp": stamp(at),
        "change_seq": None if seq is None else sequence(seq),
        "snapshot_hour": hour,
        "coin_id": coin_id,
        "currency": "USD",
    }
    if op == "D":
        return row
    defaults = {"price": 1.0, "source": "simulated", "loaded_at": at, "last_updated": hour + HOUR}
    return row | defaults | values


def coin(coin_id, hour=H, *, op="I", at=None, seq=None, **values):
    """A raw row of coins."""
    at = at or hour + HOUR
    row = {
        "Op": op,
        "commit_timestamp": stamp(at),
        "change_seq": None if seq is None else sequence(seq),
        "coin_id": coin_id,
    }
    if op == "D":
        return row
    defaults = {"name": f"Coin {coin_id}", "symbol": f"C{coin_id}", "slug": f"coin-{coin_id}"}
    rest = {"snapshot_hour": hour, "source": "simulated", "loaded_at": at}
    return row | defaults | rest | values


def change_name(instant: datetime, extension="parquet") -> str:
    return f"{instant:%Y%m%d-%H%M%S}{instant.microsecond // 1000:03d}.{extension}"


def write_raw(lake, table, name, rows, without=()):
    """Write rows (dicts) as one raw file of a table; `without` are columns it does not have yet."""
    schema = arrow_schema(raw.of(table) if table.layer == "database" else table)
    schema = pa.schema([field.with_nullable(True) for field in schema if field.name not in without])
    data = pa.Table.from_pylist(rows, schema)
    path = Path(lake.uri(raw.of(table) if table.layer == "database" else table)) / name
    path.parent.mkdir(parents=True, exist_ok=True)
    if name.endswith(".parquet"):
        pq.write_table(
            data, path, version="1.0", store_schema=False, compression="gzip",
            compression_level=1, row_group_size=10_000,
        )  # fmt: skip
    else:
        write_csv(data, path)
    return path


def write_csv(data, path):
    def text(value):
        if value is None:
            return CSV_NULL
        if isinstance(value, bool):
            return str(value).lower()
        return stamp(value) if isinstance(value, datetime) else str(value)

    def quoted(value):
        needs = value == "" or any(character in value for character in ',"\r\n')
        return '"' + value.replace('"', '""') + '"' if needs else value

    with path.open("w", newline="") as file:
        for row in [data.column_names, *csv_rows(data)]:
            file.write(",".join(quoted(text(value)) for value in row) + "\n")


def csv_rows(data):
    return (list(row.values()) for row in data.to_pylist())


def frame(table, rows):
    """Rows (dicts) as a DataFrame on this process's Sail, in contract columns and types."""
    schema = pa.schema([field.with_nullable(True) for field in arrow_schema(table)])
    columns = spark_columns(table, with_constraints=False)
    return SAIL.session.createDataFrame(pa.Table.from_pylist(rows, schema), columns)


def rows_of(data, *order):
    """A DataFrame's rows as dicts, ascending in the given columns."""
    found = data.toArrow().to_pylist()
    return sorted(found, key=lambda row: [row[name] for name in order])


def close_hours(lake, window, balanced=True):
    """Ledger entries as if the window's hours had been accounted for."""
    table = processed.LEDGER
    empty = {column.name: 0 if column.type is Type.BIGINT else "" for column in table.columns}
    rows = [
        empty | {"snapshot_hour": hour, "table_name": name, "balanced": balanced}
        for hour in window.hours
        for name in ("coin_quotes", "coins")
    ]
    lake.replace_rows(table, pa.Table.from_pylist(rows, arrow_schema(table)), window)
