"""AWS Foundational Security controls on the synthesized template, a test for each that applies.

A test is named after its control; `exceptions.py` says why others are not kept, and
`docs/security.md` lists both.
"""

import json

import pytest

from coin_platform_tests.aws.template import TUTORIAL, Template, synthesized

OPEN = ("0.0.0.0/0", "::/0")


@pytest.fixture(scope="module")
def template() -> Template:
    return synthesized()


def buckets(template, *, but=()):
    found = template.of("S3::Bucket")
    return [one for one in found.values() if not one["BucketName"].startswith(but)]


def statements(template):
    """Every statement of every identity policy."""
    for kind in ("IAM::ManagedPolicy", "IAM::Policy"):
        for properties in template.of(kind).values():
            yield from properties["PolicyDocument"]["Statement"]
    for role in template.of("IAM::Role").values():
        for policy in role.get("Policies", []):
            yield from policy["PolicyDocument"]["Statement"]


def listed(value):
    return value if isinstance(value, list) else [value]


def test_s3_1_and_s3_8_block_public_access(template):
    for bucket in buckets(template):
        assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
        assert len(bucket["PublicAccessBlockConfiguration"]) == 4


@pytest.mark.parametrize("verb", ["Get", "Put", "Delete"])
def test_s3_2_s3_3_and_s3_6_no_bucket_policy_allows_strangers(template, verb):
    for policy in template.of("S3::BucketPolicy").values():
        for statement in policy["PolicyDocument"]["Statement"]:
            if statement["Effect"] == "Allow":
                assert statement["Principal"] == {"Service": "logging.s3.amazonaws.com"}
                assert verb in ("Get", "Delete") or statement["Action"] == "s3:PutObject"


def test_s3_5_requests_use_tls(template):
    refused = {}
    for policy in template.of("S3::BucketPolicy").values():
        for statement in policy["PolicyDocument"]["Statement"]:
            if statement.get("Condition") == {"Bool": {"aws:SecureTransport": "false"}}:
                assert (statement["Effect"], statement["Action"]) == ("Deny", "s3:*")
                refused[policy["Bucket"]] = statement["Resource"]
    assert set(refused) == {bucket["BucketName"] for bucket in buckets(template)}
    for bucket, resources in refused.items():
        assert resources == [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"]


def test_s3_9_access_is_logged(template):
    for bucket in buckets(template, but=("logs-",)):
        assert bucket["LoggingConfiguration"]["DestinationBucketName"].startswith("logs-")


def test_s3_12_no_access_by_lists(template):
    for bucket in buckets(template):
        assert bucket["OwnershipControls"]["Rules"] == [{"ObjectOwnership": "BucketOwnerEnforced"}]
        assert "AccessControl" not in bucket


def test_s3_13_and_s3_10_versions_have_an_end(template):
    for bucket in buckets(template):
        rules = bucket["LifecycleConfiguration"]["Rules"]
        assert any("NoncurrentVersionExpiration" in rule for rule in rules)
        assert any("AbortIncompleteMultipartUpload" in rule for rule in rules)


def test_s3_14_versions_are_kept(template):
    for bucket in buckets(template):
        assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}


def test_s3_17_encrypted_with_keys_of_our_own(template):
    for bucket in buckets(template, but=("logs-",)):
        [rule] = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        assert rule["ServerSideEncryptionByDefault"]["SSEAlgorithm"] == "aws:kms"
        layer = bucket["BucketName"].split("-")[0].capitalize()
        assert f"/Keys{layer}" in rule["ServerSideEncryptionByDefault"]["KMSMasterKeyID"]


def test_kms_4_keys_rotate(template):
    assert template.of("KMS::Key")
    for key in template.of("KMS::Key").values():
        assert key["EnableKeyRotation"] is True


def test_rds_2_no_public_database(template):
    assert template.one("RDS::DBInstance")["PubliclyAccessible"] is False


def test_rds_3_encrypted(template):
    database = template.one("RDS::DBInstance")
    assert database["StorageEncrypted"] is True
    assert "/KeysPlatform" in database["KmsKeyId"]


