"""The table of failures: each has the right kind, names its cause, and the next run recovers."""

import json

import pytest

from coin_platform.delivery import MAPPED_TABLES
from coin_platform.errors import PermanentError, TransientError
from coin_platform.resources.replication.assessment import assess, next_start_type
from coin_platform_tests.aws.conftest import SECRET
from coin_platform_tests.aws.dms_support import account, hasty, source
from coin_platform_tests.integration.market_frames import H0, H1
from coin_platform_tests.integration.replication_support import wait_until

__all__ = ["account", "hasty", "source"]

KINDS = [False, True]
EXPIRED = {"status": 400, "code": "ExpiredTokenException", "message": "The token has expired"}
DENIED = {"status": 400, "code": "AccessDeniedException", "message": "not authorized"}


@pytest.mark.parametrize("serverless", KINDS)
def test_a_task_that_fails_says_why_in_the_words_of_dms_and_is_resumed(account, serverless):
    task = account.replication(dms_serverless=serverless)
    account.fill(H0)
    account.deliver(task)
    account.dms.fail_task("Last Error Task 'X' was suspended after 9 successive recovery failures")
    described = task.describe()
    assert (described.status, described.full_load_progress_percent) == ("failed", 100)
    found = assess(described, task.table_statistics(), MAPPED_TABLES)
    assert found.verdict == "failed"
    assert "9 successive recovery failures" in found.reason

    account.fill(H1, 8)
    there = account.deliver(task, hour=H1)
    assert there["coin_quotes"].rows == {H1: 1}
    assert task.describe().status == "running"


def test_a_task_that_fails_before_its_load_is_over_is_loaded_anew(account):
    account.fill()
    account.dms.fail_connection("source", "no route")
    task = account.replication(dms_serverless=True)
    task.start("start-replication")
    wait_until(lambda: task.describe().status == "failed", task.describe)
    assert "no route" in task.describe().last_failure_message
    assert next_start_type(task.describe()) == "reload-target"
    account.dms.mend()
    assert account.deliver(task)["coin_quotes"].rows == {H0: 2}


@pytest.mark.parametrize("serverless", KINDS)
@pytest.mark.parametrize("migration_type", ["full-load", "full-load-and-cdc"])
def test_a_run_that_lost_a_table_is_no_success_whatever_its_status(
    account, serverless, migration_type
):
    choice = {"dms_serverless": serverless, "migration_type": migration_type}
    account.fill()
    account.dms.lose_table("coins")
    task = account.replication(**choice)
    with pytest.raises(PermanentError, match=r"market\.coins is in state 'Table error'.*dms-"):
        account.deliver(task, **choice)
    if migration_type == "full-load":
        wait_until(lambda: task.describe().status == "stopped", task.describe)
        described = task.describe()
        assert described.stop_reason == "Stop Reason FULL_LOAD_ONLY_FINISHED"
        assert (described.full_load_progress_percent, described.tables_errored) == (100, 0)
        found = assess(described, task.table_statistics(), MAPPED_TABLES)
        assert found.verdict == "failed"
    else:
        assert task.describe().status == "running"

    account.dms.mend()
    task.stop()
    task.start("reload-target")
    assert account.deliver(task, **choice)["coin_quotes"].rows == {H0: 2}


@pytest.mark.parametrize("end", ["source", "target"])
def test_an_endpoint_that_dms_does_not_reach_is_named_and_no_task_is_made(account, end):
    account.fill()
    account.dms.fail_connection(end, f"Test Endpoint failed: no {end} there")
    endpoint = {"source": "rds-source-postgresql", "target": "s3-target-datalake"}[end]
    with pytest.raises(PermanentError, match=f"{endpoint}: Test Endpoint failed: no {end} there"):
        account.deliver()
    assert account.replication().describe().status == "ready"
    assert not account.dms.tasks
    account.dms.mend()
    assert account.deliver()["coin_quotes"].rows == {H0: 2}


@pytest.mark.parametrize("end", ["source", "target"])
def test_serverless_tells_what_it_does_not_reach_by_failing(account, end):
    account.fill()
    account.dms.fail_connection(end, f"no {end} there")
    with pytest.raises(PermanentError, match=f"the task is failed: no {end} there"):
        account.deliver(dms_serverless=True)
    account.dms.mend()
    assert account.deliver(dms_serverless=True)["coin_quotes"].rows == {H0: 2}


