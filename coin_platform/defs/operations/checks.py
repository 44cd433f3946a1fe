"""Whether a month stays within its budget."""

from calendar import monthrange
from collections import Counter
from collections.abc import Iterator
from datetime import date

import dagster as dg

from coin_platform.contracts.measures import Measured
from coin_platform.contracts.operations import COSTS
from coin_platform.defs.checks import Verdict, fact_check, report, specs_of
from coin_platform.defs.partitions import DAYS, day_keys, window_of
from coin_platform.partitions import Window
from coin_platform.resources.costs.interface import Costs
from coin_platform.resources.lake import Lake

MOST_NAMED = 3

WITHIN_BUDGET = fact_check(
    "month_is_within_budget",
    "The month up to the day, and the month at the pace of its days so far, cost no more than the "
    "budget.",
    blocking=False,
)


def within_budget(lake: Lake, day: date, budget: float) -> Verdict:
    """Judge the month of the day by the rows of its days up to that one."""
    month = Window.of_days(day.replace(day=1), day)
    by_day: Counter[date] = Counter()
    by_service: Counter[str] = Counter()
    names = ["day", "dimension", "name", "amount"]
    for row in lake.rows(COSTS, names, month).to_pylist():
        if row["dimension"] == "service":
            by_day[row["day"]] += row["amount"]
            by_service[row["name"]] += row["amount"]
    spent = float(sum(by_day.values()))
    pace = spent / len(by_day) if by_day else 0.0
    projected = pace * monthrange(day.year, day.month)[1]
    most = ", ".join(f"{name} {usd:.2f}" for name, usd in by_service.most_common(MOST_NAMED))
    return Verdict(
        max(spent, projected) <= budget,
        f"{spent:.2f} USD in {len(by_day)} days of {day:%Y-%m}, {projected:.2f} at this pace, of "
        f"{budget:.2f}; most by {most or 'nothing'}",
        {"spent_usd": spent, "projected_usd": projected, "budget_usd": budget},
    )


@dg.multi_asset_check(
    name="check_operations_costs", specs=specs_of(COSTS, DAYS, [WITHIN_BUDGET]), can_subset=True
)
def costs_check(
    context: dg.AssetCheckExecutionContext,
    costs: dg.ResourceParam[Costs],
    lake: dg.ResourceParam[Lake],
) -> Iterator[dg.AssetCheckEvaluation | dg.Output[None]]:
    window = window_of(context)
    measured = {
        key: Measured(
            facts={WITHIN_BUDGET.name: within_budget(lake, day, costs.monthly_budget_usd)}
        )
        for key, day in zip(day_keys(window), window.days, strict=True)
    }
    yield from report(context, COSTS, [WITHIN_BUDGET], measured)


CHECKS = (costs_check,)
