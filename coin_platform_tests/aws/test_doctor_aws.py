"""`coin-platform doctor` on AWS: each part is looked at, and what fails says what to do."""

import json

import pytest
from click.testing import CliRunner

from coin_platform import rds_storage
from coin_platform.cli import doctor, doctor_aws
from coin_platform.settings import environment
from coin_platform_tests.aws.box import PROJECT
from coin_platform_tests.aws.conftest import SECRET
from coin_platform_tests.aws.dms_double import DmsDouble
from coin_platform_tests.aws.dms_support import ROLES
from coin_platform_tests.aws.emr_double import EmrDouble

LAYERS = ("raw", "processed", "curated", "platform")


def trusting(service):
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


@pytest.fixture
def account(box, rds, on_rds, tmp_path, monkeypatch):
    """An account as the stack makes it; gives the command."""
    secret = {"username": rds.user, "password": rds.password, "host": rds.host, "port": rds.port}
    box.client("secretsmanager").put_secret_value(SecretId=SECRET, SecretString=json.dumps(secret))
    for layer in LAYERS:
        box.client("s3").put_public_access_block(
            Bucket=f"{layer}-{PROJECT}",
            PublicAccessBlockConfiguration=dict.fromkeys(doctor_aws.BLOCKS, True),
        )
    iam = box.client("iam")
    services = {
        "EMR_DefaultRole_V2": "elasticmapreduce.amazonaws.com",
        "role-dms-s3-raw": "dms.amazonaws.com",
        "role-dms-secret": "dms.us-east-1.amazonaws.com",
    }
    for name, service in services.items():
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=trusting(service))
    iam.create_instance_profile(InstanceProfileName="EMR_EC2_DefaultRole")
    box.serve(DmsDouble(box.client, tmp_path / "dms", tls=True), EmrDouble(box))
    for name, value in environment(on_rds(source="simulated", **ROLES)).items():
        monkeypatch.setenv(name, value)
    rds_storage.endpoint.cache_clear()
    yield box
    rds_storage.endpoint.cache_clear()


def parts():
    """Mark and text of each part, and the exit code."""
    ran = CliRunner().invoke(doctor.command, standalone_mode=False)
    lines = [line.split(maxsplit=2) for line in ran.output.splitlines()]
    return {name: (mark, text) for mark, name, text in lines}, ran.return_value, ran.output


def test_an_account_that_is_whole_is_well_and_nothing_secret_is_printed(account, rds):
    found, code, output = parts()
    assert {mark for mark, _ in found.values()} == {"ok"}, output
    assert code == 0
    assert set(found) == {
        *doctor_aws.CHECKS, *doctor.OUTSIDE, "home", *doctor.IN_THE_HOME,
    } - {"disk"}  # fmt: skip
    assert found["tls"][1].startswith("TLSv1.")
    assert rds.password not in output
    assert "123456789012" not in output
    assert not account.client("s3").list_objects_v2(Bucket=f"platform-{PROJECT}").get("Contents")


def remove_bucket(account):
    account.client("s3").delete_bucket(Bucket=f"curated-{PROJECT}")


def open_bucket(account):
    account.client("s3").delete_public_access_block(Bucket=f"raw-{PROJECT}")


def remove_secret(account):
    account.client("secretsmanager").delete_secret(SecretId=SECRET, ForceDeleteWithoutRecovery=True)


def trust_another(account):
    account.client("iam").update_assume_role_policy(
        RoleName="role-dms-s3-raw", PolicyDocument=trusting("ec2.amazonaws.com")
    )


def remove_role(account):
    account.client("iam").delete_role(RoleName="EMR_DefaultRole_V2")


def deny_catalog(account):
    account.fail("glue", 9, code="AccessDeniedException", message="not authorized")


@pytest.mark.parametrize(
    ("spoil", "part", "words"),
    [
        (remove_bucket, "bucket-curated", "infra deploy"),
        (open_bucket, "bucket-raw", "put-public-access-block"),
        (remove_secret, "secrets", "ResourceNotFoundException"),
        (trust_another, "roles", "role-dms-s3-raw does not trust dms."),
        (remove_role, "roles", "there is no role EMR_DefaultRole_V2"),
        (deny_catalog, "catalog", "may not do GetDatabase"),
    ],
)
def test_what_is_wrong_is_named_with_what_to_do(account, spoil, part, words):
    spoil(account)
    found, code, output = parts()
    assert code == 1
    mark, text = found[part]
    assert mark == "FAIL", output
    assert words in text