def test_a_wrong_password_is_told_and_not_shown(account):
    account.fill()
    secrets = account.box.client("secretsmanager")
    held = json.loads(secrets.get_secret_value(SecretId=SECRET)["SecretString"])
    wrong = held | {"password": "not-the-password"}
    secrets.put_secret_value(SecretId=SECRET, SecretString=json.dumps(wrong))
    with pytest.raises(PermanentError, match="password authentication failed") as caught:
        account.deliver()
    assert "not-the-password" not in str(caught.value)
    secrets.put_secret_value(SecretId=SECRET, SecretString=json.dumps(held))
    assert account.deliver()["coin_quotes"].rows == {H0: 2}


def test_a_secret_that_dms_can_do_nothing_with_is_told(account):
    account.fill()
    secrets = account.box.client("secretsmanager")
    secrets.put_secret_value(SecretId=SECRET, SecretString='{"username": "u", "password": "p"}')
    with pytest.raises(PermanentError, match="lacks host, port"):
        account.deliver()


def test_a_bucket_that_is_missing_fails_the_test_of_the_target(account):
    account.fill()
    bucket = account.settings().bucket("raw")
    account.box.client("s3").delete_bucket(Bucket=bucket)
    with pytest.raises(PermanentError, match="does not reach endpoint s3-target-datalake"):
        account.replication().start("start-replication")
    account.box.client("s3").create_bucket(Bucket=bucket)
    assert account.deliver()["coin_quotes"].rows == {H0: 2}


def test_throttling_that_passes_is_not_noticed(account):
    account.fill()
    account.box.fail("dms", 1)
    assert account.deliver()["coin_quotes"].rows == {H0: 2}


@pytest.mark.parametrize(
    ("fault", "kind", "words"),
    [
        ({}, TransientError, "throttles"),
        (EXPIRED, TransientError, "credentials are no longer valid"),
        (DENIED, PermanentError, "may not do"),
    ],
)
def test_a_call_that_aws_refuses_for_good_is_told_with_what_was_attempted(
    account, hasty, fault, kind, words
):
    account.fill()
    account.box.fail("dms", 1000, action="CreateReplicationTask", **fault)
    with pytest.raises(kind, match=f"making task task-01: .*{words}"):
        account.deliver()
    account.box.mend()
    assert account.deliver()["coin_quotes"].rows == {H0: 2}


def test_what_takes_too_long_is_given_up_and_taken_up_again(account):
    account.fill()
    account.dms.seconds = 2
    impatient = account.replication(patience=0.1)
    with pytest.raises(TransientError, match=r"replication instance dms-instance.*DMS works on"):
        impatient.start("start-replication")
    account.dms.seconds = 0.03
    assert account.deliver()["coin_quotes"].rows == {H0: 2}
    assert len(account.dms.instances) == 1


def test_an_s3_that_fails_for_a_while_delays_the_delivery_only(account):
    account.fill()
    account.box.fail("s3", 2, status=503, code="SlowDown", message="Please reduce your rate")
    assert account.deliver()["coin_quotes"].rows == {H0: 2}


def test_a_task_deleted_in_the_console_is_made_anew(account):
    account.fill(H0)
    account.deliver()
    account.replication().stop()
    _, record = account.dms.tasks["task-01"]
    account.box.client("dms").delete_replication_task(
        ReplicationTaskArn=record["ReplicationTaskArn"]
    )
    account.fill(H1, 5)
    assert account.deliver(hour=H1)["coin_quotes"].rows == {H1: 1}


class Forgetful:
    """A client of a DMS that has forgotten its tests by the time of the start."""

    def __init__(self, client, dms):
        self._client, self._dms = client, dms

    def __getattr__(self, name):
        if name == "start_replication_task":
            self._dms.connections.clear()
        return getattr(self._client, name)


def test_a_start_for_which_dms_misses_its_own_tests_is_tried_again_later(account):
    account.fill()
    task = account.replication(wrapped=lambda client: Forgetful(client, account.dms))
    with pytest.raises(TransientError, match=r"should be successful.*notice late"):
        account.deliver(task)
    assert account.deliver()["coin_quotes"].rows == {H0: 2}
