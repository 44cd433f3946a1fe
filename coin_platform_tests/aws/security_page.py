"""`docs/security.md`: who may do what, as tried, and the controls kept or not.

`make docs` runs it; a test says that the page is current.
"""

import inspect
import re
from collections.abc import Iterator

from coin_platform_tests.aws import access_matrix, test_controls
from coin_platform_tests.aws.box import PROJECT
from coin_platform_tests.aws.exceptions import EXCEPTIONS
from coin_platform_tests.aws.template import synthesized

CONTROL = r"(athena|cloudwatch|dms|ec2|ecr|ecs|emr|iam|kms|rds|s3|secretsmanager|sns)_(\d+)"
NOTHING = "-"
NAMES = {"athena": "Athena", "cloudwatch": "CloudWatch", "secretsmanager": "SecretsManager"}
FIRST = f"""\
# Security

Written by `make docs`; do not edit. Made by moto's IAM, with enforcement on, from the policies of
the synthesized template; `{PROJECT}` stands for the project. How the account is made is told in
[aws.md](aws.md).

## Who may do what in the lake

Each role tried each action on each layer with its own credentials. `l` list, `r` read, `w` write,
`d` delete; all else was refused.
"""
SECOND = """
- Raw is for engineers. The business reads curated alone.
- DMS may write to raw and read nothing; EMR reads raw and writes processed and curated.
- The platform itself writes no raw: only DMS does.
- A layer is encrypted with a key of its own. Who may read a layer has its key, and nobody else.
- Answers of Athena lie in a folder for each audience, which the others cannot read: they hold what
  only that audience may see.
- People assume their role after signing in with a second factor.

Removing any one statement of any role changes this matrix or the next; a test removes each.

## What else each role may do
"""
THIRD = """
moto knows no conditions and no policies of buckets and keys: that requests without TLS are refused
is read from the template, not tried. A role that somebody else in the account makes is not ours to
bound.

## Controls

AWS's Foundational Security Best Practices, each with the test in
`coin_platform_tests/aws/test_controls.py` that holds it on the template of the default profile.
"""
FOURTH = """
Not kept, or kept in part, and why:
"""
FIFTH = """
cfn-lint finds nothing in the templates of both profiles. checkov (`make audit`, in an environment
of its own) finds nothing that the template does not say is accepted, with the reason.
"""


def page() -> str:
    """The whole page."""
    template = synthesized()
    roles = template.roles()
    return "".join(
        [FIRST, "\n", *lake(access_matrix.tried(roles)), SECOND, "\n",
         *others(access_matrix.asked(roles, template), access_matrix.probes(template)), THIRD, "\n",
         *controls(), FOURTH, "\n",
         *(f"- **{name}**: {why}\n" for name, why in EXCEPTIONS.items()), FIFTH]
    )  # fmt: skip


def lake(matrix: access_matrix.Matrix) -> Iterator[str]:
    """A row a role, a column a layer."""
    yield f"| role | {' | '.join(access_matrix.LAYERS)} |\n"
    yield "|---" * (1 + len(access_matrix.LAYERS)) + "|\n"
    for role in dict.fromkeys(role for role, _ in matrix):
        cells = [
            " ".join(what[0] for what in access_matrix.CALLS if matrix[role, f"{what} {layer}"])
            for layer in access_matrix.LAYERS
        ]
        yield f"| `{role}` | {' | '.join(cell or NOTHING for cell in cells)} |\n"


def others(matrix: access_matrix.Matrix, probes: dict[str, tuple[str, str]]) -> Iterator[str]:
    """What was asked, by which action, and who may."""
    yield "| what | action | who may |\n|---|---|---|\n"
    for what, (action, _) in probes.items():
        who = [role for role, asked in matrix if asked == what and matrix[role, what]]
        yield f"| {what} | `{action}` | {', '.join(f'`{role}`' for role in who) or 'nobody'} |\n"


def controls() -> Iterator[str]:
    """The tests by control; what else the module tests comes last."""
    yield "| controls | test |\n|---|---|\n"
    for name, _ in inspect.getmembers(test_controls, inspect.isfunction):
        if name.startswith("test_"):
            found = ", ".join(
                f"{NAMES.get(service, service.upper())}.{number}"
                for service, number in numbered(name)
            )
            yield f"| {found or NOTHING} | `{name}` |\n"


def numbered(name: str) -> Iterator[tuple[str, str]]:
    """The controls in a test's name; `_and_4_` is of the service before it."""
    service = ""
    for word in re.findall(rf"{CONTROL}|_and_(\d+)_", name):
        service = word[0] or service
        yield service, word[1] or word[2]


if __name__ == "__main__":
    print(page(), end="")  # noqa: T201  what it is for
