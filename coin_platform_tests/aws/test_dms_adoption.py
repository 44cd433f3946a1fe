"""What is in DMS already: adopted, changed where DMS lets us, refused where it does not."""

import json
import threading
from datetime import UTC, datetime

import pytest

from coin_platform.delivery import start_before_the_first_row
from coin_platform.errors import PermanentError
from coin_platform.resources.database.trust import BUNDLE
from coin_platform.resources.replication.dms import answers, payloads
from coin_platform.resources.replication.interface import Task
from coin_platform_tests.aws.dms_support import (
    TAGS,
    CutOff,
    account,
    source,
)
from coin_platform_tests.integration.market_frames import H0, H1

__all__ = ["account", "source"]

KINDS = [False, True]
CHANGES = {"ModifyEndpoint", "ModifyReplicationTask", "ModifyReplicationConfig", "TestConnection"}


@pytest.mark.parametrize("serverless", KINDS)
def test_a_start_that_finds_everything_as_it_should_be_changes_nothing(account, serverless):
    task = account.replication(dms_serverless=serverless)
    account.fill()
    account.deliver(task)
    task.stop()
    account.box.mend()
    task.start("resume-processing")
    assert not CHANGES & set(account.actions())
    assert not [action for action in account.actions() if action.startswith("Create")]


def test_endpoints_made_by_somebody_else_are_changed_to_what_raw_needs_and_tagged(account):
    console = account.box.client("dms")
    made = console.create_endpoint(
        EndpointIdentifier="s3-target-datalake",
        EndpointType="target",
        EngineName="s3",
        S3Settings={
            "BucketName": "somewhere-else",
            "ServiceAccessRoleArn": "arn:aws:iam::123456789012:role/other",
            "DataFormat": "csv",
        },
    )["Endpoint"]
    account.fill()
    there = account.deliver()
    assert there["coin_quotes"].files == ["LOAD00000001.parquet"]
    told = account.dms.endpoints["s3-target-datalake"]["S3Settings"]
    assert told["BucketName"] == account.settings().bucket("raw")
    assert told["TimestampColumnName"] == "commit_timestamp"
    assert account.dms.tags[made["EndpointArn"]].items() >= TAGS.items()


def test_what_a_stack_has_made_as_ours_is_only_tagged(account):
    """Encrypted with its own key, and with the database where CloudFormation has it."""
    settings = account.settings()
    console = account.box.client("dms")
    pem = BUNDLE.read_text()
    certificate = console.import_certificate(
        CertificateIdentifier=payloads.certificate_name(pem), CertificatePem=pem
    )["Certificate"]
    source = payloads.source_endpoint(settings, certificate["CertificateArn"])
    source["DatabaseName"] = source["PostgreSQLSettings"].pop("DatabaseName")
    target = payloads.target_endpoint(settings)
    target["S3Settings"] |= {"EncryptionMode": "sse-kms", "ServerSideEncryptionKmsKeyId": "arn:key"}
    for endpoint in (source, target):
        console.create_endpoint(**endpoint)
    account.box.mend()
    account.replication().start("start-replication")
    assert "ModifyEndpoint" not in account.actions()
    assert "ImportCertificate" not in account.actions()
    told = account.dms.endpoints["s3-target-datalake"]["S3Settings"]
    assert told["EncryptionMode"] == "sse-kms"


def test_an_endpoint_of_another_kind_is_refused_by_name(account):
    account.box.client("dms").create_endpoint(
        EndpointIdentifier="rds-source-postgresql",
        EndpointType="source",
        EngineName="mysql",
        ServerName="db",
    )
    with pytest.raises(PermanentError, match=r"rds-source-postgresql.*EngineName is mysql"):
        account.replication().start("start-replication")
    assert account.dms.endpoints["rds-source-postgresql"]["EngineName"] == "mysql"


def test_a_target_that_writes_below_a_folder_is_refused(account):
    account.box.client("dms").create_endpoint(
        EndpointIdentifier="s3-target-datalake",
        EndpointType="target",
        EngineName="s3",
        S3Settings={
            "BucketName": account.settings().bucket("raw"),
            "ServiceAccessRoleArn": "arn:aws:iam::123456789012:role/other",
            "BucketFolder": "dms",
        },
    )
    with pytest.raises(PermanentError, match="BucketFolder is dms"):
        account.replication().start("start-replication")


