"""A task of DMS from nothing to raw: what is made, what is refused, what is adopted."""

import json

import pytest

from coin_platform.contracts import raw
from coin_platform.delivery import start_before_the_first_row
from coin_platform.errors import PermanentError, SettingsError
from coin_platform.resources.database.trust import BUNDLE
from coin_platform.resources.lake import open_lake
from coin_platform.resources.replication.dms import payloads
from coin_platform_tests.aws.dms_support import ROLES, TAGS, account, rds_account, source
from coin_platform_tests.integration.market_frames import H0, H1
from coin_platform_tests.integration.replication_support import wait_until

__all__ = ["account", "rds_account", "source"]

KINDS = [False, True]


@pytest.mark.parametrize("migration_type", ["full-load", "full-load-and-cdc"])
@pytest.mark.parametrize(
    ("serverless", "raw_format"), [(False, "parquet"), (False, "csv"), (True, "parquet")]
)
def test_an_hour_comes_to_the_bucket_as_it_comes_to_a_folder(
    account, serverless, migration_type, raw_format
):
    choice = {
        "dms_serverless": serverless,
        "migration_type": migration_type,
        "raw_format": raw_format,
    }
    account.fill(H0, 1, 2)
    there = account.deliver(**choice)
    assert there["coin_quotes"].rows == {H0: 2}
    assert there["coin_quotes"].files == [f"LOAD00000001.{raw_format}"]
    lake = open_lake(account.settings(**choice))
    files = lake.raw_files(raw.COIN_QUOTES)
    rows = lake.raw_rows(raw.COIN_QUOTES, files, ("coin_id", "price", "change_seq"))
    assert [(row["Op"], row["coin_id"], row["price"]) for row in rows.to_pylist()] == [
        ("I", 1, 1.5),
        ("I", 2, 1.5),
    ]
    assert not lake.raw_drift(raw.COIN_QUOTES, files)

    account.fill(H1, 1, 2, 3)
    assert account.deliver(hour=H1, **choice)["coin_quotes"].rows == {H1: 3}


@pytest.mark.parametrize("serverless", KINDS)
def test_a_task_of_changes_only_brings_what_is_written_after_its_first_start(account, serverless):
    choice = {"dms_serverless": serverless, "migration_type": "cdc"}
    task = account.replication(**choice)
    start_before_the_first_row(task, 30)
    account.fill(H0, 1, 2)
    there = account.deliver(task, **choice)
    assert there["coin_quotes"].rows == {H0: 2}
    assert not any("LOAD" in name for name in there["coin_quotes"].files)


@pytest.mark.parametrize("serverless", KINDS)
def test_an_hour_that_is_there_starts_nothing(account, serverless):
    account.fill()
    account.deliver(dms_serverless=serverless)
    account.box.mend()
    account.deliver(dms_serverless=serverless)
    assert all(action.startswith("Describe") for action in account.actions())


def test_describing_what_is_not_there_makes_nothing(account):
    task = account.replication()
    assert task.describe().status == "ready"
    assert task.table_statistics() == []
    assert set(account.actions()) == {"DescribeReplicationTasks"}
    assert not account.dms.tasks


@pytest.mark.parametrize("serverless", KINDS)
def test_everything_that_is_made_is_tagged(account, serverless):
    account.fill()
    account.deliver(dms_serverless=serverless)
    assert len(account.dms.tags) == (4 if serverless else 5)
    for tags in account.dms.tags.values():
        assert tags.items() >= TAGS.items()


def test_the_password_passes_through_nobody_but_dms(account, caplog):
    password = account.password
    caplog.set_level("DEBUG")
    account.fill()
    account.deliver()
    task = account.replication()
    task.stop()
    assert len(password) > 10
    # DMS itself, which reads the secret, is played in other threads.
    ours = [record for record in caplog.records if record.threadName == "MainThread"]
    assert len(ours) > 100
    assert not [record for record in ours if password in record.getMessage()]
    assert password not in str(task.describe())
    dms = account.box.client("dms")
    for action in ("describe_endpoints", "describe_replication_tasks", "describe_connections"):
        assert password not in str(getattr(dms, action)())


