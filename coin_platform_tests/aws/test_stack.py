"""The stack: the tutorial's names, what options change, and outputs that are settings."""

import json
import re
import subprocess
import sysconfig
from pathlib import Path

import pytest

from coin_platform.errors import SettingsError
from coin_platform.infrastructure.outputs import CHOSEN, NOT_OF_THE_STACK, output_name, setting_of
from coin_platform.infrastructure.replication import CHANGED_BY_THE_STACK
from coin_platform.resources.replication.dms import payloads
from coin_platform.settings import Settings, environment, load
from coin_platform.settings_aws import AwsSettings
from coin_platform_tests.aws.box import PROJECT
from coin_platform_tests.aws.template import (
    REMOVABLE,
    TUTORIAL,
    Template,
    chosen,
    made,
    serverless,
    synthesized,
)

LINT = Path(sysconfig.get_path("scripts")) / "cfn-lint"


@pytest.fixture(scope="module")
def template() -> Template:
    return synthesized()


def test_the_database_is_the_tutorials(template):
    database = template.one("RDS::DBInstance")
    assert database["DBInstanceIdentifier"] == "rds-server"
    assert database["DBName"] == "coins"
    assert database["Engine"] == "postgres"
    secret = template.one("SecretsManager::Secret")
    generated = secret["GenerateSecretString"]
    assert json.loads(generated["SecretStringTemplate"]) == {"username": "postgres"}
    assert generated["GenerateStringKey"] == "password"
    parameters = template.one("RDS::DBParameterGroup")["Parameters"]
    assert parameters["rds.logical_replication"] == "1"


def test_the_buckets_are_the_tutorials_with_their_tags(template):
    buckets = {one["BucketName"]: one["Tags"] for one in template.of("S3::Bucket").values()}
    for layer in ("raw", "processed", "curated"):
        tags = {tag["Key"]: tag["Value"] for tag in buckets[f"{layer}-{PROJECT}"]}
        assert tags["Projeto"] == PROJECT
        assert tags["CentroCusto"] == "coin-platform"


def test_roles_policy_and_replication_are_the_tutorials(template):
    names = {one.get("RoleName") for one in template.of("IAM::Role").values()}
    assert {"role-dms-s3-raw", "EMR_DefaultRole_V2", "EMR_EC2_DefaultRole"} <= names
    assert template.one("IAM::ManagedPolicy")["ManagedPolicyName"] == "policy-s3-access"
    instance = template.one("DMS::ReplicationInstance")
    assert (instance["ReplicationInstanceIdentifier"], instance["MultiAZ"]) == (
        "dms-instance",
        False,
    )
    ends = {one["EndpointIdentifier"] for one in template.of("DMS::Endpoint").values()}
    assert ends == {"rds-source-postgresql", "s3-target-datalake"}
    assert template.one("DMS::ReplicationTask")["ReplicationTaskIdentifier"] == "task-01"


def test_dms_is_made_as_the_platform_itself_would_make_it(template):
    """Or the platform would change it at its first start, or refuse it."""
    options = chosen()
    settings = options.platform.model_copy(
        update={"database_secret": "s", "dms_role_arn": "r", "dms_secret_role_arn": "q"}
    )
    made_by = {one["EndpointIdentifier"]: one for one in template.of("DMS::Endpoint").values()}
    target = made_by[settings.dms_target_endpoint]["S3Settings"]
    for name, value in payloads.target_endpoint(settings)["S3Settings"].items():
        if name not in CHANGED_BY_THE_STACK and name != "ServiceAccessRoleArn":
            assert target[name] == value, name
    source = made_by[settings.dms_source_endpoint]
    wanted = payloads.source_endpoint(settings, "")["PostgreSQLSettings"]
    assert source["DatabaseName"] == wanted.pop("DatabaseName")
    for name, value in wanted.items():
        if not name.startswith("SecretsManager"):
            assert source["PostgreSqlSettings"][name] == value, name
    task = template.one("DMS::ReplicationTask")
    for name, value in payloads.task(settings, "", "", "").items():
        if not name.endswith("Arn") and name != "Tags":
            assert task[name] == value, name


def test_dms_writes_to_raw_with_raws_key(template):
    [target] = [
        one["S3Settings"] for one in template.of("DMS::Endpoint").values() if "S3Settings" in one
    ]
    assert target["EncryptionMode"] == "sse-kms"
    assert "/KeysRaw" in target["ServerSideEncryptionKmsKeyId"]
    assert target["ServiceAccessRoleArn"].endswith("role/role-dms-s3-raw")


def test_every_output_is_a_setting_and_has_its_name(template):
    outputs = template.content["Outputs"]
    assert outputs
    for name in outputs:
        assert setting_of(name) in Settings.model_fields, name
        assert output_name(setting_of(name)) == name


def test_every_setting_of_aws_without_a_default_is_an_output_or_the_operators():
    told = {setting_of(name) for name in serverless().content["Outputs"]}
    needed = {name for name, field in AwsSettings.model_fields.items() if field.default is None}
    assert needed - told - set(CHOSEN) == set(NOT_OF_THE_STACK) & needed


def test_every_setting_of_aws_reaches_the_services_or_has_a_reason_not_to():
    decided = {setting_of(name) for name in serverless().content["Outputs"]}
    assert set(AwsSettings.model_fields) <= decided | set(CHOSEN) | set(NOT_OF_THE_STACK)
    assert not decided & set(NOT_OF_THE_STACK)


