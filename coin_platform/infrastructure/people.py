"""The people: engineers, data scientists, business; and, if one is named, an administrator.

A role is assumed by users of this account who signed in with a second factor. Raw is for engineers;
the business reads curated alone.
"""

from aws_cdk import Aws, Duration
from aws_cdk import aws_iam as iam
from constructs import Construct

from coin_platform.infrastructure.access import Access, allow, policy
from coin_platform.infrastructure.keys import LAYERS, PLATFORM
from coin_platform.infrastructure.options import Options

ENGINEERS, SCIENTISTS, BUSINESS = "engineers", "data-scientists", "business"
AUDIENCES = {
    ENGINEERS: ("raw", "processed", "curated"),
    SCIENTISTS: ("processed", "curated"),
    BUSINESS: ("curated",),
}
IN_CATALOG = LAYERS[1:]  # raw has files, no tables
SESSION = Duration.hours(8)
FORWARDING = "AWS-StartPortForwardingSession"


class People(Construct):
    """A role for each audience."""

    def __init__(self, scope: Construct, access: Access, options: Options) -> None:
        super().__init__(scope, "People")
        self.roles = {
            audience: iam.Role(
                self,
                audience.title().replace("-", ""),
                role_name=f"{options.project}-{audience}",
                description=f"Reads {', '.join(layers)}",
                max_session_duration=SESSION,
                assumed_by=iam.AccountRootPrincipal().with_conditions(
                    {"Bool": {"aws:MultiFactorAuthPresent": "true"}}
                ),
                inline_policies=policy(
                    *(access.reads(layer) for layer in layers),
                    *(self._operates(access, options) if audience == ENGINEERS else []),
                    access.catalog(*(layer for layer in layers if layer in IN_CATALOG)),
                    access.queries(audience),
                ),
            )
            for audience, layers in AUDIENCES.items()
        }
        if options.account.administrator:
            self._administrator(options.account.administrator)

    @staticmethod
    def _operates(access: Access, options: Options) -> list[iam.PolicyStatement]:
        """Logs of runs and steps, and a port of Dagster's task, behind which the UI is."""
        return [
            *access.reads(PLATFORM),
            allow("FindTasks", ["ecs:DescribeTasks", "ecs:ListTasks"], ["*"]),
            allow(
                "ForwardPort",
                ["ssm:StartSession"],
                [
                    access.arn("ecs", "task", f"{options.project}/*"),
                    f"arn:{Aws.PARTITION}:ssm:{Aws.REGION}::document/{FORWARDING}",
                ],
            ),
            allow(
                "EndOwnSessions",
                ["ssm:ResumeSession", "ssm:TerminateSession"],
                [access.arn("ssm", "session", "${aws:userid}-*")],
            ),
        ]

    def _administrator(self, name: str) -> None:
        """As the tutorial has it: not root. Access comes by the group; the user has none itself."""
        group = iam.Group(
            self,
            "Administrators",
            group_name="Administrators",
            managed_policies=[
                iam.ManagedPolicy.from_aws_managed_policy_name("AdministratorAccess")
            ],
        )
        iam.User(self, "Administrator", user_name=name, groups=[group])
