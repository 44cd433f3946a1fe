"""The buckets of the lake and of the platform: none public, TLS only, encrypted, versioned."""

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from coin_platform.infrastructure.accepted import accept
from coin_platform.infrastructure.keys import LAYERS, PLATFORM, RESULTS, Keys
from coin_platform.infrastructure.options import Options

LOGS = "logs"  # who asked S3 for what
KEPT_DAYS = {PLATFORM: 90, RESULTS: 7, LOGS: 90}
FORMER_VERSIONS_DAYS = 30


class Buckets(Construct):
    """`raw-`, `processed-`, `curated-` and `platform-<project>`, and two that serve them."""

    def __init__(self, scope: Construct, keys: Keys, options: Options) -> None:
        super().__init__(scope, "Buckets")
        self.project = options.project
        self.removal = RemovalPolicy.DESTROY if options.account.removable else RemovalPolicy.RETAIN
        self.logs = self._bucket(LOGS, None, None)
        self.of = {
            layer: self._bucket(layer, keys.of[layer], self.logs) for layer in (*LAYERS, PLATFORM)
        }
        self.results = self._bucket(RESULTS, keys.of[RESULTS], self.logs)

    def _bucket(self, layer: str, key: kms.IKey | None, logs: s3.IBucket | None) -> s3.Bucket:
        """S3 delivers its own logs only to buckets with keys of its own: the one without `key`."""
        bucket = s3.Bucket(
            self,
            layer.capitalize(),
            bucket_name=f"{layer}-{self.project}",
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            enforce_ssl=True,
            minimum_tls_version=1.2,
            encryption=s3.BucketEncryption.KMS if key else s3.BucketEncryption.S3_MANAGED,
            encryption_key=key,
            bucket_key_enabled=True if key else None,
            versioned=True,
            server_access_logs_bucket=logs,
            server_access_logs_prefix=f"{layer}/" if logs else None,
            lifecycle_rules=[
                s3.LifecycleRule(
                    id="tidy",
                    abort_incomplete_multipart_upload_after=Duration.days(7),
                    noncurrent_version_expiration=Duration.days(FORMER_VERSIONS_DAYS),
                ),
                *self._expiry(layer),
            ],
            removal_policy=self.removal,
        )
        if logs is None:
            accept(bucket, "CKV_AWS_18", "it holds the logs; logging it would log the logging")
        return bucket

    def _expiry(self, layer: str) -> list[s3.LifecycleRule]:
        if layer not in KEPT_DAYS:
            return []
        # What else the platform keeps there, as its package, is in use for as long as it is there.
        prefixes = {
            "expire-logs": "logs/",
            "expire-messages": "pipes/",
            "expire-measurements": "measured/",
            "expire-copies": "warehouse/",  # a kill leaves one
        }
        return [
            s3.LifecycleRule(id=name, expiration=Duration.days(KEPT_DAYS[layer]), prefix=prefix)
            for name, prefix in (prefixes if layer == PLATFORM else {"expire": None}).items()
        ]
