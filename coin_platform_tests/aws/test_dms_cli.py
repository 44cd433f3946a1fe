"""`coin-platform replication` on a task of DMS."""

import pytest

from coin_platform.cli import replication
from coin_platform_tests.aws.dms_support import POLL_SECONDS, ROLES, SECRET, account, hasty, source
from coin_platform_tests.integration.cli_support import CommandLine, command_line
from coin_platform_tests.integration.market_frames import H0
from coin_platform_tests.integration.replication_support import wait_until
from coin_platform_tests.integration.test_cli_replication import table_of

__all__ = ["account", "hasty", "source"]


@pytest.fixture
def coin_platform(account, tmp_path, monkeypatch, capfd) -> CommandLine:
    """The command line of the deployment on AWS.

    The database is that of the test: the embedded server has no TLS, without which RDS is refused.
    """
    said = command_line(tmp_path / "home", monkeypatch, capfd)
    settings = account.settings()
    given = {
        "env": "aws",
        "project": settings.project,
        "region": settings.region,
        "database_host": settings.database_host,
        "database_secret": SECRET,
        "dms_poll_seconds": POLL_SECONDS,
        **ROLES,
    }
    for name, value in given.items():
        monkeypatch.setenv(f"COIN_PLATFORM_{name.upper()}", str(value))
    monkeypatch.setattr(replication, "open_database", lambda _: account.database)
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
