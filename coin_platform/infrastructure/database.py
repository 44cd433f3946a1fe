"""`rds-server`: PostgreSQL with logical replication, TLS only, and a password nobody chose."""

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_rds as rds
from aws_cdk import aws_secretsmanager as secrets
from aws_cdk import aws_sns as sns
from constructs import Construct

from coin_platform.infrastructure.accepted import accept
from coin_platform.infrastructure.network import Network
from coin_platform.infrastructure.options import Options
from coin_platform.resources.database import COINS_DATABASE

SERVER, SECRET = "rds-server", "database"
PARAMETERS = {
    "rds.logical_replication": "1",  # or DMS sees no changes
    "rds.force_ssl": "1",
    "max_slot_wal_keep_size": "4096",  # MB: a slot that nobody reads cannot fill the disk
    "log_connections": "1",
    "log_disconnections": "1",
}
UNSAFE_IN_ADDRESSES = " %+~`#$&*()|[]{}:;<>?!'/@\"\\"  # of these DMS takes some for its own
EVENTS = ["availability", "configuration change", "deletion", "failure", "low storage"]


class Database(Construct):
    """The instance, its secret, its parameters, and what it reports."""

    def __init__(
        self,
        scope: Construct,
        network: Network,
        key: kms.IKey,
        alarms: sns.ITopic,
        options: Options,
    ) -> None:
        super().__init__(scope, "Database")
        account, platform = options.account, options.platform
        self.secret = rds.DatabaseSecret(
            self,
            "Secret",
            secret_name=f"{options.project}/{SECRET}",
            username=platform.database_user,
            encryption_key=key,
            exclude_characters=UNSAFE_IN_ADDRESSES,
        )
        version = account.database_version
        engine = rds.DatabaseInstanceEngine.postgres(
            version=rds.PostgresEngineVersion.of(version, version.partition(".")[0])
        )
        self.instance = rds.DatabaseInstance(
            self,
            "Instance",
            instance_identifier=SERVER,
            engine=engine,
            instance_type=ec2.InstanceType(account.database_class.removeprefix("db.")),
            database_name=COINS_DATABASE,
            credentials=rds.Credentials.from_secret(self.secret),
            port=platform.database_port,
            vpc=network.vpc,
            vpc_subnets=network.databases,
            security_groups=[network.database],
            publicly_accessible=account.public_database,
            multi_az=account.database_multi_az,
            allocated_storage=account.database_storage_gb,
            max_allocated_storage=account.database_storage_gb * 5,
            storage_type=rds.StorageType.GP3,
            storage_encrypted=True,
            storage_encryption_key=key,
            parameter_group=rds.ParameterGroup(
                self,
                "Parameters",
                engine=engine,
                description="Logical replication for DMS, TLS for everybody",
                parameters=PARAMETERS,
            ),
            ca_certificate=rds.CaCertificate.RDS_CA_RSA2048_G1,
            iam_authentication=True,
            auto_minor_version_upgrade=True,
            backup_retention=Duration.days(account.backup_days),
            copy_tags_to_snapshot=True,
            delete_automated_backups=False,
            deletion_protection=not account.removable,
            removal_policy=RemovalPolicy.DESTROY if account.removable else RemovalPolicy.SNAPSHOT,
            monitoring_interval=Duration.seconds(60),
            monitoring_role=iam.Role(
                self,
                "Monitoring",
                assumed_by=iam.ServicePrincipal("monitoring.rds.amazonaws.com"),
                managed_policies=[
                    iam.ManagedPolicy.from_aws_managed_policy_name(
                        "service-role/AmazonRDSEnhancedMonitoringRole"
                    )
                ],
            ),
            cloudwatch_logs_exports=["postgresql", "upgrade"],
        )
        if not account.database_multi_az:
            accept(self.instance, "CKV_AWS_157", "a standby doubles the cost: it is an option")
        if account.public_database:
            accept(self.instance, "CKV_AWS_17", "asked for; one range alone reaches its port")
        self._keep_logs(key)
        self._report(alarms)
        # The function that changes the password must reach Secrets Manager, and sign in with it.
        if account.nat and options.platform.database_auth == "secret":
            self._rotate(network, account.rotation_days)

    def _keep_logs(self, key: kms.IKey) -> None:
        """Groups of our own, made first: RDS would make them without an end."""
        for kind in ("postgresql", "upgrade"):
            group = logs.LogGroup(
                self,
                f"{kind.capitalize()}Logs",
                log_group_name=f"/aws/rds/instance/{SERVER}/{kind}",
                encryption_key=key,
                retention=logs.RetentionDays.THREE_MONTHS,
                removal_policy=RemovalPolicy.DESTROY,
            )
            self.instance.node.add_dependency(group)

    def _report(self, alarms: sns.ITopic) -> None:
        rds.CfnEventSubscription(
            self,
            "InstanceEvents",
            sns_topic_arn=alarms.topic_arn,
            source_type="db-instance",
            source_ids=[self.instance.instance_identifier],
            event_categories=[*EVENTS, "maintenance"],
        )
        rds.CfnEventSubscription(
            self,
            "ParameterEvents",
            sns_topic_arn=alarms.topic_arn,
            source_type="db-parameter-group",
            event_categories=["configuration change"],
        )
        rds.CfnEventSubscription(
            self,
            "SecurityGroupEvents",
            sns_topic_arn=alarms.topic_arn,
            source_type="db-security-group",
            event_categories=["configuration change", "failure"],
        )

    def _rotate(self, network: Network, days: int) -> None:
        """Secrets Manager's own function, which CloudFormation adds: none of ours to maintain."""
        self.secret.add_rotation_schedule(
            "Rotation",
            automatically_after=Duration.days(days),
            hosted_rotation=secrets.HostedRotation.postgre_sql_single_user(
                function_name=f"rotate-{SERVER}",
                vpc=network.vpc,
                vpc_subnets=network.applications,
                security_groups=[network.rotation],
                exclude_characters=UNSAFE_IN_ADDRESSES,
            ),
        )
