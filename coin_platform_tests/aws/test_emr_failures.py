"""What goes wrong on EMR: the right kind of error, its cause named, nothing taken for done."""

import _thread
import os
import signal
import subprocess
import sys
import textwrap
import threading

import pytest

from coin_platform.contracts import raw
from coin_platform.errors import PermanentError, TransientError
from coin_platform.settings import environment as variables
from coin_platform_tests.aws.box import PROJECT
from coin_platform_tests.aws.emr_scripts import until
from coin_platform_tests.aws.emr_support import COINS, HOUR_WINDOW, QUOTES, emr, rows
from coin_platform_tests.integration.lake_files import HOUR, H, change_name, coin, write_raw

__all__ = ["emr"]  # a fixture


def recovers(emr):
    """The next run does what the former did not."""
    outcome = emr.engine.run(QUOTES.id, HOUR_WINDOW)
    assert sum(outcome.rows.values()) == 38
    assert len(rows(emr.lake, QUOTES)) == 38


def test_a_step_that_completes_and_never_reports_is_not_done(emr):
    emr.double.reports = False
    with pytest.raises(PermanentError, match="completed and never reported") as failed:
        emr.engine.run(QUOTES.id, HOUR_WINDOW)
    assert emr.double.steps[0].state == "COMPLETED"
    assert "nothing of it counts as done" in str(failed.value)
    emr.double.reports = True
    recovers(emr)


def test_a_step_that_dies_may_be_tried_again_and_its_end_is_told(emr):
    emr.double.dies = True
    with pytest.raises(TransientError, match=r"died: Unknown Error.: exit code -9"):
        emr.engine.run(QUOTES.id, HOUR_WINDOW)
    assert emr.double.steps[0].state == "FAILED"
    emr.double.dies = False
    recovers(emr)


def test_a_script_that_cannot_start_gives_the_end_of_what_it_printed(emr):
    emr.engine._package.files["coin_platform/contracts/__init__.py"] = b"1 / 0\n"
    emr.double.delay_logs = 0.5
    with pytest.raises(PermanentError, match="could not start its script") as failed:
        emr.engine.run(QUOTES.id, HOUR_WINDOW)
    assert "stderr.gz ends with:" in str(failed.value)
    assert "ZeroDivisionError" in str(failed.value)


def test_a_damaged_file_is_named_by_the_script_itself(emr):
    name = change_name(H + HOUR)
    emr.box.client("s3").put_object(
        Bucket=f"raw-{PROJECT}", Key=f"market/coin_quotes/{name}", Body=b"PAR1 and no more"
    )
    with pytest.raises(PermanentError, match=f"{name} cannot be read"):
        emr.engine.run(QUOTES.id, HOUR_WINDOW)
    assert not emr.lake.exists(QUOTES)


def test_a_reason_of_spark_is_told_and_the_table_stays(emr, tmp_path):
    emr.engine.run(COINS.id, HOUR_WINDOW)
    path = write_raw(
        emr.local.lake, raw.COINS, change_name(H + 2 * HOUR), [coin(7, seq=900, source=None)]
    )
    key = f"market/coins/{path.name}"
    emr.box.client("s3").upload_file(str(path), f"raw-{PROJECT}", key)
    before = rows(emr.lake, COINS)
    with pytest.raises(PermanentError, match="source"):
        emr.engine.run(COINS.id, HOUR_WINDOW)
    assert rows(emr.lake, COINS) == before


def test_a_cluster_that_terminates_under_a_step_is_replaced_by_the_next_try(emr):
    emr.double.loses_cluster = "The primary node was terminated"
    with pytest.raises(TransientError, match=r"lost with what ran it: TERMINAT.*primary node was"):
        emr.engine.run(QUOTES.id, HOUR_WINDOW)
    emr.double.loses_cluster = ""
    recovers(emr)
    assert len(emr.double.clusters) == 2


def test_a_cluster_that_does_not_start_is_told_with_its_reason(emr):
    emr.double.fails_to_boot = True
    with pytest.raises(TransientError, match="BOOTSTRAP_FAILURE: bootstrap action 1 failed"):
        emr.engine.run(QUOTES.id, HOUR_WINDOW)
    assert not emr.double.alive


