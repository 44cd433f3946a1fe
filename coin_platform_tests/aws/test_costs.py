"""What a day costs: by service and by tag, recorded once, and whether the month stays in budget."""

from datetime import date, timedelta

import dagster as dg
import pytest

from coin_platform.contracts.operations import COSTS
from coin_platform.definitions import build_definitions
from coin_platform.defs.operations.assets import costs, credits_of, daily
from coin_platform.defs.operations.checks import costs_check, within_budget
from coin_platform.defs.tables import key_of
from coin_platform.partitions import utc_now
from coin_platform.resources.coinmarketcap import Plan
from coin_platform.resources.costs import open_costs
from coin_platform.resources.lake import Lake
from coin_platform.settings import load
from coin_platform_tests.aws.costs_double import CostsDouble, LineItem

D = date(2026, 3, 10)
OURS = {"Projeto": "coins", "Team": "data", "CentroCusto": "42"}
ITEMS = [
    LineItem(D, "Amazon RDS", "0.4321000001", OURS),
    LineItem(D, "Amazon EMR", "1.25", OURS),
    LineItem(D, "Amazon EMR", "0.75", {"Projeto": "other"}),
    LineItem(D, "Amazon S3", "0.10"),
    LineItem(D - timedelta(days=1), "Amazon S3", "9.99", OURS),
]


class Source:
    def plan(self):
        return Plan("Basic", 10_000, 9_400, 30)


@pytest.fixture
def lake(tmp_path):
    return Lake(str(tmp_path / "lake"))


@pytest.fixture
def platform(box, aws_settings, lake):
    """Materializes a day of costs, and checks it."""
    box.serve(CostsDouble(ITEMS))
    resources = {
        "costs": open_costs(aws_settings(monthly_budget_usd=50)),
        "source": Source(),
        "lake": lake,
    }

    def run(instance, day=D, **changed):
        return dg.materialize(
            [costs, costs_check],
            partition_key=str(day),
            instance=instance,
            resources=resources | changed,
            raise_on_error=False,
        )

    return run


@pytest.fixture
def instance():
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


def amounts(lake, dimension):
    names = ["dimension", "name", "amount"]
    rows = lake.rows(COSTS, names).to_pylist()
    return {row["name"]: row["amount"] for row in rows if row["dimension"] == dimension}


def test_a_day_is_recorded_by_service_and_by_tag_and_again_changes_nothing(
    platform, lake, instance
):
    for _ in range(2):
        assert platform(instance).success
    by_service = {"Amazon EMR": 2.0, "Amazon RDS": 0.4321000001, "Amazon S3": 0.1}
    assert amounts(lake, "service") == by_service
    assert amounts(lake, "Projeto") == {"coins": 1.6821000001, "other": 0.75, "untagged": 0.1}
    assert amounts(lake, "Team") == {"data": 1.6821000001, "untagged": 0.85}
    found = instance.get_latest_materialization_event(key_of(COSTS)).asset_materialization
    assert found.metadata["usd"].value == 2.53


@pytest.mark.parametrize(("budget", "passes"), [(78.0, False), (79.0, True)])
def test_a_month_is_judged_by_its_pace(lake, platform, instance, budget, passes):
    platform(instance)
    verdict = within_budget(lake, D, budget)
    assert verdict.passed is passes  # 2.5321 a day are 78.50 in March
    assert "most by Amazon EMR 2.00" in verdict.description


def test_a_month_over_its_budget_warns_and_fails_nothing(platform, instance):
    result = platform(instance)
    assert result.success
    [check] = result.get_asset_check_evaluations()
    assert not check.passed
    assert check.severity == dg.AssetCheckSeverity.WARN


def test_what_aws_refuses_fails_the_step_and_leaves_what_was_known(box, platform, lake, instance):
    assert platform(instance).success
    before = amounts(lake, "service")
    box.fail("ce", 1, code="AccessDeniedException", message="not authorized")
    result = platform(instance)
    [failure] = result.get_step_failure_events()
    assert "may not do GetCostAndUsage" in failure.step_failure_data.error.message
    assert amounts(lake, "service") == before


def test_credits_are_recorded_of_now_only():
    today = utc_now().date()
    assert credits_of(Source(), today)[0]["amount"] == 600
    assert credits_of(Source(), today - timedelta(days=3)) == []


def test_yesterday_and_the_day_before_are_asked_for_each_day():
    at = dg.build_schedule_context(
        scheduled_execution_time=utc_now().replace(year=2026, month=3, day=11)
    )
    assert [request.partition_key for request in daily(at)] == ["2026-03-09", "2026-03-10"]


def test_only_a_deployment_that_is_paid_for_has_costs(aws_settings):
    at_home = build_definitions(load(env="local")).resolve_asset_graph()
    on_aws = build_definitions(aws_settings()).resolve_asset_graph()
    assert not at_home.has(key_of(COSTS))
    assert on_aws.has(key_of(COSTS))
