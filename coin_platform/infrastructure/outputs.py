"""The outputs of the stack: each is a setting of the platform, by its name.

CloudFormation's names have no underscores: `database_host` is the output `DatabaseHost`.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from coin_platform.settings import Settings, environment, variable_name

if TYPE_CHECKING:
    from coin_platform.infrastructure.stack import Parts

# Settings that need no output: nothing in the account tells them, or another part makes it.
NOT_OF_THE_STACK = {
    "database_ca": "the certificates come with the package",
}


def outputs(parts: "Parts") -> Mapping[str, str]:
    """Setting to value, of those that the stack decides."""
    platform = parts.options.platform
    # `env` and `region` are told too: the file of outputs is all that a machine needs.
    told = {
        "env": "aws",
        "project": parts.options.project,
        "region": parts.stack.region,
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
        **chosen(platform),
    }
    if parts.coinmarketcap_secret is not None:
        told["coinmarketcap_secret"] = parts.coinmarketcap_secret.ref
    if parts.cluster.key_pair is not None:
        told["emr_key_pair"] = parts.cluster.key_pair.ref
    if parts.cluster.application is not None and parts.cluster.execution is not None:
        told["emr_serverless_application"] = parts.cluster.application.ref
        told["emr_execution_role_arn"] = parts.cluster.execution.role_arn
    return told


# What the operator chose, told again so that all machines have the same; first the grid of hours.
CHOSEN = (
    "start", "coins", "migration_type", "raw_format", "chunk_hours", "delivery_timeout_seconds",
    "team", "cost_center", "monthly_budget_usd", "database_user", "database_auth",
    "dms_instance", "dms_instance_class", "dms_engine_version", "dms_source_endpoint",
    "dms_target_endpoint", "dms_task", "dms_serverless", "dms_capacity_units", "dms_poll_seconds",
    "emr_mode", "emr_cluster", "emr_release", "emr_applications", "emr_primary", "emr_core",
    "emr_task", "emr_idle_minutes", "emr_termination_protection", "emr_step_timeout_minutes",
    "emr_poll_seconds", "emr_serverless_archive", "warehouse", "redshift_workgroup",
    "redshift_database", "redshift_role_arn",
)  # fmt: skip


def chosen(platform: Settings) -> Mapping[str, str]:
    """Those that have a value, as the environment would have them."""
    texts = environment(platform)
    return {name: text for name in CHOSEN if (text := texts.get(variable_name(name)))}


def output_name(setting: str) -> str:
    """`database_host` as an output: `DatabaseHost`."""
    return "".join(word.capitalize() for word in setting.split("_"))


def setting_of(output: str) -> str:
    """The setting of an output: `DatabaseHost` is `database_host`."""
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in output).lstrip("_")
