"""Access by layer, as the template's policies have it: tried, not hoped for."""

from pathlib import Path

import pytest

from coin_platform_tests.aws import access_matrix, security_page
from coin_platform_tests.aws.box import PROJECT
from coin_platform_tests.aws.template import Template, chosen, made, synthesized

ENGINEERS, SCIENTISTS, BUSINESS, PLATFORM = (
    f"{PROJECT}-{name}" for name in ("engineers", "data-scientists", "business", "platform")
)
DMS, EMR = "role-dms-s3-raw", "EMR_EC2_DefaultRole"
R, W = {"list", "read"}, {"list", "read", "write", "delete"}
WANTED = {
    ENGINEERS: {"raw": R, "processed": R, "curated": R, "platform": R},
    SCIENTISTS: {"raw": set(), "processed": R, "curated": R, "platform": set()},
    BUSINESS: {"raw": set(), "processed": set(), "curated": R, "platform": set()},
    DMS: {"raw": W - {"read"}, "processed": set(), "curated": set(), "platform": set()},
    EMR: {"raw": R, "processed": W, "curated": W, "platform": R},
    PLATFORM: {"raw": R, "processed": W, "curated": W, "platform": W},
}


@pytest.fixture(scope="module")
def template() -> Template:
    return synthesized()


@pytest.fixture(scope="module")
def roles(template):
    return template.roles()


@pytest.fixture(scope="module")
def tried(roles):
    return access_matrix.tried(roles)


@pytest.mark.parametrize("role", WANTED)
@pytest.mark.parametrize("layer", access_matrix.LAYERS)
def test_a_role_does_in_a_layer_what_it_is_for_and_nothing_else(tried, role, layer):
    done = {what for what in access_matrix.CALLS if tried[role, f"{what} {layer}"]}
    assert done == WANTED[role][layer]


def test_no_role_that_is_not_named_here_reaches_any_layer(tried):
    assert {role for (role, _), may in tried.items() if may} == set(WANTED)


def test_who_reads_a_layer_has_its_key_and_nobody_else(roles, template):
    asked = access_matrix.asked(roles, template)
    for role in WANTED:
        for layer in access_matrix.LAYERS[:-1]:  # the platform's encrypts its secrets, too
            reads = asked[role, f"read {layer}"] or asked[role, f"write {layer}"]
            assert asked[role, f"decrypt {layer}"] == reads, (role, layer)


def test_no_audience_reads_what_another_asked(roles, template):
    asked = access_matrix.asked(roles, template)
    for role in (ENGINEERS, SCIENTISTS, BUSINESS):
        for audience in access_matrix.AUDIENCES:
            own = role == f"{PROJECT}-{audience}"
            assert asked[role, f"read answers to {audience}"] == own
            assert asked[role, f"query as {audience}"] == own


def test_nobody_makes_users_gives_strange_roles_or_undoes_protection(roles, template):
    asked = access_matrix.asked(roles, template)
    for what in (
        "make a user",
        "give a role of another",
        "change a bucket's policy",
        "delete the database",
        "delete a key",
    ):
        assert not [role for role in roles if asked[role, what]], what


def test_a_step_reports_and_does_not_change_the_code_that_others_run(roles, template):
    asked = access_matrix.asked(roles, template)
    assert {role for role in roles if asked[role, "report from a step"]} == {EMR, PLATFORM}
    assert {role for role in roles if asked[role, "change the code of steps"]} == {PLATFORM}


def test_a_step_finds_or_makes_the_database_that_spark_wants_at_its_start(roles, template):
    asked = access_matrix.asked(roles, template)
    assert asked[EMR, "make Glue's database `default`"]
    assert not asked[EMR, "make another database in Glue"]


def test_by_iam_the_platform_and_dms_sign_in_and_otherwise_nobody(template):
    def who(found):
        return {
            role
            for role, statements in found.roles().items()
            if access_matrix.permitted(statements, "rds-db:connect", resource)
        }

    by_iam = made(chosen(database_auth="iam"))
    [resource] = {
        statement["Resource"]
        for statements in by_iam.roles().values()
        for statement in statements
        if statement["Action"] == "rds-db:connect"
    }
    assert resource.endswith("/postgres")
    assert who(by_iam) == {PLATFORM, f"{PROJECT}-dms-secret"}
    assert who(template) == set()


def test_calls_and_engine_say_the_same(roles, template, tried):
    asked = access_matrix.asked(roles, template)
    assert tried == {cell: asked[cell] for cell in tried}


def test_removing_any_one_statement_changes_the_matrix(roles, template):
    whole = access_matrix.asked(roles, template)
    unseen = []
    for role, statements in roles.items():
        for index, statement in enumerate(statements):
            without = [*statements[:index], *statements[index + 1 :]]
            changed = access_matrix.asked({role: without}, template)
            if all(whole[cell] == may for cell, may in changed.items()):
                unseen.append((role, statement["Sid"]))
    assert not unseen


def test_people_sign_in_with_a_second_factor(template):
    for properties in template.of("IAM::Role").values():
        if properties.get("RoleName") in (ENGINEERS, SCIENTISTS, BUSINESS):
            [statement] = properties["AssumeRolePolicyDocument"]["Statement"]
            assert statement["Condition"] == {"Bool": {"aws:MultiFactorAuthPresent": "true"}}


def test_the_page_on_security_is_current():
    page = Path(__file__).parents[2] / "docs" / "security.md"
    assert page.read_text() == security_page.page(), "run `make docs`"