def test_throttling_is_waited_out(emr):
    emr.box.fail("elasticmapreduce", 7, action="DescribeStep", code="ThrottlingException")
    recovers(emr)


def test_credentials_that_have_expired_can_be_renewed(emr):
    emr.box.fail(
        "elasticmapreduce", 1, action="ListClusters", code="ExpiredTokenException",
        message="The security token included in the request is expired",
    )  # fmt: skip
    with pytest.raises(TransientError, match=r"looking for cluster.*ExpiredToken.*renew them"):
        emr.engine.run(QUOTES.id, HOUR_WINDOW)
    recovers(emr)


def test_a_role_that_may_not_make_a_cluster_is_told_what_it_lacks(emr):
    emr.box.fail(
        "elasticmapreduce", 1, action="RunJobFlow", code="AccessDeniedException",
        message="User is not authorized to perform: iam:PassRole",
    )  # fmt: skip
    with pytest.raises(PermanentError, match=r"making cluster coin-platform.*iam:PassRole"):
        emr.engine.run(QUOTES.id, HOUR_WINDOW)


def test_a_step_that_somebody_cancels_is_not_tried_again_by_itself(emr):
    def cancel(line):
        if "on Spark" in line:
            (step,) = emr.double.steps
            emr.box.client("emr").cancel_steps(
                ClusterId=emr.double.alive[0], StepIds=[step.id],
                StepCancellationOption="TERMINATE_PROCESS",
            )  # fmt: skip

    emr.double.pace = 0.01
    with pytest.raises(PermanentError, match="cancelled from outside"):
        emr.engine.run(QUOTES.id, HOUR_WINDOW, cancel)


def interrupted_when(emr, words):
    """Run, and interrupt the run as soon as its progress has these words."""

    def stop(line):
        if words in line:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        emr.engine.run(QUOTES.id, HOUR_WINDOW, stop)


def test_a_run_cancelled_before_its_step_ends_the_cluster_that_it_made(emr):
    interrupted_when(emr, "is being made")
    until(lambda: not emr.double.alive)
    assert emr.double.steps == []


def test_a_run_cancelled_while_its_step_waits_cancels_the_step(emr):
    emr.double.pace = 0.5
    interrupted_when(emr, "submitted as")
    assert [step.states for step in emr.double.steps] == [["PENDING", "CANCELLED"]]
    recovers(emr)


def test_a_run_cancelled_while_its_step_runs_ends_it(emr):
    def interrupt():
        until(lambda: any(step.state == "RUNNING" for step in emr.double.steps))
        _thread.interrupt_main()

    watcher = threading.Thread(target=interrupt)
    watcher.start()
    with pytest.raises(KeyboardInterrupt):
        emr.engine.run(QUOTES.id, HOUR_WINDOW)
    watcher.join()
    (step,) = emr.double.steps
    assert step.state == "CANCELLED"
    assert step.process.returncode is not None
    recovers(emr)


def test_an_s3_that_fails_for_a_while_under_a_step_changes_nothing(emr):
    def falter(line):
        if "on Spark" in line:
            emr.box.fail("s3", 6, status=503, code="SlowDown")

    outcome = emr.engine.run(QUOTES.id, HOUR_WINDOW, falter)
    assert sum(outcome.rows.values()) == 38


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_run_that_is_stopped_from_outside_does_no_harm_to_the_next(emr, number):
    script = """
        from coin_platform.settings import load
        from coin_platform_tests.aws.emr_support import HOUR_WINDOW, PACE, QUOTES, open_emr_engine
        open_emr_engine(load(), PACE).run(QUOTES.id, HOUR_WINDOW, lambda line: print(line, flush=True))
    """  # noqa: E501
    run = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script)],
        env={**os.environ, **variables(emr.settings)},
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    with run:
        for line in run.stdout:
            if "submitted as" in line:
                run.send_signal(number)
                break
    assert run.returncode != 0
    if number == signal.SIGINT:  # and a killed run's step goes on, before the next run's
        assert [step.state for step in emr.double.steps] == ["CANCELLED"]
    recovers(emr)
    assert [step.state for step in emr.double.steps][-1] == "COMPLETED"
    assert len(emr.double.clusters) == 1
