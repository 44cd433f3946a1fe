"""What EMR needs: the roles of the tutorial's names, limited to what a step does.

The cluster itself is no part of the stack. The platform makes it when a step needs one, and it ends
itself when idle; a stack would keep it, and its costs.
"""

from aws_cdk import Aws, Duration
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_emrserverless as serverless
from aws_cdk import aws_iam as iam
from constructs import Construct

from coin_platform.infrastructure.access import Access, allow, policy
from coin_platform.infrastructure.keys import LAYERS
from coin_platform.infrastructure.network import Network
from coin_platform.infrastructure.options import Options

IDLE = Duration.minutes(15)


class Cluster(Construct):
    """Roles of EMR on EC2, and, where it is to be serverless, its application and role."""

    def __init__(
        self, scope: Construct, network: Network, access: Access, options: Options
    ) -> None:
        super().__init__(scope, "Cluster")
        platform = options.platform
        self.nodes = iam.Role(
            self,
            "Nodes",
            role_name=platform.emr_instance_profile,
            description="Nodes of EMR: read raw, write processed and curated",
            assumed_by=iam.ServicePrincipal("ec2.amazonaws.com"),
            inline_policies=policy(*self._of_a_step(access)),
        )
        self.profile = iam.CfnInstanceProfile(
            self,
            "Profile",
            instance_profile_name=platform.emr_instance_profile,
            roles=[self.nodes.role_name],
        )
        self.service = iam.Role(
            self,
            "Service",
            role_name=platform.emr_service_role,
            description="EMR itself: starts and ends tagged instances",
            assumed_by=iam.ServicePrincipal("elasticmapreduce.amazonaws.com").with_conditions(
                {
                    "StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID},
                    "ArnLike": {"aws:SourceArn": access.arn("elasticmapreduce", "*")},
                }
            ),
            managed_policies=[
                iam.ManagedPolicy.from_aws_managed_policy_name(
                    "service-role/AmazonEMRServicePolicy_v2"
                )
            ],
            inline_policies=policy(
                allow("GiveNodesTheirRole", ["iam:PassRole"], [self.nodes.role_arn])
            ),
        )
        self.subnet = network.vpc.select_subnets(
            subnet_group_name=network.applications.subnet_group_name
        ).subnet_ids[0]
        self.key_pair = (
            ec2.CfnKeyPair(self, "KeyPair", key_name=f"{options.project}-emr")
            if options.account.emr_key_pair
            else None
        )
        self.application: serverless.CfnApplication | None = None
        self.execution: iam.Role | None = None
        if platform.emr_mode == "serverless":
            self._serverless(network, access, options)

    def _serverless(self, network: Network, access: Access, options: Options) -> None:
        self.execution = iam.Role(
            self,
            "Execution",
            role_name=f"{options.project}-emr-serverless",
            assumed_by=iam.ServicePrincipal("emr-serverless.amazonaws.com").with_conditions(
                {"StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID}}
            ),
            inline_policies=policy(*self._of_a_step(access)),
        )
        self.application = serverless.CfnApplication(
            self,
            "Application",
            name=options.platform.emr_cluster,
            type="SPARK",
            release_label=options.platform.emr_release,
            architecture="ARM64",
            auto_stop_configuration=serverless.CfnApplication.AutoStopConfigurationProperty(
                enabled=True, idle_timeout_minutes=IDLE.to_minutes()
            ),
            network_configuration=serverless.CfnApplication.NetworkConfigurationProperty(
                subnet_ids=[self.subnet], security_group_ids=[network.platform.security_group_id]
            ),
        )

    @staticmethod
    def _of_a_step(access: Access) -> list[iam.PolicyStatement]:
        """Processed and curated are written; the platform's bucket has package, orders and logs."""
        raw, *tables = LAYERS
        return [
            *access.reads(raw),
            *(one for layer in tables for one in access.writes(layer)),
            *access.reports(),
            access.catalog(*tables, writes=True),
            access.default_database(),
        ]
