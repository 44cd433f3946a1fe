"""Statements of access, from which all roles are made: one function for each thing one may do."""

from collections.abc import Sequence

from aws_cdk import Arn, ArnComponents, ArnFormat, Aws, Stack
from aws_cdk import aws_iam as iam

from coin_platform.infrastructure.buckets import Buckets
from coin_platform.infrastructure.keys import PLATFORM, RESULTS, Keys
from coin_platform.infrastructure.options import Options

LIST = ("s3:GetBucketLocation", "s3:ListBucket")
WRITE = ("s3:AbortMultipartUpload", "s3:DeleteObject", "s3:PutObject")
DECRYPT, ENCRYPT = ("kms:Decrypt",), ("kms:Decrypt", "kms:GenerateDataKey")
# In the platform's bucket, what steps leave there: what they printed, said and measured.
REPORTS = ("logs/", "pipes/", "measured/")
CATALOG_READ = (
    "glue:GetDatabase",
    "glue:GetPartition",
    "glue:GetPartitions",
    "glue:GetTable",
    "glue:GetTables",
)
CATALOG_WRITE = ("glue:CreateTable", "glue:DeleteTable", "glue:UpdateTable")


def allow(sid: str, actions: Sequence[str], resources: Sequence[str]) -> iam.PolicyStatement:
    """What is said is allowed; all else is denied."""
    return iam.PolicyStatement(sid=sid, actions=[*actions], resources=[*resources])


class Access:
    """The statements for the buckets, keys and tables of one stack."""

    def __init__(self, stack: Stack, buckets: Buckets, keys: Keys, options: Options) -> None:
        self.stack, self.buckets, self.keys = stack, buckets, keys
        self.platform = options.platform

    def reads(self, layer: str) -> list[iam.PolicyStatement]:
        """List a layer and read its objects."""
        bucket, name = self.buckets.of[layer], layer.capitalize()
        return [
            allow(f"List{name}", LIST, [bucket.bucket_arn]),
            allow(f"Read{name}", ["s3:GetObject"], [bucket.arn_for_objects("*")]),
            allow(f"Decrypt{name}", DECRYPT, [self.keys.of[layer].key_arn]),
        ]

    def writes(self, layer: str, *, reads: bool = True) -> list[iam.PolicyStatement]:
        """Write and delete in a layer, by default read it as well."""
        bucket, name = self.buckets.of[layer], layer.capitalize()
        object_actions = [*WRITE, *(["s3:GetObject"] if reads else [])]
        return [
            allow(f"List{name}", LIST, [bucket.bucket_arn]),
            allow(f"Write{name}", object_actions, [bucket.arn_for_objects("*")]),
            allow(f"Encrypt{name}", ENCRYPT, [self.keys.of[layer].key_arn]),
        ]

    def reports(self) -> list[iam.PolicyStatement]:
        """Read the platform's bucket and leave messages and logs in it, but change no code."""
        bucket = self.buckets.of[PLATFORM]
        return [
            *self.reads(PLATFORM),
            allow("Report", WRITE, [bucket.arn_for_objects(f"{prefix}*") for prefix in REPORTS]),
            allow("EncryptPlatform", ["kms:GenerateDataKey"], [self.keys.of[PLATFORM].key_arn]),
        ]

    def default_database(self) -> iam.PolicyStatement:
        """Spark looks for Glue's database `default` when it starts, and makes it if there is none.

        It ends where it may not; a new account has none.
        """
        return allow(
            "FindDefault",
            ["glue:CreateDatabase", "glue:GetDatabase"],
            [self.arn("glue", "catalog"), self.arn("glue", "database", "default")],
        )

    def signs_in(self, instance: str, user: str) -> iam.PolicyStatement:
        """Sign in to a database instance, by its resource id, with a token of IAM."""
        return allow(
            "SignInToDatabase", ["rds-db:connect"], [self.arn("rds-db", f"dbuser:{instance}", user)]
        )

    def catalog(self, *layers: str, writes: bool = False) -> iam.PolicyStatement:
        """Read the definitions of the tables of some layers."""
        databases = [self.database_name(layer) for layer in layers]
        return allow(
            "WriteCatalog" if writes else "ReadCatalog",
            [*CATALOG_READ, *(CATALOG_WRITE if writes else ())],
            [
                self.arn("glue", "catalog"),
                *(self.arn("glue", "database", name) for name in databases),
                *(self.arn("glue", "table", f"{name}/*") for name in databases),
            ],
        )

    def queries(self, audience: str) -> list[iam.PolicyStatement]:
        """Ask Athena in the audience's own workgroup, whose answers no other audience reads."""
        results = self.buckets.results
        return [
            allow(
                "Query",
                [
                    "athena:GetQueryExecution",
                    "athena:GetQueryResults",
                    "athena:GetWorkGroup",
                    "athena:StartQueryExecution",
                    "athena:StopQueryExecution",
                ],
                [self.arn("athena", "workgroup", self.workgroup_name(audience))],
            ),
            allow("ListResults", LIST, [results.bucket_arn]),
            allow(
                "KeepResults",
                ["s3:AbortMultipartUpload", "s3:GetObject", "s3:PutObject"],
                [results.arn_for_objects(f"{audience}/*")],
            ),
            allow("EncryptResults", ENCRYPT, [self.keys.of[RESULTS].key_arn]),
        ]

    def database_name(self, layer: str) -> str:
        """The Glue database of a layer."""
        return self.platform.glue_database(layer)

    def workgroup_name(self, audience: str) -> str:
        return f"{self.buckets.project}-{audience}"

    def arn(self, service: str, resource: str, name: str | None = None) -> str:
        """An ARN of this account and region, by CloudFormation's pseudo parameters."""
        return Arn.format(
            ArnComponents(
                service=service,
                resource=resource,
                resource_name=name,
                arn_format=ArnFormat.SLASH_RESOURCE_NAME if name else ArnFormat.NO_RESOURCE_NAME,
            ),
            self.stack,
        )

    def role_arn(self, name: str) -> str:
        """A role of this account, by its name."""
        return f"arn:{Aws.PARTITION}:iam::{Aws.ACCOUNT_ID}:role/{name}"


def policy(
    *statements: iam.PolicyStatement | Sequence[iam.PolicyStatement],
) -> dict[str, iam.PolicyDocument]:
    """The inline policy of a role."""
    flat = [
        one
        for given in statements
        for one in ([given] if isinstance(given, iam.PolicyStatement) else given)
    ]
    return {"access": iam.PolicyDocument(statements=flat)}