def test_what_an_operator_chose_is_told_and_read_as_it_was_chosen(monkeypatch, tmp_path):
    picked = {
        "start": "2026-03-01T00:00:00Z",
        "emr_task": "m7g.xlarge:2",
        "emr_idle_minutes": 15,
        "emr_termination_protection": True,
        "redshift_workgroup": "coins",
        "monthly_budget_usd": 90.5,
    }
    template = made(chosen(**picked))
    told = {name: output["Value"] for name, output in template.content["Outputs"].items()}
    monkeypatch.chdir(tmp_path)
    read = load(**{name: told[output_name(name)] for name in picked})
    assert environment(read) == environment(load(**picked))


def test_the_services_have_the_outputs_as_their_settings(template):
    [first, *_] = template.one("ECS::TaskDefinition")["ContainerDefinitions"]
    given = {one["Name"] for one in first["Environment"]}
    for name in template.content["Outputs"]:
        assert f"COIN_PLATFORM_{setting_of(name).upper()}" in given


def test_the_template_names_no_account_region_or_machine(template):
    text = json.dumps(template.content)
    assert not re.search(r"\b\d{12}\b", text)
    assert "us-east-1" not in text
    assert str(Path.home()) not in text


def test_nothing_is_bundled_and_no_function_is_ours(template):
    kinds = {resource["Type"] for resource in template.resources.values()}
    assert not {kind for kind in kinds if "Lambda" in kind or "Custom" in kind}


def test_port_5432_is_open_to_the_given_address_alone():
    template = synthesized(**TUTORIAL)
    [group] = [g for g in template.of("EC2::SecurityGroup").values() if "SecurityGroupIngress" in g]
    [rule] = group["SecurityGroupIngress"]
    assert (rule["CidrIp"], rule["FromPort"], rule["ToPort"]) == (
        TUTORIAL["allowed_cidr"],
        5432,
        5432,
    )


def test_the_tutorials_profile_opens_what_it_says_and_saves_the_nat_gateway():
    template = synthesized(**TUTORIAL)
    assert template.one("RDS::DBInstance")["PubliclyAccessible"] is True
    assert template.one("DMS::ReplicationInstance")["PubliclyAccessible"] is True
    assert not template.of("EC2::NatGateway")
    assert not template.of("SecretsManager::RotationSchedule")


def test_what_is_removable_can_be_removed_and_nothing_else(template):
    kept = {"S3::Bucket": "Retain", "KMS::Key": "Retain", "RDS::DBInstance": "Snapshot"}
    removable = synthesized(**REMOVABLE)
    for kind, policy in kept.items():
        for found, wanted in ((template, policy), (removable, "Delete")):
            for one in found.resources.values():
                if one["Type"] == f"AWS::{kind}":
                    assert one["DeletionPolicy"] == wanted
    assert removable.one("RDS::DBInstance")["DeletionProtection"] is False


def test_without_an_image_nothing_waits_for_one(template):
    assert template.one("ECS::Service")["DesiredCount"] == 0
    pushed = synthesized(**REMOVABLE)
    assert pushed.one("ECS::Service")["DesiredCount"] == 1
    for container in pushed.one("ECS::TaskDefinition")["ContainerDefinitions"]:
        assert container["Image"].endswith(":0a1b2c3")


def test_serverless_needs_no_instance_and_no_task():
    template = serverless()
    assert not template.of("DMS::ReplicationInstance")
    assert not template.of("DMS::ReplicationTask")
    assert template.one("EMRServerless::Application")["Type"] == "SPARK"
    dms = [one for role in template.roles().values() for one in role if one["Sid"] == "SteerDms"]
    assert "dms:StartReplication" in dms[0]["Action"]


@pytest.mark.parametrize(
    ("account", "words"),
    [
        ({"allowed_cidr": "203.0.0.0/16"}, r"ALLOWED_CIDR.*65,536 addresses.*ALLOW_WIDE_CIDR=true"),
        ({"allowed_cidr": "203.0.113.7/24"}, "ALLOWED_CIDR.*host bits set"),
        ({"allowed_cidr": "everywhere"}, "ALLOWED_CIDR"),
        ({"public_database": True}, "a public database needs COIN_PLATFORM_INFRA_ALLOWED_CIDR"),
        ({"profile": "tutorial"}, "a public database needs COIN_PLATFORM_INFRA_ALLOWED_CIDR"),
        ({"administrator": "root"}, "never root"),
        ({"image_tag": "latest"}, "tags are never moved"),
        ({"backup_days": 1}, "BACKUP_DAYS"),
        ({"alert_email": "nobody"}, "ALERT_EMAIL"),
    ],
)
def test_what_is_wrong_is_refused_with_the_settings_name(account, words):
    with pytest.raises(SettingsError, match=words):
        chosen(account)


def test_a_wide_range_can_be_forced():
    options = chosen({"allowed_cidr": "203.0.0.0/16", "allow_wide_cidr": True})
    assert options.account.allowed_cidr.prefixlen == 16


def test_without_a_project_nothing_is_named():
    with pytest.raises(SettingsError, match="COIN_PLATFORM_PROJECT is not set"):
        chosen(None, project=None)


@pytest.mark.parametrize("account", [{}, TUTORIAL])
def test_cfn_lint_finds_nothing(account, tmp_path):
    path = tmp_path / "stack.template.json"
    path.write_text(json.dumps(synthesized(**account).content))
    linted = subprocess.run([LINT, path], capture_output=True, text=True, check=False)
    assert (linted.stdout, linted.returncode) == ("", 0)