def test_the_source_is_reached_over_tls_that_is_verified(rds_account):
    rds_account.fill()
    assert rds_account.deliver()["coin_quotes"].rows == {H0: 2}
    endpoint = rds_account.dms.endpoints["rds-source-postgresql"]
    assert endpoint["SslMode"] == "verify-full"


def test_a_source_with_a_certificate_of_another_authority_is_not_reached(rds_account):
    rds_account.fill()
    with pytest.raises(PermanentError, match=r"rds-source-postgresql: .*certificate verify failed"):
        rds_account.deliver(database_ca=str(BUNDLE))
    assert not rds_account.dms.tasks
    # Another bundle is another certificate, and the endpoint goes over to it.
    assert rds_account.deliver()["coin_quotes"].rows == {H0: 2}
    assert len(rds_account.dms.certificates) == 2


def test_statistics_come_from_all_pages(account):
    account.dms.largest_page = 1
    account.fill()
    account.deliver()
    task = account.replication()
    assert [table.table_name for table in task.table_statistics()] == ["coin_quotes", "coins"]


@pytest.mark.parametrize("serverless", KINDS)
def test_a_stopped_task_says_so_and_goes_on_where_it_was(account, serverless):
    task = account.replication(dms_serverless=serverless)
    account.fill(H0)
    account.deliver(task)
    task.stop()
    assert (task.describe().status, task.describe().stop_reason) == (
        "stopped",
        "Stop Reason NORMAL",
    )
    task.stop()
    account.fill(H1, 7)
    there = account.deliver(task, hour=H1)
    assert there["coin_quotes"].rows == {H1: 1}
    assert not any("LOAD" in name for name in there["coin_quotes"].files)


@pytest.mark.parametrize("serverless", KINDS)
def test_a_reload_replaces_the_files_of_the_load(account, serverless):
    task = account.replication(dms_serverless=serverless)
    account.fill(H0, 1, 2)
    account.deliver(task)
    task.stop()
    account.fill(H0, 1, 2, 3)
    task.start("reload-target")
    wait_until(
        lambda: (
            task.describe().status == "running"
            and task.describe().full_load_progress_percent == 100
        )
    )
    there = account.deliver(task)
    assert there["coin_quotes"].rows == {H0: 3}
    assert there["coin_quotes"].files == ["LOAD00000001.parquet"]


@pytest.mark.parametrize("serverless", KINDS)
@pytest.mark.parametrize("kind", ["resume-processing", "reload-target"])
def test_a_first_start_takes_one_type_only(account, serverless, kind):
    task = account.replication(dms_serverless=serverless)
    with pytest.raises(PermanentError, match=r"InvalidParameterCombinationException.*Start Type"):
        task.start(kind)
    assert task.describe().status == "ready"


@pytest.mark.parametrize("serverless", KINDS)
def test_a_running_task_is_not_started_again(account, serverless):
    task = account.replication(dms_serverless=serverless)
    account.fill()
    account.deliver(task)
    before = account.dms.endpoints.copy()
    with pytest.raises(PermanentError, match="InvalidResourceStateFault"):
        task.start("resume-processing")
    assert account.dms.endpoints == before
    assert task.describe().status == "running"


@pytest.mark.parametrize("role", ROLES)
def test_a_role_that_is_not_set_is_named(account, role):
    with pytest.raises(SettingsError, match=f"COIN_PLATFORM_{role.upper()}"):
        account.replication(**{role: None}).start("start-replication")
    assert not account.dms.tasks


def test_a_database_that_signs_in_by_iam_gives_dms_no_secret(account):
    settings = account.settings(database_auth="iam", database_user="replicator")
    told = payloads.source_endpoint(settings, "arn:cert")["PostgreSQLSettings"]
    assert told["AuthenticationMethod"] == "iam"
    assert told["Username"] == "replicator"
    assert not [name for name in told if "Secret" in name]


def test_the_mappings_take_every_table_of_the_schema_and_add_the_sequence():
    selection, addition = payloads.table_mappings()["rules"]
    assert selection["object-locator"] == {"schema-name": "market", "table-name": "%"}
    assert (addition["value"], addition["expression"]) == ("change_seq", "$AR_H_CHANGE_SEQ")
    assert json.loads(json.dumps(payloads.TASK_SETTINGS)) == payloads.TASK_SETTINGS