def test_a_task_between_other_endpoints_is_refused_and_left_alone(account):
    account.fill()
    account.deliver()
    account.replication().stop()
    other = account.replication(dms_target_endpoint="another-target")
    with pytest.raises(PermanentError, match=r"TargetEndpointArn is .*COIN_PLATFORM_DMS_TASK"):
        other.start("resume-processing")
    assert account.replication().describe().status == "stopped"


@pytest.mark.parametrize("serverless", KINDS)
def test_a_task_made_by_somebody_else_gets_our_mappings_and_settings(account, serverless):
    # All but the task as ours: an earlier start made it.
    first = account.replication(dms_serverless=serverless, dms_task="first")
    first.start("start-replication")
    first.stop()
    entries = account.dms.configs if serverless else account.dms.tasks
    _, record = entries["first"]
    ends = {key: record[key] for key in ("SourceEndpointArn", "TargetEndpointArn")}
    rules = {"rules": payloads.table_mappings()["rules"][:1]}
    console = account.box.client("dms")
    if serverless:
        console.create_replication_config(
            ReplicationConfigIdentifier="task-01",
            ReplicationType="cdc",
            TableMappings=json.dumps(rules),
            ComputeConfig={"MaxCapacityUnits": 16},
            **ends,
        )
    else:
        console.create_replication_task(
            ReplicationTaskIdentifier="task-01",
            MigrationType="cdc",
            TableMappings=json.dumps(rules),
            ReplicationInstanceArn=record["ReplicationInstanceArn"],
            **ends,
        )
    account.fill()
    assert account.deliver(dms_serverless=serverless)["coin_quotes"].rows == {H0: 2}
    _, changed = entries["task-01"]
    assert json.loads(changed["TableMappings"]) == payloads.table_mappings()
    settings = changed["ReplicationSettings" if serverless else "ReplicationTaskSettings"]
    assert json.loads(settings) == payloads.TASK_SETTINGS


@pytest.mark.parametrize(
    ("serverless", "former", "wanted", "load_anew"),
    [
        (False, "full-load", "full-load-and-cdc", True),
        (False, "full-load-and-cdc", "full-load", True),
        (False, "cdc", "full-load-and-cdc", True),
        (False, "full-load-and-cdc", "cdc", False),
        (True, "full-load", "full-load-and-cdc", True),
    ],
)
def test_another_migration_type_loads_anew_unless_changes_can_go_on(
    account, serverless, former, wanted, load_anew
):
    one = {"dms_serverless": serverless, "migration_type": former}
    first = account.replication(**one)
    start_before_the_first_row(first, 30)
    account.fill(H0)
    account.deliver(first, **one)
    first.stop()
    account.fill(H1, 9)
    other = {"dms_serverless": serverless, "migration_type": wanted}
    there = account.deliver(hour=H1, **other)
    assert there["coin_quotes"].rows == {H1: 1}
    assert any("LOAD" in name for name in there["coin_quotes"].files) is load_anew
    assert account.replication(**other).describe().migration_type == wanted


def test_a_full_load_cannot_go_on_as_changes_only_however_often_that_is_tried(account):
    account.fill()
    account.deliver(migration_type="full-load")
    for _ in range(2):
        with pytest.raises(PermanentError, match=r"ran as full-load.*COIN_PLATFORM_DMS_TASK"):
            account.replication(migration_type="cdc").start("resume-processing")
    assert account.dms.tasks["task-01"][1]["MigrationType"] == "full-load"


def test_a_change_of_type_that_was_cut_off_still_loads_anew(account):
    account.fill(H0)
    account.deliver(migration_type="full-load")
    task = account.replication(
        wrapped=lambda client: CutOff(client, "modify_replication_task", KeyboardInterrupt)
    )
    with pytest.raises(KeyboardInterrupt):
        task.start("resume-processing")
    account.fill(H1, 9)
    there = account.deliver(hour=H1)
    assert there["coin_quotes"].files == ["LOAD00000001.parquet"]


