"""The settings that only a deployment on AWS needs; `settings.py` adds them to its own.

The stack of `coin_platform/infrastructure` has them as outputs.
"""

import os
import re
from typing import Literal, Self

from pydantic import Field, field_validator, model_validator
from pydantic_settings import BaseSettings

PROJECT = re.compile(r"[a-z0-9][a-z0-9-]{1,38}[a-z0-9]")
GROUP = re.compile(r"[a-z0-9]+\.[a-z0-9]+:[1-9][0-9]*")
REGION_VARIABLES = ("AWS_REGION", "AWS_DEFAULT_REGION")
NEEDED = ("project", "region", "database_host")


class AwsSettings(BaseSettings):
    """What an operator can set of the AWS deployment. Field descriptions are the documentation."""

    env: Literal["local", "aws"] = Field(
        "local", description="Deployment: local, or aws (RDS, DMS, S3 and EMR)."
    )
    project: str | None = Field(
        None,
        description="Name of the project on AWS: its buckets are raw-, processed-, curated- and "
        "platform-<project>. Unique among all AWS accounts.",
    )
    region: str | None = Field(
        None, description="AWS region; without it AWS_REGION or AWS_DEFAULT_REGION."
    )
    team: str = Field("data", description="Tag Team of everything on AWS.")
    cost_center: str = Field("coin-platform", description="Tag CentroCusto of everything on AWS.")

    database_host: str | None = Field(None, description="Address of the RDS instance.")
    database_port: int = Field(5432, ge=1, le=65535, description="Its port.")
    database_user: str = Field("postgres", description="Its user, where no secret names one.")
    database_auth: Literal["secret", "iam"] = Field(
        "secret", description="How the database knows us: a password in a secret, or IAM."
    )
    database_secret: str | None = Field(
        None, description="Name or ARN of the Secrets Manager secret with the password."
    )
    database_ca: str | None = Field(
        None, description="Certificates to trust; the bundle of RDS comes with the package."
    )
    coinmarketcap_secret: str | None = Field(
        None, description="Name or ARN of the Secrets Manager secret with the API key."
    )

    dms_instance: str = Field("dms-instance", description="Replication instance of DMS.")
    dms_instance_class: str = Field("dms.t3.small", description="Its class, when it is made.")
    dms_engine_version: str = Field("3.6.1", description="Its engine version, when it is made.")
    dms_source_endpoint: str = Field("rds-source-postgresql", description="DMS's source endpoint.")
    dms_target_endpoint: str = Field("s3-target-datalake", description="DMS's target endpoint.")
    dms_task: str = Field("task-01", description="Replication task of DMS.")
    dms_role_arn: str | None = Field(
        None, description="Role with which DMS writes to the raw bucket (role-dms-s3-raw)."
    )
    dms_secret_role_arn: str | None = Field(
        None, description="Role with which DMS reads the database's secret."
    )
    dms_subnet_group: str | None = Field(None, description="Subnet group of the instance.")
    dms_security_groups: str = Field(
        "", description="Security groups of the instance, separated by commas."
    )
    dms_serverless: bool = Field(False, description="Use DMS Serverless in place of an instance.")
    dms_capacity_units: int = Field(
        2, ge=1, le=384, description="Largest capacity of DMS Serverless, in DCU."
    )
    dms_poll_seconds: float = Field(
        5, gt=0, le=60, description="Pause between two looks at what DMS does, in seconds."
    )

    emr_mode: Literal["cluster", "serverless"] = Field(
        "cluster", description="Where transforms run: an EMR cluster, or EMR Serverless."
    )
    emr_cluster: str = Field("coin-platform", description="Name of the cluster, found or made.")
    emr_release: str = Field("emr-spark-8.1.0", description="Its EMR release, when it is made.")
    emr_applications: str = Field("Spark", description="Its applications, separated by commas.")
    emr_primary: str = Field("m7g.xlarge:1", description="Its primary node, as type:1.")
    emr_core: str = Field("m7g.xlarge:1", description="Its core nodes, as type:count.")
    emr_task: str = Field("", description="Its task nodes, as type:count; often none.")
    emr_service_role: str = Field("EMR_DefaultRole_V2", description="Its service role.")
    emr_instance_profile: str = Field(
        "EMR_EC2_DefaultRole", description="The instance profile of its nodes."
    )
    emr_key_pair: str | None = Field(None, description="Key pair to log in to its nodes with.")
    emr_subnet: str | None = Field(None, description="Subnet of its nodes.")
    emr_idle_minutes: int = Field(
        60, ge=1, le=10_080, description="Minutes without work after which it ends itself."
    )
    emr_termination_protection: bool = Field(
        False, description="Whether it is protected from being ended by mistake."
    )
    emr_step_timeout_minutes: int = Field(
        0, ge=0, description="Longest that a step may take; 0 for no limit."
    )
    emr_poll_seconds: float = Field(
        5, gt=0, description="Seconds between two looks at what runs on EMR."
    )
    emr_serverless_application: str | None = Field(
        None, description="Id of the EMR Serverless application."
    )
    emr_serverless_archive: str | None = Field(
        None,
        description="Address (s3://…tar.gz) of a packed Python environment with the packages that "
        "steps need on EMR Serverless, made with venv-pack.",
    )
    emr_execution_role_arn: str | None = Field(
        None, description="Role with which EMR Serverless runs jobs."
    )

    warehouse: Literal["none", "copy", "external"] = Field(
        "none", description="Curated in Redshift: not at all, by COPY, or as an external schema."
    )
    redshift_workgroup: str | None = Field(None, description="Workgroup of Redshift Serverless.")
    redshift_database: str = Field("coins", description="Database in Redshift.")
    redshift_role_arn: str | None = Field(
        None, description="Role with which Redshift reads the curated bucket."
    )
    monthly_budget_usd: float = Field(
        150, gt=0, description="What a month may cost before a check warns, in US dollars."
    )

    @field_validator("project")
    @classmethod
    def _fit_for_buckets(cls, project: str | None) -> str | None:
        if project is not None and not PROJECT.fullmatch(project):
            message = "3 to 40 small letters, digits and hyphens: names of buckets are made of it"
            raise ValueError(message)
        return project

    @field_validator("emr_primary", "emr_core", "emr_task")
    @classmethod
    def _instance_group(cls, group: str) -> str:
        if group and not GROUP.fullmatch(group):
            message = f"{group!r} is not of the form type:count, as in m7g.xlarge:1"
            raise ValueError(message)
        return group

    @model_validator(mode="after")
    def _complete_for_aws(self) -> Self:
        if self.env != "aws":
            return self
        if self.region is None:
            found = next(
                (os.environ[name] for name in REGION_VARIABLES if name in os.environ), None
            )
            self.__dict__["region"] = found
        missing = [name for name in NEEDED if getattr(self, name) is None]
        if self.database_auth == "secret" and not self.database_secret:
            missing.append("database_secret")
        if self.emr_mode == "serverless" and not self.emr_serverless_application:
            missing.append("emr_serverless_application")
        if self.warehouse != "none":
            wanted = ("redshift_workgroup", "redshift_role_arn")
            missing += [name for name in wanted if not getattr(self, name)]
        if missing:
            names = ", ".join(f"COIN_PLATFORM_{name.upper()}" for name in missing)
            message = (
                f"on aws these must be set: {names}; `coin-platform infra outputs` prints them"
            )
            raise ValueError(message)
        return self

    def bucket(self, layer: str) -> str:
        """The bucket of `raw`, `processed` or `curated`; `platform` is for the platform's own."""
        return f"{layer}-{self.project}"

    def glue_database(self, layer: str) -> str:
        """The Glue database of `processed` or `curated`."""
        return f"{str(self.project).replace('-', '_')}_{layer}"
