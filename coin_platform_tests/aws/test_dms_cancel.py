"""A run that is cancelled while it delivers: the task stays as it is, and the next run goes on."""

import dagster as dg
import pytest
from dagster import DagsterExecutionInterruptedError

from coin_platform.defs.raw.assets import replicate_market
from coin_platform.resources.lake import open_lake
from coin_platform_tests.aws.dms_support import CutOff, account, source
from coin_platform_tests.integration.market_frames import H0
from coin_platform_tests.integration.replication_support import wait_until

__all__ = ["account", "source"]


def materialize(account, replication, instance, **choice):
    settings = account.settings(**choice)
    return dg.materialize(
        [replicate_market],
        partition_key=f"{H0:%Y-%m-%d-%H:00}",
        instance=instance,
        resources={
            "replication": replication,
            "database": account.database,
            "lake": open_lake(settings),
            "settings": settings,
        },
    )


@pytest.mark.parametrize(
    ("migration_type", "ends"), [("full-load", "stopped"), ("full-load-and-cdc", "running")]
)
@pytest.mark.parametrize(
    ("phase", "was_started"),
    [
        ("create_replication_instance", False),
        ("test_connection", False),
        ("start_replication_task", True),
        ("describe_table_statistics", True),
    ],
)
def test_a_cancelled_run_leaves_a_task_that_goes_on_or_is_not_there(
    account, migration_type, ends, phase, was_started
):
    account.fill()
    cut = account.replication(
        wrapped=lambda client: CutOff(client, phase, DagsterExecutionInterruptedError),
        migration_type=migration_type,
    )
    task = account.replication(migration_type=migration_type)
    with dg.DagsterInstance.ephemeral() as instance:
        with pytest.raises(DagsterExecutionInterruptedError):
            materialize(account, cut, instance, migration_type=migration_type)
        assert not instance.fetch_materializations(dg.AssetKey(["raw", "coin_quotes"]), 1).records
        if was_started:
            wait_until(lambda: task.describe().status == ends, task.describe)
        else:
            assert task.describe().status == "ready"
        assert materialize(account, task, instance, migration_type=migration_type).success
        assert instance.fetch_materializations(dg.AssetKey(["raw", "coin_quotes"]), 1).records
    wait_until(lambda: task.describe().status == ends, task.describe)
