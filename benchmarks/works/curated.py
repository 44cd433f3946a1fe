"""From processed to curated: the five tables of thirty days."""

import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import curated_sql, data, duck, jvm, tables
from benchmarks.work import Case, Goal, Sizes, Work
from coin_platform.contracts import curated, processed

if TYPE_CHECKING:
    from coin_platform.resources.lake import Lake

DAYS_OF_A_FILE = 7
COMPUTED = (
    "average_volume_24h",
    "dominance",
    "volatility_7d",
    "total_market_cap",
    "total_volume_24h",
    "largest_dominance",
    "second_dominance",
)
NOTE = (
    "Ours makes each table by a job of its own, which reads the quotes again and writes down what "
    "its days were made of, a twentieth of a second a table; DuckDB makes all five from one set of "
    "candles in memory. Our sums add in ascending order, so that a result does not depend on "
    "threads; DuckDB's and the last digits of its results do, which is why computed columns are "
    "compared by six digits. Rows come uncompressed from Sail, and in batches of 32,768, since "
    "`min_by` and `max_by` cost something for each group of each batch. The candles sometimes take "
    "twice as long, of the same data in the same version, which we cannot explain. Tried and left "
    "out: structs in `max_by` (many times slower), a frame of days in place of lags (as fast), the "
    "two largest coins of an hour by a join instead of a window (0.06 s). JVM Spark writes "
    "Parquet, not Delta."
)
RENAMED = 20  # every so many coins have a second name, from the middle on


def prepare(sizes: Sizes, folder: Path) -> None:
    """Quotes, the coins' history, and a ledger that balances."""
    import pyarrow as pa

    from coin_platform.contracts.render import arrow_schema
    from coin_platform.resources.lake import Lake

    lake = Lake(str(folder))
    window = data.window(sizes.hours)
    for chunk in window.chunks(DAYS_OF_A_FILE * 24):
        hours = [data.quotes(sizes.coins, hour) for hour in chunk.hours]
        warnings = [pa.nulls(sizes.coins * len(hours), pa.string())]
        quotes = pa.concat_tables(hours).append_column("warnings", warnings)
        lake.replace_rows(processed.COIN_QUOTES, quotes, chunk)
    table = processed.LEDGER
    accounts = [
        {f.name: "" if pa.types.is_string(f.type) else 0 for f in arrow_schema(table)}
        | {"snapshot_hour": hour, "table_name": name, "balanced": True}
        for hour in window.hours
        for name in ("coin_quotes", "coins")
    ]
    lake.replace_rows(table, pa.Table.from_pylist(accounts, arrow_schema(table)), window)
    history(lake, sizes, window.start + timedelta(days=sizes.hours // 48))


def history(lake: "Lake", sizes: Sizes, renamed_at: datetime) -> None:
    """The coins' versions; some coins have two."""
    import pyarrow as pa
    from deltalake import write_deltalake

    from coin_platform.contracts.render import arrow_schema

    table = processed.COINS
    first = [
        row | {"valid_from": data.FIRST_HOUR, "valid_to": None, "is_current": True}
        for row in data.coins(sizes.coins, data.FIRST_HOUR).to_pylist()
    ]
    versions = []
    for n, row in enumerate(first):
        if n % RENAMED:
            versions.append(row)
            continue
        versions.append(row | {"valid_to": renamed_at, "is_current": False})
        versions.append(row | {"name": f"New {row['name']}", "valid_from": renamed_at})
    lake.ensure(table)
    rows = pa.Table.from_pylist(versions, arrow_schema(table))
    write_deltalake(lake.uri(table), rows, mode="append")


def made(folder: Path) -> dict[str, object]:
    return {
        table.name: tables.summary(
            folder / table.name,
            table.column_names,
            [name for name in table.column_names if name in COMPUTED],
        )
        for table in curated.TABLES
    }


def ours(case: Case) -> object:
    from coin_platform.defs.curated.assets import CHUNK_HOURS
    from coin_platform.resources.engine.local import LocalEngine
    from coin_platform.resources.lake import Lake

    root = case.own / "lake"
    root.mkdir()
    (root / "processed").symlink_to(case.shared / "processed")
    engine = LocalEngine(Lake(str(root)))
    engine.probe()
    chunks = list(data.window(case.sizes.hours).chunks(CHUNK_HOURS))
    with case.timed():
        for table in curated.TABLES:
            started = time.perf_counter()
            for chunk in chunks:
                engine.run(table.id, chunk)
            case.name_part(table.name, time.perf_counter() - started)
    engine.close()
    return made(root / "curated")


def duckdb(case: Case) -> object:
    from deltalake import DeltaTable

    def files(name: str) -> str:
        return duck.parquet([Path(p) for p in DeltaTable(case.shared / name).file_uris()])

    connection = duck.connect()
    with case.timed():
        quotes, coins = files(processed.COIN_QUOTES.id), files(processed.COINS.id)
        for statement in curated_sql.views(quotes, coins):
            connection.execute(statement)
        for table in curated.TABLES:
            columns = ", ".join(table.column_names)
            query = f"SELECT {columns} FROM ({curated_sql.QUERIES[table.name]})"
            duck.write_delta(connection, query, case.own / table.name)
    return made(case.own)


def jvm_spark(case: Case) -> object:
    from deltalake import DeltaTable

    from coin_platform.transforms import curated as curate

    spark = jvm.session()
    with case.timed():
        quotes, coins = (
            spark.read.parquet(*DeltaTable(case.shared / table.id).file_uris())
            for table in (processed.COIN_QUOTES, processed.COINS)
        )
        prices = case.own / curated.DAILY_COIN_PRICES.name
        candles = curate.candles_of(quotes)
        none_before = curate.closes_of(quotes).limit(0)
        curate.daily_coin_prices(candles, none_before, coins).write.parquet(str(prices))
        written = spark.read.parquet(str(prices))
        for table, frame in (
            (curated.MARKET_OVERVIEW, curate.market_overview(quotes)),
            (curated.DAILY_TOP_MOVERS, curate.daily_top_movers(written)),
            (curated.TOP_CIRCULATING_SUPPLY, curate.top_circulating_supply(quotes, coins)),
            (curated.TOP_PRICES, curate.top_prices(written)),
        ):
            frame.write.parquet(str(case.own / table.name))
    spark.stop()
    return made(case.own)


OURS, DUCKDB = "ours", "DuckDB and deltalake"

WORK = Work(
    title="Processed to curated",
    contenders={OURS: ours, DUCKDB: duckdb, **jvm.where_java_is(jvm_spark)},
    goals=[
        Goal(OURS, DUCKDB, 1.2),
        *(Goal(OURS, name, 1 / 10) for name in jvm.where_java_is(jvm_spark)),
    ],
    prepare=prepare,
    rounds={jvm.NAME: 1},
    data="Quotes by the week in Delta files, a history in which some coins are renamed, a ledger.",
    note=NOTE,
)
