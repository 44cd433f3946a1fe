"""The network: who can reach whom. Public subnets, those of applications, those of the database.

Applications (Dagster, EMR, DMS) reach out through a NAT gateway and are not reached. Without one
they stand in the public subnets, with addresses, behind security groups that let nobody in.
"""

from aws_cdk import Tags
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from constructs import Construct

from coin_platform.infrastructure.options import Options

POSTGRES = 5432
PUBLIC, APPLICATION, DATABASE = "public", "application", "database"
# AmazonEMRServicePolicy_v2 lets EMR work in tagged networks only.
EMR_TAG = ("for-use-with-amazon-emr-managed-policies", "true")


class Network(Construct):
    """A VPC over two zones, and the security groups."""

    def __init__(self, scope: Construct, key: kms.IKey, options: Options) -> None:
        super().__init__(scope, "Network")
        self.behind_nat = bool(options.account.nat)
        self.vpc = ec2.Vpc(
            self,
            "Vpc",
            ip_addresses=ec2.IpAddresses.cidr(str(options.account.vpc_cidr)),
            max_azs=2,
            nat_gateways=1 if self.behind_nat else 0,
            # Closing the default group would need a Lambda function; nothing here is in it.
            restrict_default_security_group=False,
            subnet_configuration=self._subnets(),
            gateway_endpoints={
                "S3": ec2.GatewayVpcEndpointOptions(service=ec2.GatewayVpcEndpointAwsService.S3)
            },
        )
        Tags.of(self.vpc).add(*EMR_TAG)
        self.vpc.add_flow_log(
            "Flows",
            destination=ec2.FlowLogDestination.to_cloud_watch_logs(
                logs.LogGroup(
                    self,
                    "FlowLogs",
                    encryption_key=key,
                    retention=logs.RetentionDays.THREE_MONTHS,
                )
            ),
            traffic_type=ec2.FlowLogTrafficType.REJECT,
        )
        self.applications = ec2.SubnetSelection(
            subnet_group_name=APPLICATION if self.behind_nat else PUBLIC
        )
        self.databases = ec2.SubnetSelection(
            subnet_group_name=PUBLIC if options.account.public_database else DATABASE
        )
        self.platform = self._group("Platform", "Dagster: reaches out, is not reached")
        self.replication = self._group("Replication", "DMS: reaches the database and S3")
        self.rotation = self._group("Rotation", "Changes the password of the database")
        self.database = self._group("Database", "PostgreSQL", allow_all_outbound=False)
        for group in (self.platform, self.replication, self.rotation):
            self.database.add_ingress_rule(group, ec2.Port.tcp(POSTGRES), "From the platform")
        if options.account.allowed_cidr is not None:
            self.database.add_ingress_rule(
                ec2.Peer.ipv4(str(options.account.allowed_cidr)),
                ec2.Port.tcp(POSTGRES),
                "From the address that the operator gave",
            )

    def _subnets(self) -> list[ec2.SubnetConfiguration]:
        mask = 20
        public = ec2.SubnetConfiguration(
            name=PUBLIC,
            subnet_type=ec2.SubnetType.PUBLIC,
            cidr_mask=mask,
            # EMR cannot ask for an address: without NAT its nodes get one from the subnet.
            map_public_ip_on_launch=not self.behind_nat,
        )
        database = ec2.SubnetConfiguration(
            name=DATABASE, subnet_type=ec2.SubnetType.PRIVATE_ISOLATED, cidr_mask=mask
        )
        if not self.behind_nat:
            return [public, database]
        private = ec2.SubnetType.PRIVATE_WITH_EGRESS
        application = ec2.SubnetConfiguration(name=APPLICATION, subnet_type=private, cidr_mask=mask)
        return [public, application, database]

    def _group(
        self, name: str, description: str, *, allow_all_outbound: bool = True
    ) -> ec2.SecurityGroup:
        return ec2.SecurityGroup(
            self,
            name,
            vpc=self.vpc,
            description=description,
            allow_all_outbound=allow_all_outbound,
        )
