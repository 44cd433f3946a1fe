"""Who may do what: the template's policies in moto's IAM, and every role tried.

The layers of the lake are tried by real calls with the credentials of each role, which moto lets
through or refuses. What moto does not enforce by resource, the rest, is asked of the same engine of
moto's directly. Neither knows buckets' and keys' own policies, nor conditions.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

import boto3
from botocore.exceptions import ClientError
from moto import mock_aws
from moto.core import set_initial_no_auth_action_count
from moto.iam.access_control import IAMPolicy, PermissionResult

from coin_platform_tests.aws.box import PROJECT, REGION
from coin_platform_tests.aws.template import ACCOUNT, USER_ID, Template

LAYERS = ("raw", "processed", "curated", "platform")
AUDIENCES = ("engineers", "data-scientists", "business")
OWN_SESSION = f"session/{USER_ID}-0a1b"
EMRS_OWN = "aws-service-role/elasticmapreduce.amazonaws.com/AWSServiceRoleForEMRCleanup"
OBJECT = "market/coin_quotes/LOAD00000001.parquet"
Statements = Sequence[Mapping[str, Any]]
Matrix = dict[tuple[str, str], bool]  # (role, what) to whether it may

CALLS: dict[str, tuple[str, Callable[[Any, str], object]]] = {
    "list": ("s3:ListBucket", lambda s3, bucket: s3.list_objects_v2(Bucket=bucket)),
    "read": ("s3:GetObject", lambda s3, bucket: s3.get_object(Bucket=bucket, Key=OBJECT)),
    "write": ("s3:PutObject", lambda s3, bucket: s3.put_object(Bucket=bucket, Key=OBJECT)),
    "delete": ("s3:DeleteObject", lambda s3, bucket: s3.delete_object(Bucket=bucket, Key=OBJECT)),
}


def arn(service: str, rest: str) -> str:
    return f"arn:aws:{service}:{REGION}:{ACCOUNT}:{rest}"


def role_arn(name: str) -> str:
    return f"arn:aws:iam::{ACCOUNT}:role/{name}"


def probes(template: Template) -> dict[str, tuple[str, str]]:
    """What else is tried: words to action and resource."""
    keys = {name.removeprefix("Keys")[:-8].lower(): name for name in template.of("KMS::Key")}
    [secret] = (template.resolved({"Ref": name}) for name in template.of("SecretsManager::Secret"))
    found = {}
    for layer in (*LAYERS, "athena"):
        key = arn("kms", f"key/{keys[layer]}")
        found[f"decrypt {layer}"] = ("kms:Decrypt", key)
        found[f"encrypt {layer}"] = ("kms:GenerateDataKey", key)
    for layer in ("processed", "curated"):
        table = arn("glue", f"table/{PROJECT.replace('-', '_')}_{layer}/any")
        found[f"see tables of {layer}"] = ("glue:GetTable", table)
        found[f"define tables of {layer}"] = ("glue:UpdateTable", table)
    results = f"arn:aws:s3:::athena-{PROJECT}"
    found["list answers of queries"] = ("s3:ListBucket", results)
    for audience in AUDIENCES:
        group = arn("athena", f"workgroup/{PROJECT}-{audience}")
        found[f"query as {audience}"] = ("athena:StartQueryExecution", group)
        found[f"read answers to {audience}"] = ("s3:GetObject", f"{results}/{audience}/one.csv")
    found |= {
        "read the database's password": ("secretsmanager:GetSecretValue", secret),
        "report from a step": ("s3:PutObject", f"arn:aws:s3:::platform-{PROJECT}/pipes/1.json"),
        "keep what a step measured": (
            "s3:PutObject",
            f"arn:aws:s3:::platform-{PROJECT}/measured/processed/coins/1/1.json",
        ),
        "change the code of steps": (
            "s3:PutObject",
            f"arn:aws:s3:::platform-{PROJECT}/package/1/coin_platform.zip",
        ),
        "make Glue's database `default`": ("glue:CreateDatabase", arn("glue", "database/default")),
        "make another database in Glue": ("glue:CreateDatabase", arn("glue", "database/any")),
        "see replication tasks": ("dms:DescribeReplicationTasks", "*"),
        "start a replication task": ("dms:StartReplicationTask", arn("dms", "task:ANY")),
        "make a cluster": ("elasticmapreduce:RunJobFlow", "*"),
        "add a step": ("elasticmapreduce:AddJobFlowSteps", arn("elasticmapreduce", "cluster/j-1")),
        "describe tasks of ECS": ("ecs:DescribeTasks", "*"),
        "run a task of ECS": ("ecs:RunTask", arn("ecs", f"task-definition/{PROJECT}:1")),
        "read logs of runs": ("logs:GetLogEvents", arn("logs", f"log-group:/ecs/{PROJECT}:x")),
        "write logs of runs": ("logs:PutLogEvents", arn("logs", f"log-group:/ecs/{PROJECT}:x")),
        "forward a port of Dagster": ("ssm:StartSession", arn("ecs", f"task/{PROJECT}/any")),
        "end one's own session": ("ssm:TerminateSession", arn("ssm", OWN_SESSION)),
        "see costs": ("ce:GetCostAndUsage", "*"),
        "see what is public": ("s3:GetBucketPublicAccessBlock", f"arn:aws:s3:::raw-{PROJECT}"),
        "see roles of services": ("iam:GetRole", role_arn("EMR_DefaultRole_V2")),
        "take a forwarded port": ("ssmmessages:OpenDataChannel", "*"),
        "sign in to the images": ("ecr:GetAuthorizationToken", "*"),
        "pull an image": ("ecr:BatchGetImage", arn("ecr", f"repository/{PROJECT}")),
        "give DMS its role": ("iam:PassRole", role_arn("role-dms-s3-raw")),
        "give EMR's nodes their role": ("iam:PassRole", role_arn("EMR_EC2_DefaultRole")),
        "make EMR's own role": ("iam:CreateServiceLinkedRole", role_arn(EMRS_OWN)),
        "give ECS the platform's role": ("iam:PassRole", role_arn(f"{PROJECT}-platform")),
        "give a role of another": ("iam:PassRole", role_arn("Administrator")),
        "make a user": ("iam:CreateUser", f"arn:aws:iam::{ACCOUNT}:user/any"),
        "change a bucket's policy": ("s3:PutBucketPolicy", f"arn:aws:s3:::raw-{PROJECT}"),
        "delete the database": ("rds:DeleteDBInstance", arn("rds", "db:rds-server")),
        "delete a key": ("kms:ScheduleKeyDeletion", arn("kms", f"key/{keys['raw']}")),
    }
    return found


def asked(roles: Mapping[str, Statements], template: Template) -> Matrix:
    """The whole matrix, by moto's engine alone."""
    on_layers = {
        f"{what} {layer}": (action, resource_of(what, layer))
        for layer in LAYERS
        for what, (action, _) in CALLS.items()
    }
    return {
        (role, what): permitted(statements, action, resource)
        for role, statements in roles.items()
        for what, (action, resource) in {**on_layers, **probes(template)}.items()
    }


