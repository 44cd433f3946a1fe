"""A job on EMR: found or made cluster, uploaded code, a real step, the same rows as locally."""

import pytest

from coin_platform.contracts import curated, processed
from coin_platform.errors import PermanentError
from coin_platform.partitions import Window
from coin_platform.transforms.jobs import JOBS
from coin_platform_tests.aws.box import PROJECT
from coin_platform_tests.aws.emr_support import HOUR_WINDOW, QUOTES, emr, rows
from coin_platform_tests.integration.lake_files import H, close_hours

__all__ = ["emr"]  # a fixture


DAY = Window.of_days(H.date(), H.date())
SIZES = {"table_version", "table_bytes", "table_files"}


def without_sizes(facts):
    return {name: value for name, value in facts.items() if name not in SIZES}


def test_every_job_leaves_the_same_rows_and_reports_the_same_as_on_this_machine(emr):
    told = []
    for job in JOBS:
        if job == curated.DAILY_COIN_PRICES.id:
            for lake in (emr.lake, emr.local.lake):
                close_hours(lake, HOUR_WINDOW)
        window = DAY if job.startswith("curated/") else HOUR_WINDOW
        here = emr.local.run(job, window, run_id="run-1")
        there = emr.engine.run(job, window, told.append, run_id="run-1")
        assert (there.rows, there.quarantined) == (here.rows, here.quarantined)
        assert there.details == here.details
        assert without_sizes(there.facts) == without_sizes(here.facts)
        assert emr.engine.measure(job, window) == emr.local.measure(job, window)
    for table in (*processed.TABLES, *curated.TABLES):
        if emr.local.lake.exists(table):
            assert rows(emr.lake, table) == rows(emr.local.lake, table)
    assert len(rows(emr.lake, QUOTES)) == 38
    assert len(rows(emr.lake, curated.DAILY_COIN_PRICES)) == 38
    assert [step.state for step in emr.double.steps] == ["COMPLETED"] * len(JOBS)
    assert len(emr.double.clusters) == 1
    assert any("38 rows" in line for line in told)
    assert any("is being made" in line for line in told)


def test_what_cannot_be_measured_is_asked_for_again_by_the_check(emr):
    files, name = emr.engine._package.files, "coin_platform/transforms/measure.py"
    broken = b"\n\ndef measure(*_):\n    raise PermanentError('this cannot be measured')\n"
    files[name] += broken
    told = []
    assert sum(emr.engine.run(QUOTES.id, HOUR_WINDOW, told.append).rows.values()) == 38
    assert "this cannot be measured" in told
    with pytest.raises(PermanentError, match="this cannot be measured"):
        emr.engine.measure(QUOTES.id, HOUR_WINDOW)


def test_the_checks_find_what_the_step_measured(emr):
    emr.engine.run(QUOTES.id, HOUR_WINDOW)
    emr.local.run(QUOTES.id, HOUR_WINDOW)
    assert emr.engine.measure(QUOTES.id, HOUR_WINDOW) == emr.local.measure(QUOTES.id, HOUR_WINDOW)
    assert len(emr.double.steps) == 1


def test_a_table_that_changed_since_is_measured_by_a_step(emr):
    emr.engine.run(QUOTES.id, HOUR_WINDOW)
    emr.lake.remove(QUOTES, HOUR_WINDOW, "coin_id = 99")
    measured = emr.engine.measure(QUOTES.id, HOUR_WINDOW)
    assert [of.rows for of in measured.values()] == [37]
    assert len(emr.double.steps) == 2
    assert emr.engine.measure(QUOTES.id, HOUR_WINDOW) == measured
    assert len(emr.double.steps) == 2


def test_the_tables_are_in_glue_with_the_meaning_of_their_columns(emr):
    emr.engine.run(QUOTES.id, HOUR_WINDOW)
    glue, database = emr.box.client("glue"), f"{PROJECT.replace('-', '_')}_processed"
    table = glue.get_table(DatabaseName=database, Name="coin_quotes")["Table"]
    assert table["Parameters"]["table_type"] == "DELTA"
    assert table["StorageDescriptor"]["Location"] == emr.lake.uri(QUOTES)
    columns = {c["Name"]: (c["Type"], c["Comment"]) for c in table["StorageDescriptor"]["Columns"]}
    assert columns["price"] == ("double", QUOTES.column("price").description[:255])
    assert list(columns) == list(QUOTES.column_names)
    named = {found["Name"] for found in glue.get_tables(DatabaseName=database)["TableList"]}
    assert {"coin_quotes", "quarantined_coin_quotes"} <= named
    assert "releases" not in named


def test_an_unknown_job_and_table_are_named_without_a_step(emr):
    with pytest.raises(PermanentError, match="no job 'x'; there are curated/daily_coin_prices"):
        emr.engine.run("x", HOUR_WINDOW)
    with pytest.raises(PermanentError, match="no table 'x' to measure"):
        emr.engine.measure("x", HOUR_WINDOW)
    assert not emr.double.clusters


def test_a_script_that_fails_gives_its_own_reason_and_kind(emr):
    later = Window.of_days(HOUR_WINDOW.days[0], HOUR_WINDOW.days[0])
    with pytest.raises(PermanentError, match=r"there is no table processed/.*as s-\d+ on j-\d+"):
        emr.engine.run("curated/market_overview", later)
    assert emr.double.steps[0].state == "FAILED"
