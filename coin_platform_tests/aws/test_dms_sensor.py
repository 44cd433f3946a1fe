"""The sensor's ticks on DMS: what it asks of it, what it survives, and that it misses nothing."""

from dataclasses import dataclass, field

import dagster as dg
import pytest

from coin_platform.defs.raw.sensors import replication_sensor
from coin_platform.errors import PermanentError
from coin_platform.partitions import HOUR
from coin_platform.resources.lake import open_lake
from coin_platform_tests.aws.dms_support import Account, account, hasty, source
from coin_platform_tests.integration.market_frames import H0
from coin_platform_tests.integration.replication_support import wait_until

__all__ = ["account", "hasty", "source"]

KINDS = [False, True]
HOURS = [H0 + n * HOUR for n in range(7)]


@dataclass
class Sensor:
    """The sensor with its cursor, as a daemon keeps it."""

    account: Account
    instance: dg.DagsterInstance
    choice: dict
    cursor: str | None = None
    asked: list[str] = field(default_factory=list)

    def tick(self):
        resources = {
            "replication": self.account.replication(**self.choice),
            "lake": open_lake(self.account.settings(**self.choice)),
        }
        context = dg.build_sensor_context(self.instance, cursor=self.cursor, resources=resources)
        result = replication_sensor(context)
        if isinstance(result, dg.SensorResult):
            self.cursor = result.cursor
            self.asked += [request.partition_key for request in result.run_requests]
        return result


@pytest.fixture
def instance():
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


def key(hour):
    return f"{hour:%Y-%m-%d-%H:00}"


@pytest.fixture(params=KINDS, ids=["instance", "serverless"])
def sensor(account, instance, request):
    """Of a task that runs and has delivered an hour."""
    sensor = Sensor(account, instance, {"dms_serverless": request.param})
    account.fill(HOURS[0])
    account.deliver(**sensor.choice)
    sensor.tick()
    assert sensor.asked == [key(HOURS[0])]
    sensor.asked.clear()
    account.box.mend()
    return sensor


def test_six_hours_that_arrived_while_nobody_looked_are_asked_for_once(account, sensor):
    for hour in HOURS[1:]:
        account.fill(hour)
    account.deliver(hour=HOURS[-1], **sensor.choice)
    result = sensor.tick()
    assert sensor.asked == [key(hour) for hour in HOURS[1:]]
    assert len({request.run_key for request in result.run_requests}) == 6
    sensor.tick()
    assert len(sensor.asked) == 6


def test_a_tick_asks_dms_for_the_task_and_its_tables_and_for_nothing_else(account, sensor):
    sensor.tick()
    assert len(account.actions()) == 2
    assert all(action.startswith("Describe") for action in account.actions())


@pytest.mark.parametrize(
    "fault",
    [
        {},
        {"status": 503, "code": "ServiceUnavailable", "message": "try later"},
        {"code": "ExpiredTokenException", "message": "The token has expired"},
    ],
    ids=["throttled", "unavailable", "expired"],
)
def test_what_may_pass_skips_a_tick_and_loses_nothing(account, hasty, sensor, fault):
    account.fill(HOURS[1])
    account.deliver(hour=HOURS[1], **sensor.choice)
    account.box.fail("dms", 100, **fault)
    before = sensor.cursor
    result = sensor.tick()
    assert isinstance(result, dg.SkipReason)
    assert "the next tick looks again" in result.skip_message
    assert sensor.cursor == before
    account.box.mend()
    sensor.tick()
    assert sensor.asked == [key(HOURS[1])]


def test_a_failed_task_fails_the_tick_with_the_message_of_dms(account, sensor):
    account.dms.fail_task("Last Error Fatal error has occurred: the slot is gone")
    with pytest.raises(PermanentError, match="the slot is gone"):
        sensor.tick()


def test_a_running_task_that_hides_a_dead_table_fails_the_tick(account, sensor):
    task = account.replication(**sensor.choice)
    task.stop()
    account.dms.lose_table("coins")
    task.start("reload-target")
    with pytest.raises(PermanentError, match=r"market\.coins is in state 'Table error'"):
        wait_until(lambda: sensor.tick() is None)
    assert task.describe().status == "running"


def test_a_task_that_somebody_stopped_is_no_failure(account, sensor):
    account.replication(**sensor.choice).stop()
    assert "is stopped" in sensor.tick().skip_reason.skip_message


def test_a_task_that_was_never_made_is_no_failure(account, instance):
    sensor = Sensor(account, instance, {})
    assert "is ready" in sensor.tick().skip_reason.skip_message
    assert not account.dms.tasks