def resource_of(what: str, layer: str) -> str:
    bucket = f"arn:aws:s3:::{layer}-{PROJECT}"
    return bucket if what == "list" else f"{bucket}/{OBJECT}"


def permitted(statements: Statements, action: str, resource: str) -> bool:
    """Whether moto's IAM lets a role with these statements do it."""
    policy = IAMPolicy(document(statements))
    return bool(policy.is_action_permitted(action, resource) == PermissionResult.PERMITTED)


def document(statements: Statements) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


@mock_aws
def tried(roles: Mapping[str, Statements]) -> Matrix:
    """The layers alone, by calls that IAM is enforced on."""
    own = {"region_name": REGION, "aws_access_key_id": "own", "aws_secret_access_key": "own"}
    s3, iam, sts = (boto3.client(service, **own) for service in ("s3", "iam", "sts"))
    for layer in LAYERS:
        s3.create_bucket(Bucket=f"{layer}-{PROJECT}")
    sessions = {}
    for role, statements in roles.items():
        made = iam.create_role(RoleName=role, AssumeRolePolicyDocument=document([]))
        if statements:
            iam.put_role_policy(
                RoleName=role, PolicyName="access", PolicyDocument=document(statements)
            )
        answer = sts.assume_role(RoleArn=made["Role"]["Arn"], RoleSessionName="tries")
        keys = answer["Credentials"]
        sessions[role] = boto3.client(
            "s3",
            region_name=REGION,
            aws_access_key_id=keys["AccessKeyId"],
            aws_secret_access_key=keys["SecretAccessKey"],
            aws_session_token=keys["SessionToken"],
        )
    matrix = {}
    for role, session in sessions.items():
        for layer in LAYERS:
            for what, (_, call) in CALLS.items():
                with suppress(ClientError):  # the object is there whatever was tried before
                    s3.put_object(Bucket=f"{layer}-{PROJECT}", Key=OBJECT)
                matrix[role, f"{what} {layer}"] = allowed(call, session, f"{layer}-{PROJECT}")
    return matrix


@set_initial_no_auth_action_count(0)
def allowed(call: Callable[[Any, str], object], session: Any, bucket: str) -> bool:
    """Make a call with IAM enforced; any other failure than a refusal is one of the test."""
    try:
        call(session, bucket)
    except ClientError as error:
        if error.response["Error"]["Code"] != "AccessDenied":
            raise
        return False
    return True
