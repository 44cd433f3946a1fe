"""The stack: everything the platform needs of an AWS account, put together."""

from dataclasses import dataclass
from pathlib import PurePosixPath

from aws_cdk import CfnOutput, Stack, Tags
from aws_cdk import aws_secretsmanager as secrets
from constructs import Construct

from coin_platform.infrastructure.access import Access
from coin_platform.infrastructure.buckets import Buckets
from coin_platform.infrastructure.budget import Alarms, Budget
from coin_platform.infrastructure.catalog import Catalog
from coin_platform.infrastructure.cluster import Cluster
from coin_platform.infrastructure.dagster import Dagster
from coin_platform.infrastructure.database import Database
from coin_platform.infrastructure.keys import PLATFORM, Keys
from coin_platform.infrastructure.network import Network
from coin_platform.infrastructure.options import Options
from coin_platform.infrastructure.outputs import output_name, outputs
from coin_platform.infrastructure.people import People
from coin_platform.infrastructure.platform_role import platform_role
from coin_platform.infrastructure.replication import Replication
from coin_platform.resources.aws.tags import tags
from coin_platform.settings import variable_name

HOME = PurePosixPath("/var/lib/coin_platform/home")


@dataclass(frozen=True)
class Parts:
    """What the outputs are told from."""

    stack: Stack
    options: Options
    database: Database
    replication: Replication
    cluster: Cluster
    coinmarketcap_secret: secrets.CfnSecret | None


class CoinPlatform(Stack):
    """One stack, in whatever account and region the credentials are for."""

    def __init__(self, scope: Construct, options: Options) -> None:
        super().__init__(
            scope,
            options.account.stack,
            description="coin_platform: database, replication, lake, access, and Dagster",
            termination_protection=not options.account.removable,
        )
        for name, value in tags(options.platform).items():
            Tags.of(self).add(name, value)
        keys = Keys(self, options)
        own_key = keys.of[PLATFORM]
        buckets = Buckets(self, keys, options)
        access = Access(self, buckets, keys, options)
        network = Network(self, own_key, options)
        alarms = Alarms(self, own_key, options)
        Budget(self, alarms.topic, options)
        database = Database(self, network, own_key, alarms.topic, options)
        replication = Replication(self, network, database, access, options)
        cluster = Cluster(self, network, access, options)
        People(self, access, options)
        Catalog(self, access, options)
        api_key = self._api_key(own_key.key_arn, options)
        role = platform_role(self, access, database, replication, cluster, api_key, options)
        told = outputs(Parts(self, options, database, replication, cluster, api_key))
        environment = {
            **{variable_name(name): value for name, value in told.items()},
            variable_name("home"): str(HOME),
            "DAGSTER_CODE_HOST": "127.0.0.1",  # the containers of a task share it
            "DAGSTER_LOGS_BUCKET": buckets.of[PLATFORM].bucket_name,
        }
        Dagster(self, network, own_key, role, environment, options)
        for name, value in told.items():
            CfnOutput(self, output_name(name), value=value)

    def _api_key(self, key_arn: str, options: Options) -> secrets.CfnSecret | None:
        """An empty secret; the operator puts CoinMarketCap's key in (docs/aws.md)."""
        if not options.account.coinmarketcap_secret:
            return None
        return secrets.CfnSecret(
            self,
            "CoinMarketCapSecret",
            name=f"{options.project}/coinmarketcap",
            description="Key of CoinMarketCap's Pro API",
            kms_key_id=key_arn,
        )
