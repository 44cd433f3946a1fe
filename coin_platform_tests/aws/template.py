"""A synthesized template, and what its references stand for: names of a made-up account."""

import copy
import os
import shutil
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from coin_platform.infrastructure.options import Options, read_options
from coin_platform.settings_infrastructure import InfrastructureSettings
from coin_platform_tests.aws.box import PROJECT, REGION

ACCOUNT = "123456789012"  # moto's
USER_ID = "AROAEXAMPLE:somebody"
PSEUDO = {
    "AWS::AccountId": ACCOUNT,
    "AWS::Partition": "aws",
    "AWS::Region": REGION,
    "AWS::URLSuffix": "amazonaws.com",
}
NAMED = (
    "BucketName",
    "RoleName",
    "Name",
    "RepositoryName",
    "LogGroupName",
    "TopicName",
    "InstanceProfileName",
)
ARNS = {
    "AWS::S3::Bucket": "arn:aws:s3:::{name}",
    "AWS::KMS::Key": f"arn:aws:kms:{REGION}:{ACCOUNT}:key/{{name}}",
    "AWS::IAM::InstanceProfile": f"arn:aws:iam::{ACCOUNT}:instance-profile/{{name}}",
    "AWS::IAM::Role": f"arn:aws:iam::{ACCOUNT}:role/{{name}}",
    "AWS::SecretsManager::Secret": f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:{{name}}",
    "AWS::ECR::Repository": f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/{{name}}",
    "AWS::Logs::LogGroup": f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{{name}}:*",
    "AWS::SNS::Topic": f"arn:aws:sns:{REGION}:{ACCOUNT}:{{name}}",
}


def needs_node() -> None:
    """Skip without Node; in CI, where it must be, fail."""
    if shutil.which("node") is None:
        reason = "node is not installed: no template can be made"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(reason)


def chosen(account: dict[str, Any] | None = None, **platform: Any) -> Options:
    """Options of a stack for the box's project; the machine's own settings have no say."""
    read = read_options(account, **{"project": PROJECT, **platform})
    assert isinstance(read.account, InfrastructureSettings)
    return read


# Each synthesis takes seconds: tests share these.
TUTORIAL = {"profile": "tutorial", "allowed_cidr": "203.0.113.7/32", "administrator": "maria"}
REMOVABLE = {"removable": True, "image_tag": "0a1b2c3"}


@cache
def serverless() -> "Template":
    """The template with DMS and EMR serverless, and all that may be asked for besides."""
    account = {"coinmarketcap_secret": True, "emr_key_pair": True}
    return made(chosen(account, dms_serverless=True, emr_mode="serverless"))


@cache
def synthesized(**account: Any) -> "Template":
    """The template of these options; made once."""
    return made(chosen(account))


def made(options: Options) -> "Template":
    """The template of options."""
    from coin_platform.infrastructure.app import synthesize

    needs_node()
    with tempfile.TemporaryDirectory() as folder:
        return Template(synthesize(options, Path(folder)))


class Template:
    """Resources by type, and policies with their references resolved."""

    def __init__(self, content: dict[str, Any]) -> None:
        self.content = content
        self.resources: dict[str, dict[str, Any]] = content["Resources"]

    def of(self, kind: str) -> dict[str, dict[str, Any]]:
        """Properties by logical name, of `AWS::` + kind, references resolved."""
        return {
            name: self.resolved(resource.get("Properties", {}))
            for name, resource in self.resources.items()
            if resource["Type"] == f"AWS::{kind}"
        }

    def one(self, kind: str) -> dict[str, Any]:
        [only] = self.of(kind).values()
        return only

    def resolved(self, value: Any) -> Any:
        """The value with references replaced by what they could stand for."""
        if isinstance(value, list):
            return [self.resolved(one) for one in value]
        if isinstance(value, str):  # IAM puts who asks in the place of its variable
            return value.replace("${aws:userid}", USER_ID)
        if not isinstance(value, dict):
            return value
        functions = {"Ref": self._reference, "Fn::GetAtt": self._of, "Fn::Join": self._joined}
        if len(value) == 1 and (name := next(iter(value))) in functions:
            return functions[name](value[name])
        return {key: self.resolved(one) for key, one in value.items()}

    def _reference(self, name: str) -> str:
        if name in PSEUDO:
            return PSEUDO[name]
        if name not in self.resources:
            return name
        kind = self.resources[name]["Type"]
        if kind in ("AWS::SecretsManager::Secret", "AWS::SNS::Topic"):
            return self._attribute(name, "Arn")
        if kind == "AWS::SecretsManager::SecretTargetAttachment":
            return str(self.resolved(self.resources[name]["Properties"]["SecretId"]))
        return self._name(name)

    def _joined(self, given: list[Any]) -> str:
        glue, parts = given
        return str(glue).join(str(self.resolved(part)) for part in parts)

    def _of(self, given: list[str]) -> str:
        return self._attribute(*given)

    def _attribute(self, name: str, attribute: str) -> str:
        pattern = ARNS.get(self.resources[name]["Type"])
        if attribute == "Arn" and pattern:
            return pattern.format(name=self._name(name))
        return f"{self._name(name)}.{attribute}"

    def _name(self, logical: str) -> str:
        properties = self.resources[logical].get("Properties", {})
        return next((str(properties[key]) for key in NAMED if key in properties), logical)

    def roles(self) -> dict[str, list[dict[str, Any]]]:
        """Role name to its own statements, resolved; what AWS manages is not among them."""
        managed = {
            name: properties["PolicyDocument"]["Statement"]
            for name, properties in self.of("IAM::ManagedPolicy").items()
        }
        names = {
            properties.get("ManagedPolicyName"): key
            for key, properties in self.of("IAM::ManagedPolicy").items()
        }
        found = {}
        for properties in self.of("IAM::Role").values():
            statements = [
                statement
                for policy in properties.get("Policies", [])
                for statement in policy["PolicyDocument"]["Statement"]
            ]
            for arn in properties.get("ManagedPolicyArns", []):
                statements += managed.get(names.get(arn, arn), [])
            if statements and "RoleName" in properties:
                found[properties["RoleName"]] = copy.deepcopy(statements)
        return found
