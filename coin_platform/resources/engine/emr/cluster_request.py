"""A cluster as the settings want it: the parameters of `run_job_flow`."""

from typing import TYPE_CHECKING, Any

from coin_platform.resources.aws.tags import tag_list
from coin_platform.resources.engine.emr.package import PYTHON
from coin_platform.resources.engine.emr.runner import SPARK

if TYPE_CHECKING:
    from coin_platform.settings import Settings

LOGS = "logs/emr/"
BOOTSTRAP = "coin_platform packages"
# The managed policy of EMR_DefaultRole_V2 lets it touch what carries this tag only.
MANAGED = {"Key": "for-use-with-amazon-emr-managed-policies", "Value": "true"}
GLUE = "com.amazonaws.glue.catalog.metastore.AWSGlueDataCatalogHiveClientFactory"
SPARK_DEFAULTS = {
    **SPARK,
    "spark.pyspark.python": PYTHON,
    "spark.pyspark.driver.python": PYTHON,
}
ROLES = (("MASTER", "emr_primary"), ("CORE", "emr_core"), ("TASK", "emr_task"))


def request(settings: "Settings", bootstrap: str) -> dict[str, Any]:
    """The parameters; `bootstrap` is the address of the bootstrap action.

    The cluster ends itself when idle from its first moment on, whatever becomes of who made it.
    """
    return {
        "Name": settings.emr_cluster,
        "ReleaseLabel": settings.emr_release,
        "LogUri": f"s3://{settings.bucket('platform')}/{LOGS}",
        "Applications": [
            {"Name": name.strip()} for name in settings.emr_applications.split(",") if name.strip()
        ],
        "Instances": instances(settings),
        "Configurations": configurations(),
        "BootstrapActions": [{"Name": BOOTSTRAP, "ScriptBootstrapAction": {"Path": bootstrap}}],
        # Delta on S3 wants one Spark that writes a table at a time, and one step has the memory.
        "StepConcurrencyLevel": 1,
        "AutoTerminationPolicy": {"IdleTimeout": settings.emr_idle_minutes * 60},
        "ServiceRole": settings.emr_service_role,
        "JobFlowRole": settings.emr_instance_profile,
        "VisibleToAllUsers": True,
        "Tags": [*tag_list(settings), MANAGED],
    }


def instances(settings: "Settings") -> dict[str, Any]:
    found: dict[str, Any] = {
        "InstanceGroups": [
            group(role, getattr(settings, name)) for role, name in ROLES if getattr(settings, name)
        ],
        "KeepJobFlowAliveWhenNoSteps": True,
        "TerminationProtected": settings.emr_termination_protection,
    }
    if settings.emr_key_pair:
        found["Ec2KeyName"] = settings.emr_key_pair
    if settings.emr_subnet:
        found["Ec2SubnetId"] = settings.emr_subnet
    return found


def group(role: str, size: str) -> dict[str, Any]:
    """An instance group of a size as `m7g.xlarge:1`."""
    kind, _, count = size.partition(":")
    return {
        "Name": role.lower(),
        "InstanceRole": role,
        "InstanceType": kind,
        "InstanceCount": int(count),
        "Market": "ON_DEMAND",
    }


def configurations() -> list[dict[str, Any]]:
    """Delta on, Spark's tables in the Glue catalog, our Python; as Spark's session wants it."""
    return [
        {"Classification": "delta-defaults", "Properties": {"delta.enabled": "true"}},
        {
            "Classification": "spark-hive-site",
            "Properties": {"hive.metastore.client.factory.class": GLUE},
        },
        {"Classification": "spark-defaults", "Properties": SPARK_DEFAULTS},
    ]
