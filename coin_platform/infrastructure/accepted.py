"""Findings of checkov that are accepted, written where they are found, with the reason."""

from aws_cdk import CfnResource
from constructs import Construct


def accept(construct: Construct, check: str, reason: str) -> None:
    """Tell checkov that a check does not hold for this resource, and why."""
    resource = construct if isinstance(construct, CfnResource) else construct.node.default_child
    if not isinstance(resource, CfnResource):
        raise TypeError(f"{construct.node.path} is no single resource")
    former = (resource.get_metadata("checkov") or {"skip": []})["skip"]
    resource.add_metadata("checkov", {"skip": [*former, {"id": check, "comment": reason}]})
