"""Glue databases for the tables, and an Athena workgroup for each audience, with a limit."""

from aws_cdk import Aws
from aws_cdk import aws_athena as athena
from aws_cdk import aws_glue as glue
from constructs import Construct

from coin_platform.infrastructure.access import Access
from coin_platform.infrastructure.keys import RESULTS
from coin_platform.infrastructure.options import Options
from coin_platform.infrastructure.people import AUDIENCES, IN_CATALOG

BYTES_IN_GB = 1024**3


class Catalog(Construct):
    """Answers of one audience are in a place of its own: they hold what only it may read."""

    def __init__(self, scope: Construct, access: Access, options: Options) -> None:
        super().__init__(scope, "Catalog")
        for layer in IN_CATALOG:
            glue.CfnDatabase(
                self,
                layer.capitalize(),
                catalog_id=Aws.ACCOUNT_ID,
                database_input=glue.CfnDatabase.DatabaseInputProperty(
                    name=access.database_name(layer),
                    description=f"Delta tables of {layer}",
                    location_uri=f"s3://{access.buckets.of[layer].bucket_name}/",
                ),
            )
        group = athena.CfnWorkGroup
        for audience in AUDIENCES:
            group(
                self,
                audience.title().replace("-", ""),
                name=access.workgroup_name(audience),
                recursive_delete_option=options.account.removable,
                work_group_configuration=group.WorkGroupConfigurationProperty(
                    enforce_work_group_configuration=True,
                    publish_cloud_watch_metrics_enabled=True,
                    bytes_scanned_cutoff_per_query=options.account.athena_scan_gb * BYTES_IN_GB,
                    engine_version=group.EngineVersionProperty(
                        selected_engine_version="Athena engine version 3"
                    ),
                    result_configuration=group.ResultConfigurationProperty(
                        output_location=f"s3://{access.buckets.results.bucket_name}/{audience}/",
                        encryption_configuration=group.EncryptionConfigurationProperty(
                            encryption_option="SSE_KMS",
                            kms_key=access.keys.of[RESULTS].key_arn,
                        ),
                    ),
                ),
            )
