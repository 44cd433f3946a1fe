"""A small lake of two days, made without an engine: what people outside the platform may read."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet

from coin_platform.contracts import curated, processed
from coin_platform.contracts.model import Type
from coin_platform.contracts.render import arrow_schema
from coin_platform.exports import Exports
from coin_platform.partitions import HOUR, Window
from coin_platform.resources.lake import Lake
from coin_platform.resources.lake.served import ServedLake

D1, D2 = date(2026, 3, 1), date(2026, 3, 2)
H = datetime(2026, 3, 1, tzinfo=UTC)
HOSTILE = '=HYPERLINK("http://x","a, b")'
NAMES = {1: "Alpha", 2: HOSTILE, 3: "Größe\u202e\x1b[31m", 4: None}
PRICES = {1: 82120.85934387069, 2: 2e-20, 3: 0.1, 4: 1e16}

DEFAULTS = {
    Type.INTEGER: 1,
    Type.BIGINT: 1,
    Type.DOUBLE: 1.0,
    Type.TEXT: "simulated",
    Type.BOOLEAN: True,
    Type.TIMESTAMP: H,
    Type.DATE: D1,
}


def rows_of(table, rows):
    """Rows of a table as Arrow; what is not given and required has some value of its type."""
    blank = {c.name: None if c.nullable else DEFAULTS[c.type] for c in table.columns}
    return pa.Table.from_pylist([blank | row for row in rows], arrow_schema(table))


def write(lake, table, window, rows):
    lake.replace_rows(table, rows_of(table, rows), window)


def quotes_of(hour):
    return [
        {"snapshot_hour": hour, "coin_id": coin, "currency": "USD", "price": price}
        for coin, price in PRICES.items()
    ]


def curate(lake, day, missing=None, prices=PRICES):
    """Every curated table of a day."""
    window = Window.of_days(day, day)
    coins = [
        {"day": day, "coin_id": coin, "currency": "USD", "name": NAMES[coin], "symbol": "-X"}
        for coin in prices
    ]
    candles = [
        {**coin, **dict.fromkeys(("open", "high", "low", "close"), prices[coin["coin_id"]])}
        for coin in coins
    ]
    write(lake, curated.DAILY_COIN_PRICES, window, candles)
    ranked = [{**coin, "rank": n} for n, coin in enumerate(coins, 1)]
    for table in (curated.TOP_PRICES, curated.TOP_CIRCULATING_SUPPLY):
        write(lake, table, window, ranked)
    movers = [{**row, "direction": "up", "change": 1.5} for row in ranked]
    write(lake, curated.DAILY_TOP_MOVERS, window, movers)
    hours = [{"snapshot_hour": hour, "currency": "USD"} for hour in window.hours[:2]]
    write(lake, curated.MARKET_OVERVIEW, window, hours)
    said = [
        {
            "day": day,
            "table_name": table.name,
            "hours": 24 if missing is None else 23,
            "hours_missing": missing,
            "published_at": window.end,
            "written_at": window.end,
        }
        for table in curated.TABLES
    ]
    write(lake, curated.PUBLICATIONS, window, said)


def small_lake(path) -> ServedLake:
    """Two days of curated, three hours of quotes, one file an hour, and a raw file beside them."""
    lake = Lake(str(path / "lake"))
    for hour in (H, H + HOUR, H + timedelta(days=1)):
        write(lake, processed.COIN_QUOTES, Window.of_hour(hour), quotes_of(hour))
    for day, missing in ((D1, None), (D2, "13")):
        curate(lake, day, missing)
    raw = path / "lake" / "raw" / "market" / "coins"
    raw.mkdir(parents=True)
    pa.parquet.write_table(pa.table({"secret": ["raw"]}), raw / "LOAD00000001.parquet")
    (raw / "secret.csv").write_text("secret\nraw\n")
    return ServedLake(lake)


def exports_of(lake):
    """The exports of a served lake in folders."""
    return Exports(lake, Path(lake.exports))