def test_rds_6_monitored_closely(template):
    assert template.one("RDS::DBInstance")["MonitoringInterval"] == 60


def test_rds_8_protected_from_deletion(template):
    assert template.one("RDS::DBInstance")["DeletionProtection"] is True


def test_rds_9_and_rds_36_logs_go_to_cloudwatch(template):
    logs = template.one("RDS::DBInstance")["EnableCloudwatchLogsExports"]
    assert set(logs) == {"postgresql", "upgrade"}


def test_rds_10_signs_in_by_iam_too(template):
    assert template.one("RDS::DBInstance")["EnableIAMDatabaseAuthentication"] is True


def test_rds_11_backed_up_for_a_week(template):
    assert template.one("RDS::DBInstance")["BackupRetentionPeriod"] >= 7


def test_rds_13_minor_versions_by_itself(template):
    assert template.one("RDS::DBInstance")["AutoMinorVersionUpgrade"] is True


def test_rds_17_snapshots_keep_tags(template):
    assert template.one("RDS::DBInstance")["CopyTagsToSnapshot"] is True


@pytest.mark.parametrize(
    ("source", "events"),
    [
        ("db-instance", {"maintenance", "configuration change", "failure"}),
        ("db-parameter-group", {"configuration change"}),
        ("db-security-group", {"configuration change", "failure"}),
    ],
)
def test_rds_20_rds_21_and_rds_22_events_are_reported(template, source, events):
    found = {one["SourceType"]: one for one in template.of("RDS::EventSubscription").values()}
    assert events <= set(found[source]["EventCategories"])


def test_rds_38_tls_only(template):
    parameters = template.one("RDS::DBParameterGroup")["Parameters"]
    assert parameters["rds.force_ssl"] == "1"


def test_rds_46_not_in_a_subnet_that_reaches_the_internet(template):
    public = {
        route["RouteTableId"]
        for route in template.of("EC2::Route").values()
        if "GatewayId" in route or "NatGatewayId" in route
    }
    tables = {
        one["SubnetId"]: one["RouteTableId"]
        for one in template.of("EC2::SubnetRouteTableAssociation").values()
    }
    subnets = template.one("RDS::DBSubnetGroup")["SubnetIds"]
    assert len(subnets) == 2
    assert not {tables[subnet] for subnet in subnets} & public


def test_dms_1_no_public_instance(template):
    assert template.one("DMS::ReplicationInstance")["PubliclyAccessible"] is False


def test_dms_6_minor_versions_by_itself(template):
    assert template.one("DMS::ReplicationInstance")["AutoMinorVersionUpgrade"] is True


def test_dms_7_and_dms_8_the_task_logs_source_and_target(template):
    settings = json.loads(template.one("DMS::ReplicationTask")["ReplicationTaskSettings"])
    assert settings["Logging"]["EnableLogging"] is True


def test_dms_9_the_database_is_reached_over_tls(template):
    [source] = [
        one for one in template.of("DMS::Endpoint").values() if one["EndpointType"] == "source"
    ]
    assert source["SslMode"] != "none"


def test_emr_1_nodes_have_no_public_addresses(template):
    subnet = template.content["Outputs"]["EmrSubnet"]["Value"]["Ref"]
    assert template.of("EC2::Subnet")[subnet]["MapPublicIpOnLaunch"] is False


def test_iam_1_and_iam_21_no_statement_allows_everything_of_anything(template):
    for statement in statements(template):
        for action in listed(statement["Action"]):
            assert "*" not in action, statement


def test_iam_1_what_allows_all_resources_only_looks_or_has_none(template):
    """Those whose actions know no resource; `SteerCluster` and the like name theirs."""
    names = {s.get("Sid") for s in statements(template) if "*" in listed(s["Resource"])}
    assert names == {
        "DescribeTasks",
        "FindOrMakeCluster",
        "FindTasks",
        "SeeCosts",
        "SeeDms",
        "SignInToImages",
        "TalkToSessionManager",
    }


def test_iam_2_no_policy_is_of_a_user():
    template = synthesized(**TUTORIAL)
    user = template.one("IAM::User")
    assert set(user) == {"UserName", "Groups", "Tags"}
    assert template.one("IAM::Group")["GroupName"] == "Administrators"


