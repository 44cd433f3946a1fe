"""Checks and rules: each says what it means and what to do, and the catalogue lists them all."""

import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

import click
import dagster as dg
import pytest

from coin_platform.cli import group
from coin_platform.contracts.model import Rule, Severity
from coin_platform.contracts.processed import COIN_QUOTES
from coin_platform.definitions import defs
from coin_platform.defs.catalogue import RUNBOOKS_OF_RULES, catalogue, rule_rows
from coin_platform.defs.operations import checks as operations_checks
from coin_platform.defs.tables import OWNERS, TABLES

ROOT = Path(__file__).parents[2]
CATALOGUE = ROOT / "docs" / "checks.md"
PAGES = sorted((ROOT / "docs" / "runbooks").glob("*.md"))
SECTIONS = ("**What it says.**", "**How to look.**", "**What to do.**")

GRAPH = defs.resolve_asset_graph()
ON_AWS = [spec for check in operations_checks.CHECKS for spec in check.check_specs]
CHECKS = sorted(
    [*(GRAPH.get(key) for key in GRAPH.asset_check_keys), *ON_AWS], key=lambda c: str(c.key)
)
NAMES = sorted({check.key.name for check in CHECKS})
RULES = [(table, rule) for table in TABLES for rule in table.rules]


def runbook(name):
    page = ROOT / "docs" / "runbooks" / f"{name}.md"
    assert page.exists(), f"write {page.relative_to(ROOT)}"
    return page.read_text()


def cells(row):
    return re.split(r"(?<!\\)\|", row)[1:-1]


def test_the_check_catalogue_is_up_to_date():
    assert CATALOGUE.read_text() == catalogue(defs), "run `make docs`"


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.key.to_user_string())
def test_every_check_says_what_it_means_whose_it_is_and_where_to_read_on(check):
    assert check.description.endswith(".")
    assert check.metadata["owner"] in OWNERS
    assert check.metadata["runbook"] == dg.MetadataValue.path(f"docs/runbooks/{check.key.name}.md")


@pytest.mark.parametrize("name", NAMES)
def test_every_check_has_a_runbook_that_says_what_it_means_how_to_look_and_what_to_do(name):
    page = runbook(name)
    assert page.startswith(f"# {name}\n")
    assert [section for section in SECTIONS if section not in page] == []


@pytest.mark.parametrize("name", NAMES)
def test_a_runbook_says_first_whether_its_check_blocks(name):
    [blocks] = {check.blocking for check in CHECKS if check.key.name == name}
    assert runbook(name).split("\n\n")[1].startswith("Blocking, on " if blocks else "Warns, on ")


def test_every_runbook_is_of_a_check_or_of_a_severity_of_rules():
    assert {page.stem for page in PAGES} - set(NAMES) <= set(RUNBOOKS_OF_RULES.values())


@pytest.mark.parametrize("severity", Severity)
def test_rules_of_every_severity_have_a_runbook(severity):
    assert runbook(RUNBOOKS_OF_RULES[severity])


@pytest.mark.parametrize("page", [CATALOGUE, *PAGES], ids=lambda page: page.stem)
def test_what_a_page_points_to_is_there(page):
    text = page.read_text()
    links = {page.parent / link for link in re.findall(r"\]\(([^)#]+)\)", text)}
    named = {ROOT / path for path in re.findall(r"`((?:docs|coin_platform)/[\w./]+)`", text)}
    assert sorted(str(path) for path in links | named if not path.exists()) == []


def test_every_page_that_the_code_names_is_there():
    sources = (ROOT / "coin_platform").rglob("*.py")
    named = {page for file in sources for page in re.findall(r"docs/[\w/]+\.md", file.read_text())}
    assert "docs/runbooks/failing_rules.md" in named
    assert sorted(page for page in named if not (ROOT / page).exists()) == []


def options_of(words):
    """The options of the command that the words begin with; `KeyError` where there is none."""
    command = group
    while isinstance(command, click.Group) and words:
        found = command.get_command(click.Context(command), words[0])
        if found is None:
            raise KeyError(words[0])
        command, words = found, words[1:]
    return {option for parameter in command.params for option in parameter.opts}


@pytest.mark.parametrize("page", [CATALOGUE, *PAGES], ids=lambda page: page.stem)
def test_a_page_asks_for_commands_options_and_jobs_that_are_there(page):
    text = page.read_text()
    for line in re.findall(r"`coin-platform\s([^`]+)`", text):
        words = line.split()
        assert {word for word in words if word.startswith("--")} <= options_of(words), line
    jobs = {job.name for job in defs.resolve_all_job_defs()}
    assert set(re.findall(r"job\s`(\w+)`", text)) <= jobs


@pytest.mark.parametrize("page", [CATALOGUE, *PAGES], ids=lambda page: page.stem)
def test_the_programs_of_a_page_are_valid(page):
    for program in re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL):
        compile(program, page.name, "exec")


@pytest.mark.parametrize(("table", "rule"), RULES, ids=lambda of: of.id)
def test_every_rule_says_what_is_wrong_what_to_do_and_whose_it_is(table, rule):
    assert rule.reason.endswith(".")
    assert rule.action.endswith(".")
    assert rule.owner in OWNERS


def test_no_two_rules_share_an_id():
    ids = Counter(rule.id for _, rule in RULES)
    assert [id_ for id_, count in ids.items() if count > 1] == []


def test_the_catalogue_lists_every_check_and_every_rule_once():
    rows = [cells(line) for line in catalogue(defs).splitlines() if line.startswith("| `")]
    listed = Counter((row[0].strip(" `"), re.sub(r"[ `\[]|\].*", "", row[1])) for row in rows)
    checks = Counter(("/".join(check.key.asset_key.path), check.key.name) for check in CHECKS)
    assert listed == checks + Counter((table.id, rule.id) for table, rule in RULES)


def test_a_bar_in_a_rule_s_sql_does_not_break_its_row():
    rule = Rule("odd", Severity.WARN, "name || symbol = ''", "It is odd.", "Look.")
    table = replace(COIN_QUOTES, rules=(rule,))
    [row] = [line for line in catalogue(defs, [table]).splitlines() if "`odd`" in line]
    [written] = rule_rows([table])
    assert [cell.strip().replace("\\|", "|") for cell in cells(row)] == list(written)
