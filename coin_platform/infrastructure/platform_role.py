"""The role of the platform itself: what Dagster's services and runs do in the account."""

from collections.abc import Iterator

from aws_cdk import aws_iam as iam
from aws_cdk import aws_secretsmanager as secrets
from constructs import Construct

from coin_platform.infrastructure.access import Access, allow, policy
from coin_platform.infrastructure.cluster import Cluster
from coin_platform.infrastructure.database import Database
from coin_platform.infrastructure.keys import LAYERS, PLATFORM
from coin_platform.infrastructure.options import Options
from coin_platform.infrastructure.replication import Replication

EMR = "elasticmapreduce.amazonaws.com"
READ_SECRET = ("secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue")


def platform_role(  # noqa: PLR0913  what the platform works with
    scope: Construct,
    access: Access,
    database: Database,
    replication: Replication,
    cluster: Cluster,
    api_key: secrets.CfnSecret | None,
    options: Options,
) -> iam.Role:
    """Reads raw, keeps processed and curated, steers DMS and EMR; writes nothing to raw."""
    raw, *tables = LAYERS
    return iam.Role(
        scope,
        "PlatformRole",
        role_name=f"{options.project}-platform",
        description="Dagster's services and runs",
        assumed_by=iam.ServicePrincipal("ecs-tasks.amazonaws.com"),
        inline_policies=policy(
            access.reads(raw),
            *(access.writes(layer) for layer in (*tables, PLATFORM)),
            access.catalog(*tables, writes=True),
            allow(
                "ReadSecrets",
                READ_SECRET,
                [database.secret.secret_arn, *([api_key.ref] if api_key else [])],
            ),
            list(_signs_in(access, database, options)),
            list(_steers_dms(access, replication, options)),
            list(_steers_emr(access, cluster)),
            list(_launches_runs(access, options)),
            list(_fills_the_warehouse(access, options)),
            allow("SeeCosts", ["ce:GetCostAndUsage"], ["*"]),  # of the account: no resource
            allow(
                "SeeProtection",
                ["s3:GetBucketPublicAccessBlock"],
                [access.buckets.of[layer].bucket_arn for layer in (*LAYERS, PLATFORM)],
            ),
            allow(
                "SeeRoles",
                ["iam:GetInstanceProfile", "iam:GetRole"],
                [
                    cluster.service.role_arn,
                    cluster.profile.attr_arn,
                    replication.raw_role.role_arn,
                    replication.secret_role.role_arn,
                    *([cluster.execution.role_arn] if cluster.execution else []),
                ],
            ),
        ),
    )


def _signs_in(
    access: Access, database: Database, options: Options
) -> Iterator[iam.PolicyStatement]:
    if options.platform.database_auth == "iam":
        instance = str(database.instance.instance_resource_id)
        yield access.signs_in(instance, options.platform.database_user)


def _steers_dms(
    access: Access, replication: Replication, options: Options
) -> Iterator[iam.PolicyStatement]:
    yield allow(
        "SeeDms",
        [
            "dms:DescribeCertificates",
            "dms:DescribeConnections",
            "dms:DescribeEndpoints",
            "dms:DescribeReplicationConfigs",
            "dms:DescribeReplicationInstances",
            "dms:DescribeReplicationTableStatistics",
            "dms:DescribeReplicationTasks",
            "dms:DescribeReplications",
            "dms:DescribeTableStatistics",
        ],
        ["*"],  # DMS knows no narrower resource for most of these
    )
    changes = [
        "dms:AddTagsToResource",
        "dms:CreateEndpoint",
        "dms:CreateReplicationInstance",
        "dms:CreateReplicationTask",
        "dms:ImportCertificate",
        "dms:ModifyEndpoint",
        "dms:ModifyReplicationTask",
        "dms:StartReplicationTask",
        "dms:StopReplicationTask",
        "dms:TestConnection",
    ]
    if options.platform.dms_serverless:
        changes += [
            "dms:CreateReplicationConfig",
            "dms:ModifyReplicationConfig",
            "dms:StartReplication",
            "dms:StopReplication",
        ]
    yield allow(
        "SteerDms",
        changes,
        [
            f"{access.arn('dms', kind)}:*"
            for kind in ("cert", "endpoint", "rep", "replication-config", "subgrp", "task")
        ],
    )
    yield allow(
        "GiveDmsItsRoles",
        ["iam:PassRole"],
        [replication.raw_role.role_arn, replication.secret_role.role_arn],
    )