def test_iam_3_and_iam_5_no_user_has_a_key_or_password():
    template = synthesized(**TUTORIAL)
    assert not template.of("IAM::AccessKey")
    assert "LoginProfile" not in template.one("IAM::User")


def test_secretsmanager_1_and_4_the_password_changes_by_itself(template):
    rotation = template.one("SecretsManager::RotationSchedule")
    assert rotation["RotationRules"]["ScheduleExpression"] == "rate(30 days)"
    assert rotation["HostedRotationLambda"]["RotationType"] == "PostgreSQLSingleUser"


def test_ec2_6_flows_are_logged(template):
    assert template.one("EC2::FlowLog")["ResourceType"] == "VPC"


def test_ec2_13_and_ec2_14_no_port_is_open_to_everybody(template):
    rules = list(template.of("EC2::SecurityGroupIngress").values())
    for group in template.of("EC2::SecurityGroup").values():
        rules += group.get("SecurityGroupIngress", [])
    assert rules
    assert not [rule for rule in rules if {rule.get("CidrIp"), rule.get("CidrIpv6")} & set(OPEN)]


def test_ec2_15_subnets_give_no_public_addresses(template):
    for subnet in template.of("EC2::Subnet").values():
        assert subnet["MapPublicIpOnLaunch"] is False


def test_ecs_2_services_have_no_public_addresses(template):
    network = template.one("ECS::Service")["NetworkConfiguration"]["AwsvpcConfiguration"]
    assert network["AssignPublicIp"] == "DISABLED"


def containers(template):
    return template.one("ECS::TaskDefinition")["ContainerDefinitions"]


def test_ecs_4_and_ecs_5_containers_are_plain_and_read_only(template):
    for container in containers(template):
        assert container["ReadonlyRootFilesystem"] is True
        assert "Privileged" not in container


def test_ecs_8_no_secret_is_in_an_environment(template):
    for container in containers(template):
        for variable in container["Environment"]:
            assert not {"PASSWORD", "KEY", "TOKEN"} & set(variable["Name"].split("_"))


def test_ecs_9_containers_log(template):
    for container in containers(template):
        assert container["LogConfiguration"]["LogDriver"] == "awslogs"


def test_ecs_12_the_cluster_is_watched(template):
    settings = template.one("ECS::Cluster")["ClusterSettings"]
    assert settings == [{"Name": "containerInsights", "Value": "enabled"}]


def test_ecr_1_ecr_2_and_ecr_3_images_are_scanned_fixed_and_few(template):
    repository = template.one("ECR::Repository")
    assert repository["ImageScanningConfiguration"] == {"ScanOnPush": True}
    assert repository["ImageTagMutability"] == "IMMUTABLE"
    assert "LifecyclePolicy" in repository


def test_sns_1_the_topic_is_encrypted(template):
    assert "/KeysPlatform" in template.one("SNS::Topic")["KmsMasterKeyId"]


def test_cloudwatch_16_logs_are_kept_for_a_time(template):
    for group in template.of("Logs::LogGroup").values():
        assert group["RetentionInDays"] == 90
        assert "/KeysPlatform" in group["KmsKeyId"]


def test_athena_4_workgroups_measure_and_limit(template):
    for group in template.of("Athena::WorkGroup").values():
        configuration = group["WorkGroupConfiguration"]
        assert configuration["PublishCloudWatchMetricsEnabled"] is True
        assert configuration["EnforceWorkGroupConfiguration"] is True
        assert configuration["BytesScannedCutoffPerQuery"] == 10 * 1024**3


def test_everything_that_takes_tags_has_them(template):
    wanted = {"Projeto", "Team", "CentroCusto", "Application"}
    for kind in ("S3::Bucket", "RDS::DBInstance", "DMS::ReplicationInstance", "DMS::Endpoint",
                 "DMS::ReplicationTask", "ECS::Service", "IAM::Role", "KMS::Key"):  # fmt: skip
        for properties in template.of(kind).values():
            assert wanted <= {tag["Key"] for tag in properties["Tags"]}, kind