@pytest.mark.parametrize("serverless", KINDS)
def test_a_task_that_has_delivered_does_not_go_on_in_another_bucket(account, serverless):
    account.fill()
    account.deliver(dms_serverless=serverless)
    account.replication(dms_serverless=serverless).stop()
    moved = account.replication(dms_serverless=serverless, project="somewhere-else")
    with pytest.raises(PermanentError, match="BucketName is raw-coins-in-a-box, not raw-somewhere"):
        moved.start("resume-processing")
    told = account.dms.endpoints["s3-target-datalake"]["S3Settings"]
    assert told["BucketName"] == account.settings().bucket("raw")


def test_an_instance_that_cannot_be_used_is_named(account):
    account.fill()
    task = account.replication()
    task.start("start-replication")
    task.stop()
    account.dms.break_instance("dms-instance", "storage-full")
    with pytest.raises(PermanentError, match=r"dms-instance is storage-full.*DMS_INSTANCE"):
        task.start("resume-processing")


STEPS = {
    False: (
        "import_certificate", "create_endpoint", "create_replication_instance", "test_connection",
        "describe_connections", "create_replication_task", "start_replication_task",
    ),
    True: ("create_endpoint", "create_replication_config", "start_replication"),
}  # fmt: skip


@pytest.mark.parametrize(
    ("serverless", "action"),
    [(kind, action) for kind, actions in STEPS.items() for action in actions],
)
def test_a_start_that_is_cut_off_anywhere_is_taken_up_by_the_next(account, serverless, action):
    account.fill()
    task = account.replication(
        wrapped=lambda client: CutOff(client, action, KeyboardInterrupt),
        dms_serverless=serverless,
    )
    with pytest.raises(KeyboardInterrupt):
        task.start("start-replication")
    assert account.deliver(dms_serverless=serverless)["coin_quotes"].rows == {H0: 2}
    made = account.dms
    assert len(made.endpoints) == 2
    assert len(made.certificates) == 1
    assert len(made.records()) == 1
    assert len(made.instances) == (0 if serverless else 1)


def test_two_that_start_at_the_same_moment_make_one_task(account):
    account.fill()
    came = []

    def run():
        came.append(account.deliver()["coin_quotes"].rows)

    runs = [threading.Thread(target=run) for _ in range(3)]
    for each in runs:
        each.start()
    for each in runs:
        each.join()
    assert came == [{H0: 2}] * 3
    assert len(account.dms.tasks) == len(account.dms.instances) == 1


AT = datetime(2026, 5, 1, tzinfo=UTC)


def test_what_dms_writes_in_its_own_way_is_no_difference(account):
    wanted = payloads.target_endpoint(account.settings())
    there = json.loads(json.dumps(wanted))
    there["S3Settings"] |= {"EncryptionMode": "SSE_S3", "ParquetVersion": "PARQUET_1_0"}
    there["S3Settings"] |= {"CompressionType": "GZIP", "MaxFileSize": 1048576}
    assert answers.differences(wanted, there) == []
    source = payloads.source_endpoint(account.settings(), "arn:cert")
    arn = "arn:aws:secretsmanager:us-east-1:123456789012:secret:coins/database-AbCdEf"
    told = source["PostgreSQLSettings"] | {"SecretsManagerSecretId": arn}
    assert answers.differences(source, source | {"PostgreSQLSettings": told}) == []
    task = payloads.task(account.settings(), "s", "t", "i")
    defaults = payloads.TASK_SETTINGS | {"StreamBufferSettings": {"StreamBufferCount": 3}}
    assert answers.differences(task, task | {"ReplicationTaskSettings": json.dumps(defaults)}) == []


def test_each_difference_says_what_is_there_and_what_should_be():
    wanted = {"S3Settings": {"DataFormat": "parquet", "AddColumnName": True}}
    there = {"S3Settings": {"DataFormat": "csv"}}
    assert answers.differences(wanted, there) == [
        "DataFormat is csv, not parquet",
        "AddColumnName is None, not True",
    ]


@pytest.mark.parametrize("status", ["stopped", "failed"])
@pytest.mark.parametrize("loaded", [True, False])
def test_a_load_that_was_cut_off_is_loaded_anew(status, loaded):
    there = answers.Found("arn", Task("task-01", status, "full-load-and-cdc"), loaded)
    needed = answers.start_needed(there, "full-load-and-cdc", "resume-processing")
    assert needed == ("resume-processing" if loaded else "reload-target")
