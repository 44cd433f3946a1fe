"""Keys: one for each layer of the lake, for the platform's own and for answers of Athena.

Each rotates every year.

Who may read a layer needs both the bucket and its key. The keys leave it to the roles' policies who
that is, so that access stands in one place.
"""

from aws_cdk import Aws, RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from coin_platform.infrastructure.options import Options

LAYERS = ("raw", "processed", "curated")
PLATFORM = "platform"
RESULTS = "athena"  # what queries answered


class Keys(Construct):
    """The keys by layer."""

    def __init__(self, scope: Construct, options: Options) -> None:
        super().__init__(scope, "Keys")
        removal = RemovalPolicy.DESTROY if options.account.removable else RemovalPolicy.RETAIN
        self.of = {
            layer: kms.Key(
                self,
                layer.capitalize(),
                description=f"What is in {layer}-{options.project}",
                enable_key_rotation=True,
                alias=f"alias/{options.project}-{layer}",
                removal_policy=removal,
            )
            for layer in (*LAYERS, PLATFORM, RESULTS)
        }
        # Services that encrypt for us and have no role of ours.
        self.of[PLATFORM].add_to_resource_policy(
            iam.PolicyStatement(
                sid="LogsOfThisAccount",
                principals=[iam.ServicePrincipal(f"logs.{Aws.REGION}.amazonaws.com")],
                actions=["kms:Encrypt", "kms:Decrypt", "kms:GenerateDataKey*", "kms:DescribeKey"],
                resources=["*"],  # in a key's policy: this key
                conditions={
                    "ArnLike": {
                        "kms:EncryptionContext:aws:logs:arn": f"arn:{Aws.PARTITION}:logs:"
                        f"{Aws.REGION}:{Aws.ACCOUNT_ID}:log-group:*"
                    }
                },
            )
        )
        self.of[PLATFORM].add_to_resource_policy(
            iam.PolicyStatement(
                sid="AlarmsOfThisAccount",
                principals=[
                    iam.ServicePrincipal("budgets.amazonaws.com"),
                    iam.ServicePrincipal("events.rds.amazonaws.com"),
                ],
                actions=["kms:Decrypt", "kms:GenerateDataKey*"],
                resources=["*"],
                conditions={"StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID}},
            )
        )
