"""The settings of the AWS account itself: what the stack is made with, beside the platform's own.

The platform never reads them; `coin-platform infra` and `coin_platform/infrastructure` do.
"""

import re
from ipaddress import IPv4Network
from typing import Literal, Self

from pydantic import Field, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

PREFIX = "COIN_PLATFORM_INFRA_"
NARROWEST_UNFORCED = 24
USER = re.compile(r"[A-Za-z0-9+=,.@_-]{1,64}")
IMAGE_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")


class InfrastructureSettings(BaseSettings):
    """What an operator can choose of the account. Field descriptions are the documentation."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_file=".env", env_ignore_empty=True, extra="ignore", frozen=True
    )

    stack: str = Field(
        "coin-platform",
        pattern=r"^[A-Za-z][A-Za-z0-9-]{0,127}$",
        description="Name of the CloudFormation stack.",
    )
    profile: Literal["default", "tutorial"] = Field(
        "default",
        description="tutorial opens the database to allowed_cidr by a public address and saves the "
        "NAT gateway, as the tutorial has it; each can be set by itself.",
    )
    allowed_cidr: IPv4Network | None = Field(
        None, description="The one range of addresses from which port 5432 is reached."
    )
    allow_wide_cidr: bool = Field(
        False, description="Take an allowed_cidr wider than /24. It opens the port to strangers."
    )
    public_database: bool | None = Field(
        None, description="Give the database a public address; allowed_cidr alone reaches it."
    )
    public_dms: bool | None = Field(
        None, description="Give the replication instance a public address; nothing can call it."
    )
    nat: bool | None = Field(
        None,
        description="A NAT gateway, behind which Dagster and EMR have no public addresses. Without "
        "one they stand in public subnets with addresses, and secrets are not rotated.",
    )
    vpc_cidr: IPv4Network = Field(
        IPv4Network("10.60.0.0/16"), description="Addresses of the network."
    )
    administrator: str | None = Field(
        None, description="A user to make in the group Administrators; has no key and no password."
    )
    database_class: str = Field("db.t4g.micro", description="Class of the database instance.")
    database_version: str = Field(
        "17.9", pattern=r"^17\.\d+$", description="Version of PostgreSQL, with its minor version."
    )
    database_storage_gb: int = Field(20, ge=20, le=65_536, description="Its storage, in GB.")
    database_multi_az: bool = Field(False, description="A standby in a second zone.")
    backup_days: int = Field(7, ge=7, le=35, description="Days that its backups are kept.")
    rotation_days: int = Field(
        30, ge=1, le=90, description="Days after which its password changes by itself."
    )
    emr_key_pair: bool = Field(
        False, description="Make a key pair for EMR nodes; its private half is in Parameter Store."
    )
    coinmarketcap_secret: bool = Field(
        False, description="Make an empty secret for CoinMarketCap's key; without, none is used."
    )
    dms_account_roles: bool = Field(
        True,
        description="Make dms-vpc-role and dms-cloudwatch-logs-role, which DMS wants once in an "
        "account; false where it has them.",
    )
    image_tag: str | None = Field(
        None, description="Tag of the pushed image; without it Dagster is defined, not started."
    )
    alert_email: str | None = Field(
        None, pattern=r"^[^@\s]+@[^@\s]+$", description="Who is told when the budget is used up."
    )
    athena_scan_gb: int = Field(
        10, ge=1, le=10_240, description="What one query of Athena may read, in GB."
    )
    removable: bool = Field(
        False,
        description="Let destroy remove database and buckets: no deletion protection, no retention",
    )

    @field_validator("allowed_cidr", mode="before")
    @classmethod
    def _a_range(cls, given: object) -> object:
        try:
            return given if given is None else IPv4Network(str(given))
        except ValueError as error:
            message = (
                f"{given!r} is no range of IPv4 addresses ({error}); one address is written "
                "as 203.0.113.7/32"
            )
            raise ValueError(message) from None

    @field_validator("administrator")
    @classmethod
    def _a_named_user(cls, name: str | None) -> str | None:
        if name is not None and (not USER.fullmatch(name) or name.lower() == "root"):
            message = f"{name!r} is no name for an IAM user; it is a person's, and never root"
            raise ValueError(message)
        return name

    @field_validator("image_tag")
    @classmethod
    def _a_fixed_image(cls, tag: str | None) -> str | None:
        if tag is not None and (not IMAGE_TAG.fullmatch(tag) or tag == "latest"):
            message = f"{tag!r} names no one image; tags are never moved here: use the commit's"
            raise ValueError(message)
        return tag

    @model_validator(mode="after")
    def _follow_the_profile(self) -> Self:
        tutorial = self.profile == "tutorial"
        for name, value in {
            "public_database": tutorial,
            "public_dms": tutorial,
            "nat": not tutorial,
        }.items():
            if getattr(self, name) is None:
                self.__dict__[name] = value
        return self

    @model_validator(mode="after")
    def _no_wide_opening(self) -> Self:
        allowed = self.allowed_cidr
        if allowed is None:
            if self.public_database:
                message = (
                    f"a public database needs {PREFIX}ALLOWED_CIDR: the one address that may "
                    "reach it, as in 203.0.113.7/32"
                )
                raise ValueError(message)
            return self
        if allowed.prefixlen < NARROWEST_UNFORCED and not self.allow_wide_cidr:
            message = (
                f"{PREFIX}ALLOWED_CIDR={allowed} would open port 5432 to "
                f"{allowed.num_addresses:,} addresses; give a /{NARROWEST_UNFORCED} or narrower, "
                f"or set {PREFIX}ALLOW_WIDE_CIDR=true"
            )
            raise ValueError(message)
        return self


def infrastructure_variables() -> list[str]:
    """The environment variables of these settings."""
    return [infrastructure_variable(name) for name in InfrastructureSettings.model_fields]


def infrastructure_variable(field: object) -> str:
    """The environment variable of a field."""
    return f"{PREFIX}{str(field).upper()}"
