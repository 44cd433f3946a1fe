"""The whole graph on AWS in a box, by the command that an operator runs.

RDS is a PostgreSQL with TLS only, DMS copies real rows, and every step of EMR really runs.
"""

import json
import logging
from collections.abc import Iterator
from datetime import datetime

import pytest

from coin_platform.contracts import curated, processed
from coin_platform.contracts.model import Table
from coin_platform.partitions import last_closed_hour, utc_now
from coin_platform.resources.lake import open_lake
from coin_platform.running.session import run_hours
from coin_platform.settings import environment, load
from coin_platform_tests.aws.box import PROJECT
from coin_platform_tests.aws.conftest import SECRET
from coin_platform_tests.aws.dms_double import DmsDouble
from coin_platform_tests.aws.dms_support import ROLES
from coin_platform_tests.aws.emr_double import EmrDouble
from coin_platform_tests.aws.emr_scripts import until
from coin_platform_tests.end_to_end.support import Home

COINS = 20
TABLES = (*processed.TABLES, *curated.TABLES)
# Who wrote a row, and when: these differ from run to run.
OF_THE_RUN = {
    "run_id", "written_at", "published_at", "closed_at", "loaded_at", "quarantined_at",
    "quotes_version", "valid_from", "valid_to", "commit_timestamp", "change_seq", "file",
}  # fmt: skip


class Quiet:
    """Watches runs and says nothing."""

    def plan(self, steps: int) -> None:
        pass

    def record(self, record: logging.LogRecord) -> None:
        pass


class Platform:
    """A platform on the box, and how an operator and a test look at it."""

    def __init__(self, box, settings, dms, emr) -> None:
        self.box, self.settings, self.dms, self.emr = box, settings, dms, emr
        self.home = Home(settings.home, {**environment(settings), **box.environment()})
        self.lake = open_lake(settings)

    def run(self, *arguments):
        """`coin-platform run`; its exit code, and the object that it prints."""
        done = self.home.call("run", "--json", "--hours", "1", *arguments)
        assert done.stdout, done.stderr
        return done.returncode, json.loads(done.stdout.splitlines()[-1]), done.stderr

    def rows(self, table: Table) -> list[dict]:
        return rows_of(self.lake, table)


def rows_of(lake, table: Table) -> list[dict]:
    """A table's rows without what is of the run, in the order of all the rest."""
    names = [name for name in table.column_names if name not in OF_THE_RUN]
    if not lake.exists(table):
        return []
    return sorted(lake.rows(table, names).to_pylist(), key=repr)


@pytest.fixture
def platform(box, rds, on_rds, tmp_path) -> Iterator[Platform]:
    secret = {
        "username": rds.user, "password": rds.password, "host": rds.host, "port": rds.port
    }  # fmt: skip
    box.client("secretsmanager").put_secret_value(SecretId=SECRET, SecretString=json.dumps(secret))
    dms = DmsDouble(box.client, tmp_path / "dms", tls=True)
    emr = EmrDouble(box)
    box.serve(dms, emr)
    settings = on_rds(
        source="simulated", coins=COINS, dms_poll_seconds=0.1, emr_poll_seconds=0.2, **ROLES
    )
    yield Platform(box, settings, dms, emr)
    dms.close()


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_an_hour_is_the_same_on_aws_as_on_a_laptop_row_for_row(platform, tmp_path):
    code, said, errors = platform.run()
    assert code == 0, (said, errors)
    [hour] = map(datetime.fromisoformat, said["hours"])
    quotes = platform.lake.rows(processed.COIN_QUOTES, ["snapshot_hour"])
    assert quotes["snapshot_hour"].to_pylist() == [hour] * COINS

    laptop = load(home=tmp_path / "laptop", coins=COINS, source="simulated", env="local")
    assert run_hours(laptop, [hour], Quiet()).succeeded
    for table in TABLES:
        assert platform.rows(table) == rows_of(open_lake(laptop), table), table.id

    page = platform.box.client("s3").get_object(
        Bucket=f"curated-{PROJECT}", Key="serving/site/current.js"
    )
    assert said["page"]["release"].encode() in page["Body"].read()

    steps = len(platform.emr.steps)
    code, again, errors = platform.run()
    if last_closed_hour(utc_now()) == hour:  # none has closed since
        assert (code, again["hours"]) == (0, [])
        assert len(platform.emr.steps) == steps


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_what_fails_on_the_way_is_named_publishes_nothing_and_is_made_good_by_the_next_run(
    platform,
):
    platform.dms.lose_table("coins")
    code, said, _ = platform.run()
    assert code == 1
    assert "coins" in json.dumps(said["errors"])
    assert platform.rows(processed.COIN_QUOTES) == []
    platform.dms.mend()
    reloaded = platform.home.call("replication", "reload")
    assert reloaded.returncode == 0, reloaded.stderr

    # An S3 that fails for a while, and a run that is killed while its step runs.
    platform.box.fail("s3", 20, status=503, code="SlowDown", message="Reduce your request rate.")
    killed = platform.home.start("run", "--json", "--hours", "1")
    until(lambda: any(step.state == "RUNNING" for step in platform.emr.steps), seconds=120)
    killed.kill()
    killed.communicate()
    assert platform.rows(curated.DAILY_COIN_PRICES) == []

    code, said, errors = platform.run()
    assert code == 0, (said, errors)
    assert len(platform.rows(processed.COIN_QUOTES)) == COINS
    assert len(platform.rows(curated.DAILY_COIN_PRICES)) == COINS
    assert said["page"]["release"]
    until(
        lambda: all(step.state not in ("PENDING", "RUNNING") for step in platform.emr.steps),
        seconds=60,
    )
