"""DMS: `dms-instance`, its endpoints and `task-01`, exactly as the platform would make them itself.

What is asked of DMS stands in `resources/replication/dms/payloads.py`; here it is put in the words
of CloudFormation, so that the platform finds what it expects and adopts it.
"""

from collections.abc import Mapping
from typing import Any

from aws_cdk import Aws, CfnResource
from aws_cdk import aws_dms as dms
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from coin_platform.infrastructure.accepted import accept
from coin_platform.infrastructure.access import Access, allow, policy
from coin_platform.infrastructure.database import Database
from coin_platform.infrastructure.keys import PLATFORM
from coin_platform.infrastructure.network import Network
from coin_platform.infrastructure.options import Options
from coin_platform.resources.replication.dms import payloads

RAW_ROLE, RAW_POLICY = "role-dms-s3-raw", "policy-s3-access"
CHANGED_BY_THE_STACK = ("EncryptionMode",)  # the platform leaves it as it finds it
ACCOUNT_ROLES = {
    "dms-vpc-role": "service-role/AmazonDMSVPCManagementRole",
    "dms-cloudwatch-logs-role": "service-role/AmazonDMSCloudWatchLogsRole",
}


class Replication(Construct):
    """Roles, network, and unless DMS is to be serverless the instance, endpoints and the task."""

    def __init__(
        self,
        scope: Construct,
        network: Network,
        database: Database,
        access: Access,
        options: Options,
    ) -> None:
        super().__init__(scope, "Replication")
        self.options = options
        key = access.keys.of[PLATFORM]
        self.raw_policy = iam.ManagedPolicy(
            self,
            "RawPolicy",
            managed_policy_name=RAW_POLICY,
            description="Writes to the raw bucket, and nowhere else",
            statements=access.writes("raw", reads=False),
        )
        self.raw_role = iam.Role(
            self,
            "RawRole",
            role_name=RAW_ROLE,
            assumed_by=of_this_account("dms.amazonaws.com"),
            managed_policies=[self.raw_policy],
        )
        self.secret_role = iam.Role(
            self,
            "SecretRole",
            role_name=f"{options.project}-dms-secret",
            assumed_by=of_this_account(f"dms.{Aws.REGION}.amazonaws.com"),
            inline_policies=policy(
                allow(
                    "ReadSecret",
                    ["secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue"],
                    [database.secret.secret_arn],
                ),
                allow("DecryptSecret", ["kms:Decrypt"], [key.key_arn]),
                # That an endpoint signs in by IAM cannot be said to CloudFormation: the platform
                # says it, before it starts the task.
                [
                    access.signs_in(
                        str(database.instance.instance_resource_id),
                        options.platform.database_user,
                    )
                ]
                if options.platform.database_auth == "iam"
                else [],
            ),
        )
        self.subnets = dms.CfnReplicationSubnetGroup(
            self,
            "Subnets",
            replication_subnet_group_description="Where DMS stands",
            replication_subnet_group_identifier=f"{options.project}-dms",
            subnet_ids=network.vpc.select_subnets(
                subnet_group_name=network.applications.subnet_group_name
            ).subnet_ids,
        )
        if options.account.dms_account_roles:
            self._account_roles()
        self.settings = options.platform.model_copy(
            update={
                "database_auth": "secret",
                "database_secret": database.secret.secret_arn,
                "dms_role_arn": self.raw_role.role_arn,
                "dms_secret_role_arn": self.secret_role.role_arn,
                "dms_subnet_group": self.subnets.ref,
                "dms_security_groups": network.replication.security_group_id,
            }
        )
        if not options.platform.dms_serverless:
            self._task(access, key, database)

    def _account_roles(self) -> None:
        """What DMS asks for by these very names, before it makes anything."""
        for name, managed in ACCOUNT_ROLES.items():
            role = iam.Role(
                self,
                name,
                role_name=name,
                assumed_by=of_this_account("dms.amazonaws.com"),
                managed_policies=[iam.ManagedPolicy.from_aws_managed_policy_name(managed)],
            )
            self.subnets.node.add_dependency(role)

    def _task(self, access: Access, key: kms.IKey, database: Database) -> None:
        instance = self._made(
            "Instance",
            {
                **payloads.replication_instance(self.settings),
                "PubliclyAccessible": self.options.account.public_dms,
                "MultiAZ": False,
                "KmsKeyId": key.key_arn,
            },
        )
        if self.options.account.public_dms:
            accept(instance, "CKV_AWS_89", "asked for; its security group lets nobody in")
        target = payloads.target_endpoint(self.settings)
        target["S3Settings"] |= {
            "EncryptionMode": "sse-kms",
            "ServerSideEncryptionKmsKeyId": access.keys.of["raw"].key_arn,
        }
        source = payloads.source_endpoint(self.settings, "")
        named = dict(source.pop("PostgreSQLSettings"))
        # The certificates are too many for a template. The platform imports them and asks for
        # verify-full before it starts the task; until then no rows are carried.
        source |= {"SslMode": "require", "DatabaseName": named.pop("DatabaseName")}
        source["PostgreSqlSettings"] = named
        ends = [
            self._made(name, _without(end, "CertificateArn"))
            for name, end in (("Source", source), ("Target", target))
        ]
        ends[0].node.add_dependency(database.instance)
        arns = [end.ref for end in (*ends, instance)]
        self._made("Task", payloads.task(self.settings, *arns))

    def _made(self, name: str, properties: Mapping[str, Any]) -> CfnResource:
        kinds = {"Instance": "ReplicationInstance", "Task": "ReplicationTask"}
        kind = f"AWS::DMS::{kinds.get(name, 'Endpoint')}"
        return CfnResource(self, name, type=kind, properties={**properties})


def of_this_account(service: str) -> iam.PrincipalBase:
    """A service, for what belongs to this account only."""
    return iam.ServicePrincipal(service).with_conditions(
        {"StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID}}
    )


def _without(mapping: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in mapping.items() if key != name}
