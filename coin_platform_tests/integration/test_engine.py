"""The local engine: one Sail a process, errors that a reader understands."""

import subprocess
import sys
import textwrap
import threading

import pytest

from coin_platform.contracts import processed, raw
from coin_platform.errors import PermanentError
from coin_platform.partitions import Window
from coin_platform.resources.engine import open_local_engine
from coin_platform.resources.engine.local import LocalEngine
from coin_platform.resources.engine.sail import Sail
from coin_platform.resources.lake import Lake
from coin_platform.settings import Settings
from coin_platform_tests.integration.lake_files import HOUR, H, change_name, coin, quote, write_raw


@pytest.fixture
def engine(tmp_path):
    return LocalEngine(Lake(str(tmp_path)))


def test_all_engines_of_a_process_share_one_session_in_utc(engine, tmp_path):
    other = open_local_engine(Settings(home=tmp_path / "other"))
    assert other.session() is engine.session()
    assert engine.session().conf.get("spark.sql.session.timeZone") == "UTC"
    assert other.lake.url == str(tmp_path / "other" / "lake")
    assert "Sail 0." in engine.probe()


def test_threads_that_come_first_together_get_the_same_session():
    sail, sessions = Sail(), []
    threads = [threading.Thread(target=lambda: sessions.append(sail.session)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    try:
        assert len({id(session) for session in sessions}) == 1
        assert sessions[0].range(3).count() == 3
    finally:
        sail.stop()


def test_a_stopped_sail_starts_again_when_it_is_used():
    sail = Sail()
    try:
        assert sail.session.range(2).count() == 2
        sail.stop()
        sail.stop()
        assert sail.session.range(2).count() == 2
    finally:
        sail.stop()


def test_jobs_of_different_tables_run_from_several_threads(engine):
    made = change_name(H + HOUR)
    write_raw(engine.lake, raw.COIN_QUOTES, made, [quote(n, seq=n) for n in range(1, 50)])
    write_raw(engine.lake, raw.COINS, made, [coin(n, seq=n) for n in range(1, 50)])
    found = {}

    def run(job):
        found[job] = engine.run(job, Window.of_hour(H)).rows

    jobs = [processed.COIN_QUOTES.id, processed.COINS.id]
    threads = [threading.Thread(target=run, args=(job,)) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [found[job] for job in jobs] == [{"2026-03-01T00:00:00Z": 49}] * 2


def test_progress_tells_rows_and_seconds(engine):
    write_raw(engine.lake, raw.COIN_QUOTES, change_name(H + HOUR), [quote(1, seq=1)])
    told = []
    engine.run(processed.COIN_QUOTES.id, Window.of_hour(H), told.append)
    assert len(told) == 1
    assert told[0].startswith("processed/coin_quotes: 1 rows of 2026-03-01T00:00:00Z")


def test_an_unknown_job_and_an_unknown_table_are_named_with_the_known_ones(engine):
    with pytest.raises(PermanentError, match="no job 'x'; there are curated/daily_coin_prices"):
        engine.run("x", Window.of_hour(H))
    with pytest.raises(PermanentError, match="no table 'x' to measure"):
        engine.measure("x", Window.of_hour(H))


def test_a_failure_gives_the_engines_reason_in_a_few_words_and_keeps_the_table(engine):
    write_raw(engine.lake, raw.COINS, change_name(H + HOUR), [coin(1, seq=1)])
    engine.run(processed.COINS.id, Window.of_hour(H))
    made = change_name(H + 2 * HOUR)
    write_raw(engine.lake, raw.COINS, made, [coin(2, H + HOUR, seq=2, source=None)])
    with pytest.raises(PermanentError, match="source") as failed:
        engine.run(processed.COINS.id, Window.of_hour(H + HOUR))
    assert str(failed.value).startswith("processed/coins, 2026-03-01T01:00:00Z to")
    assert len(str(failed.value)) < 800
    assert engine.lake.detail(processed.COINS).rows == 1


def test_a_damaged_raw_file_is_an_error_and_not_missing_rows(engine):
    path = write_raw(engine.lake, raw.COIN_QUOTES, change_name(H + HOUR), [quote(1, seq=1)])
    path.write_bytes(path.read_bytes()[:-7])
    with pytest.raises(PermanentError, match=f"{path.name} cannot be read"):
        engine.run(processed.COIN_QUOTES.id, Window.of_hour(H))


def test_opening_lake_and_engine_imports_neither_spark_nor_dagster(tmp_path):
    script = """
        import sys
        from pathlib import Path
        from coin_platform.settings import Settings
        from coin_platform.resources.engine import open_engine
        from coin_platform.resources.lake import open_lake
        settings = Settings(home=Path(sys.argv[1]))
        open_engine(settings), open_lake(settings)
        print({"pyspark", "pysail", "pyarrow", "deltalake", "dagster"} & set(sys.modules))
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script), str(tmp_path)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.strip() == "set()"


def test_the_local_time_zone_of_the_machine_changes_nothing(tmp_path):
    script = """
        import sys
        from coin_platform.contracts import processed, raw
        from coin_platform.partitions import Window
        from coin_platform.resources.engine.local import LocalEngine
        from coin_platform.resources.lake import Lake
        from coin_platform_tests.integration.lake_files import *
        engine = LocalEngine(Lake(sys.argv[1]))
        write_raw(engine.lake, raw.COIN_QUOTES, change_name(H + HOUR, "csv"),
                  [quote(1, seq=1), quote(1, H + 5 * HOUR, seq=2)])
        window = Window(H, H + HOUR)
        print(engine.run("processed/coin_quotes", window).rows)
        (measured,) = engine.measure("processed/coin_quotes", window).values()
        print(measured.facts["first"])
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script), str(tmp_path)],
        capture_output=True, text=True, check=True, env={"TZ": "America/New_York", "PATH": ""},
    )  # fmt: skip
    assert done.stdout.splitlines() == [
        "{'2026-03-01T00:00:00Z': 1}",
        "2026-03-01 00:00:00+00:00",
    ]
