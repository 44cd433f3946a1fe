"""From raw to processed: the latest version of each quote, judged by the rules, into Delta."""

import time
from pathlib import Path

from benchmarks import data, duck, jvm, raw_log, tables
from benchmarks.work import Case, Goal, Sizes, Work
from coin_platform.contracts import processed, raw
from coin_platform.contracts.model import Severity

TABLE, KEPT_OUT = processed.COIN_QUOTES, processed.QUARANTINED_COIN_QUOTES
QUARANTINED = [*raw.COIN_QUOTES.column_names, "rules"]
STEP_HOURS, LONG_STEP_HOURS = 24, 168  # the setting `chunk_hours`: its default, and its most


NOTE = (
    "Ours runs in steps of a day (`chunk_hours`), so that each day lies in files of its own and an "
    "hour is found, or replaced, without touching a month; DuckDB does all in one statement, in "
    "memory, and its files hold hours of the whole month. Of ours, about 0.2 s of CPU a step do "
    "not depend on its rows: planning, the commit, reading footers and logs, the rows counted "
    "again. The rest is spent on two narrow passes (rules of weight, keys that occur twice) before "
    "the wide one, on that one's second branch for these keys, and on writing. Judging cost as "
    "much as writing until the texts of broken rules were put together for rows that break any. "
    "Tried and left out, for less than a twentieth of the work: larger batches of Sail's Parquet "
    "writer, another allocation of memory. Writing rows with `deltalake` from Arrow would take as "
    "long, and hold a step in the driver. JVM Spark writes Parquet, since its Delta jars are not "
    "to be had offline; it has no log to commit to."
)


def prepare(sizes: Sizes, folder: Path) -> None:
    raw_log.write(folder, sizes.coins, sizes.hours)


def files(case: Case) -> list[Path]:
    return sorted((case.shared / "raw/market/coin_quotes").iterdir())


def made(folder: Path, kept: str, kept_out: str) -> dict[str, object]:
    return {
        "kept": tables.summary(folder / kept, TABLE.column_names),
        "kept out": tables.summary(folder / kept_out, QUARANTINED),
    }


def ours(case: Case) -> object:
    return by_steps(case, STEP_HOURS)


def ours_by_the_week(case: Case) -> object:
    return by_steps(case, LONG_STEP_HOURS)


def by_steps(case: Case, hours: int) -> object:
    """Our job as a backfill runs it; the measuring for its checks is timed beside the race."""
    from coin_platform.resources.engine.local import LocalEngine
    from coin_platform.resources.lake import Lake

    root = case.own / "lake"
    root.mkdir()
    (root / "raw").symlink_to(case.shared / "raw")
    engine = LocalEngine(Lake(str(root)))
    engine.probe()
    steps = list(data.window(case.sizes.hours).chunks(hours))
    with case.timed():
        for step in steps:
            engine.run(TABLE.id, step)
    started = time.perf_counter()
    for step in steps:
        engine.measure(TABLE.id, step)
    case.name_part("measuring for its checks, not in the race", time.perf_counter() - started)
    engine.close()
    return made(root, TABLE.id, KEPT_OUT.id)


def duckdb(case: Case) -> object:
    connection = duck.connect()
    columns = ", ".join(TABLE.column_names[:-1])
    key = ", ".join(TABLE.key)
    wrong = duck.broken(TABLE, Severity.FAIL, Severity.QUARANTINE)
    with case.timed():
        # In memory once: as a view it would be made for each of the two tables.
        connection.execute(f"""
            CREATE TEMP TABLE quotes AS
            SELECT *, {wrong} AS grave, {duck.broken(TABLE, Severity.WARN)} AS light
            FROM (
                SELECT * FROM {duck.parquet(files(case))}
                QUALIFY row_number() OVER (
                    PARTITION BY {key} ORDER BY commit_timestamp || coalesce(change_seq, '') DESC
                ) = 1
            )
            WHERE Op <> 'D'
        """)
        kept = f"SELECT {columns}, nullif(light, '') AS warnings FROM quotes WHERE grave = ''"
        duck.write_delta(connection, kept, case.own / "kept")
        kept_out = f"""
            SELECT {", ".join(raw.COIN_QUOTES.column_names)},
                   concat_ws(',', grave, nullif(light, '')) AS rules
            FROM quotes WHERE grave <> ''
        """
        duck.write_delta(connection, kept_out, case.own / "kept_out")
    return made(case.own, "kept", "kept_out")


def jvm_spark(case: Case) -> object:
    from coin_platform.contracts.render import spark_columns
    from coin_platform.transforms import quotes
    from coin_platform.transforms.rules import all_broken, is_wrong

    spark = jvm.session()
    schema = spark_columns(raw.COIN_QUOTES, with_constraints=False)
    with case.timed():
        rows = spark.read.schema(schema).parquet(*map(str, files(case)))
        judged = quotes.current(rows)
        quotes.written(judged.filter(~is_wrong())).write.parquet(str(case.own / "kept"))
        wrong = judged.filter(is_wrong()).withColumn("rules", all_broken())
        wrong.select(*QUARANTINED).write.parquet(str(case.own / "kept_out"))
    spark.stop()
    return made(case.own, "kept", "kept_out")


OURS, BY_THE_WEEK, DUCKDB = "ours", "ours, a week a step", "DuckDB and deltalake"

WORK = Work(
    title="Raw to processed",
    contenders={
        OURS: ours,
        DUCKDB: duckdb,
        BY_THE_WEEK: ours_by_the_week,
        **jvm.where_java_is(jvm_spark),
    },
    goals=[
        Goal(OURS, DUCKDB, 1.0),
        Goal(BY_THE_WEEK, DUCKDB, 1.0),
        *(Goal(OURS, name, 1 / 4) for name in jvm.where_java_is(jvm_spark)),
        Goal(OURS, memory_mb=2_000),
    ],
    prepare=prepare,
    rounds={jvm.NAME: 1},
    data=(
        "A full load and the changes after it: one row of a hundred was updated, some changes were "
        "delivered twice, some rows deleted, some break a rule."
    ),
    note=NOTE,
)
