"""EMR Serverless: the same jobs, the same reports, the same failures."""

import pytest

from coin_platform.errors import PermanentError, SettingsError
from coin_platform.resources.engine.emr.factory import open_emr_engine
from coin_platform_tests.aws.emr_serverless_double import EmrServerlessDouble
from coin_platform_tests.aws.emr_support import HOUR_WINDOW, PACE, QUOTES, Emr, rows

APPLICATION = "00fapplication1"
ROLE = "arn:aws:iam::123456789012:role/emr-serverless"
ARCHIVE = "s3://platform-x/environment.tar.gz"


@pytest.fixture
def emr(box, aws_settings, tmp_path):
    double = EmrServerlessDouble(box, APPLICATION)
    box.serve(double)
    settings = aws_settings(
        emr_mode="serverless", emr_serverless_application=APPLICATION,
        emr_execution_role_arn=ROLE, emr_serverless_archive=ARCHIVE,
    )  # fmt: skip
    return Emr(box, settings, tmp_path / "lake", double)


def test_a_run_leaves_the_same_rows_as_on_this_machine(emr):
    here = emr.local.run(QUOTES.id, HOUR_WINDOW, run_id="run-1")
    there = emr.engine.run(QUOTES.id, HOUR_WINDOW, run_id="run-1")
    assert there.rows == here.rows
    assert rows(emr.lake, QUOTES) == rows(emr.local.lake, QUOTES)
    assert emr.engine.measure(QUOTES.id, HOUR_WINDOW) == emr.local.measure(QUOTES.id, HOUR_WINDOW)
    (run,) = emr.double.runs.values()
    assert run.state == "SUCCESS"
    submit = run.request["jobDriver"]["sparkSubmit"]["sparkSubmitParameters"]
    assert f"spark.archives={ARCHIVE}#environment" in submit
    assert run.request["executionTimeoutMinutes"] == 0
    assert run.request["tags"]["Application"] == "coin-platform"


def test_a_run_that_succeeds_and_never_reports_is_not_done(emr):
    emr.double.reports = False
    with pytest.raises(PermanentError, match="completed and never reported"):
        emr.engine.run(QUOTES.id, HOUR_WINDOW)


def test_a_run_that_cannot_start_gives_the_end_of_what_it_printed(emr):
    emr.engine._package.files["coin_platform/contracts/__init__.py"] = b"1 / 0\n"
    with pytest.raises(PermanentError, match=r"could not start its script.*exit code 1") as failed:
        emr.engine.run(QUOTES.id, HOUR_WINDOW)
    assert "ZeroDivisionError" in str(failed.value)


def test_a_cancelled_run_is_cancelled_there_too(emr):
    def stop(line):
        if "submitted as" in line:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        emr.engine.run(QUOTES.id, HOUR_WINDOW, stop)
    assert [run.state for run in emr.double.runs.values()] == ["CANCELLED"]


def test_the_probe_asks_for_the_application(emr):
    assert emr.engine.probe() == "EMR Serverless application coins is STARTED"


def test_the_role_must_be_set(aws_settings):
    settings = aws_settings(emr_mode="serverless", emr_serverless_application=APPLICATION)
    with pytest.raises(SettingsError, match="COIN_PLATFORM_EMR_EXECUTION_ROLE_ARN"):
        open_emr_engine(settings, PACE)
