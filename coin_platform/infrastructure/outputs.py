"""The outputs of the stack: each is a setting of the platform, by its name.

CloudFormation's names have no underscores: `database_host` is the output `DatabaseHost`.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from coin_platform.infrastructure.stack import Parts

# Settings that need no output: nothing in the account tells them, or another part makes it.
NOT_OF_THE_STACK = {
    "database_ca": "the certificates come with the package",
    "redshift_workgroup": "the warehouse is made where it is wanted (docs/aws.md)",
    "redshift_role_arn": "the warehouse is made where it is wanted (docs/aws.md)",
    "emr_serverless_archive": "packed and uploaded by the operator, for EMR Serverless only",
}


def outputs(parts: "Parts") -> Mapping[str, str]:
    """Setting to value, of those that the stack decides."""
    platform = parts.options.platform
    # `env` and `region` are told too: the file of outputs is all that a machine needs.
    told = {
        "env": "aws",
        "project": parts.options.project,
        "region": parts.stack.region,
        "team": platform.team,
        "cost_center": platform.cost_center,
        "database_host": parts.database.instance.db_instance_endpoint_address,
        "database_port": parts.database.instance.db_instance_endpoint_port,
        "database_secret": parts.database.secret.secret_arn,
        "dms_role_arn": parts.replication.raw_role.role_arn,
        "dms_secret_role_arn": parts.replication.secret_role.role_arn,
        "dms_subnet_group": parts.replication.subnets.ref,
        "dms_security_groups": parts.replication.settings.dms_security_groups,
        "emr_service_role": parts.cluster.service.role_name,
        "emr_instance_profile": parts.cluster.profile.ref,
        "emr_subnet": parts.cluster.subnet,
        "monthly_budget_usd": f"{platform.monthly_budget_usd:g}",
        **{name: str(getattr(platform, name)) for name in CHOSEN},
    }
    if parts.coinmarketcap_secret is not None:
        told["coinmarketcap_secret"] = parts.coinmarketcap_secret.ref
    if parts.cluster.key_pair is not None:
        told["emr_key_pair"] = parts.cluster.key_pair.ref
    if parts.cluster.application is not None and parts.cluster.execution is not None:
        told["emr_serverless_application"] = parts.cluster.application.ref
        told["emr_execution_role_arn"] = parts.cluster.execution.role_arn
    return told


# What the operator chose, told again so that all machines have the same.
CHOSEN = (
    "migration_type", "raw_format", "coins",
    "dms_instance", "dms_source_endpoint", "dms_target_endpoint", "dms_task", "dms_serverless",
    "emr_mode", "emr_cluster", "emr_release", "emr_applications", "emr_primary", "emr_core",
)  # fmt: skip


def output_name(setting: str) -> str:
    """`database_host` as an output: `DatabaseHost`."""
    return "".join(word.capitalize() for word in setting.split("_"))


def setting_of(output: str) -> str:
    """The setting of an output: `DatabaseHost` is `database_host`."""
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in output).lstrip("_")
