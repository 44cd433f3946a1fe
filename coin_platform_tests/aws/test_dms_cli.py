"""`coin-platform replication` on a task of DMS."""

import pytest

from coin_platform.settings import environment
from coin_platform_tests.aws.dms_support import hasty, rds_account
from coin_platform_tests.integration.cli_support import CommandLine, command_line
from coin_platform_tests.integration.market_frames import H0
from coin_platform_tests.integration.replication_support import wait_until
from coin_platform_tests.integration.test_cli_replication import table_of

__all__ = ["hasty", "rds_account"]


@pytest.fixture
def account(rds_account):
    return rds_account


@pytest.fixture
def coin_platform(account, tmp_path, monkeypatch, capfd) -> CommandLine:
    """The command line of the deployment on AWS."""
    settings = account.settings()
    said = command_line(tmp_path / "home", monkeypatch, capfd)
    for name, value in environment(settings).items():
        monkeypatch.setenv(name, value)
    return said


def test_the_status_of_a_task_that_is_not_there_is_ready_and_makes_nothing(coin_platform, account):
    said = coin_platform("replication", "status")
    assert (said.code, said.errors) == (0, "")
    assert "task task-01 (full-load-and-cdc): ready" in said.output
    assert not account.dms.tasks


def test_a_task_is_started_shown_stopped_and_started_again(coin_platform, account):
    account.fill()
    said = coin_platform("replication", "start")
    assert (said.code, said.errors) == (0, "")
    assert "coin-platform replication stop" in said.output
    wait_until(lambda: account.replication().describe().status == "running")
    again = coin_platform("replication", "start")
    assert ": running" in again.output

    stopped = coin_platform("replication", "stop")
    assert stopped.code == 0
    assert ": stopped" in stopped.output
    assert "Stop Reason NORMAL" in stopped.output
    assert coin_platform("replication", "start").code == 0


def test_a_reload_loads_every_table_anew_and_waits_for_it(coin_platform, account):
    account.fill()
    account.deliver()
    account.fill(H0, 1, 2, 3)
    said = coin_platform("replication", "reload")
    assert (said.code, said.errors) == (0, "")
    loaded = {row[0]: row[2] for row in table_of(said.output)[1:]}
    assert loaded == {"market.coin_quotes": "3", "market.coins": "3"}
    assert account.replication().describe().status == "running"


def test_an_endpoint_that_is_not_reached_is_said_without_a_traceback(coin_platform, account):
    account.dms.fail_connection("source", "Test Endpoint failed: timeout")
    said = coin_platform("replication", "start")
    assert said.code == 1
    assert "rds-source-postgresql: Test Endpoint failed: timeout" in said.errors
    assert "Traceback" not in said.errors


def test_throttling_for_good_is_said(account, hasty, coin_platform):
    account.box.fail("dms", 100)
    said = coin_platform("replication", "status")
    assert said.code == 1
    assert "AWS throttles us" in said.errors