def _steers_emr(access: Access, cluster: Cluster) -> Iterator[iam.PolicyStatement]:
    if cluster.application is not None and cluster.execution is not None:
        application = access.arn("emr-serverless", "/applications", cluster.application.ref)
        yield allow(
            "SteerServerless",
            [
                "emr-serverless:CancelJobRun",
                "emr-serverless:GetApplication",
                "emr-serverless:GetJobRun",
                "emr-serverless:StartJobRun",
                "emr-serverless:TagResource",
            ],
            [application, f"{application}/jobruns/*"],
        )
        yield allow("GiveServerlessItsRole", ["iam:PassRole"], [cluster.execution.role_arn])
        return
    yield allow(
        "FindOrMakeCluster",
        ["elasticmapreduce:ListClusters", "elasticmapreduce:RunJobFlow"],
        ["*"],  # neither has a resource before there is a cluster
    )
    yield allow(
        "SteerCluster",
        [
            "elasticmapreduce:AddJobFlowSteps",
            "elasticmapreduce:AddTags",
            "elasticmapreduce:CancelSteps",
            "elasticmapreduce:DescribeCluster",
            "elasticmapreduce:DescribeStep",
            "elasticmapreduce:ListBootstrapActions",
            "elasticmapreduce:ListSteps",
            "elasticmapreduce:PutAutoTerminationPolicy",
            "elasticmapreduce:SetTerminationProtection",
            "elasticmapreduce:TerminateJobFlows",
        ],
        [access.arn("elasticmapreduce", "cluster", "*")],
    )
    yield allow(
        "LetEmrTidyUp",  # the first cluster of an account makes EMR's own role for it
        ["iam:CreateServiceLinkedRole"],
        [access.role_arn(f"aws-service-role/{EMR}/AWSServiceRoleForEMRCleanup")],
    )
    yield allow(
        "GiveEmrItsRoles",
        ["iam:PassRole"],
        [cluster.nodes.role_arn, cluster.service.role_arn],
    )


def _launches_runs(access: Access, options: Options) -> Iterator[iam.PolicyStatement]:
    """What Dagster's EcsRunLauncher calls, and ECS Exec, the way to the UI."""
    yield allow(
        "DescribeTasks",
        [
            "ecs:DescribeTaskDefinition",
            "ecs:DescribeTasks",
            "ecs:ListAccountSettings",
            "ecs:RegisterTaskDefinition",
            "ec2:DescribeNetworkInterfaces",
        ],
        ["*"],  # these know no narrower resource, or none that can be named before
    )
    cluster = options.project
    yield allow(
        "RunTasks",
        ["ecs:RunTask", "ecs:StopTask", "ecs:TagResource"],
        [
            access.arn("ecs", "task", f"{cluster}/*"),
            access.arn("ecs", "task-definition", "run*"),
            access.arn("ecs", "task-definition", f"{cluster}*"),
        ],
    )
    yield allow(
        "GiveTasksTheirRoles",
        ["iam:PassRole"],
        [access.role_arn(f"{cluster}-{role}") for role in ("platform", "execution")],
    )
    yield allow(
        "ReadOwnLogs",
        ["logs:GetLogEvents"],
        [f"{access.arn('logs', f'log-group:/ecs/{cluster}')}:*"],
    )
    yield allow(
        "TalkToSessionManager",
        [
            "ssmmessages:CreateControlChannel",
            "ssmmessages:CreateDataChannel",
            "ssmmessages:OpenControlChannel",
            "ssmmessages:OpenDataChannel",
        ],
        ["*"],  # they have no resources
    )


def _fills_the_warehouse(access: Access, options: Options) -> Iterator[iam.PolicyStatement]:
    """Statements on Redshift, where curated is wanted there; the warehouse is another's."""
    if options.platform.warehouse == "none":
        return
    yield allow(
        "RunStatements",
        ["redshift-data:BatchExecuteStatement", "redshift-serverless:GetCredentials"],
        [access.arn("redshift-serverless", "workgroup", "*")],
    )
    yield allow(
        "FollowOwnStatements",
        [
            "redshift-data:CancelStatement",
            "redshift-data:DescribeStatement",
            "redshift-data:GetStatementResult",
        ],
        ["*"],  # they know no narrower resource; each sees its own statements only
    )
