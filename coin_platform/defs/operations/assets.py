"""What a day cost, and what is left of the API's credits."""

from datetime import date, timedelta
from typing import Any

import dagster as dg

from coin_platform.contracts.operations import COSTS
from coin_platform.contracts.render import arrow_schema
from coin_platform.defs.failures import told_to_dagster
from coin_platform.defs.partitions import DAYS, window_of
from coin_platform.defs.tables import OWNERS, ROWS, column_schema, key_of, links
from coin_platform.partitions import Window, utc_now
from coin_platform.resources.coinmarketcap import QuoteSource
from coin_platform.resources.costs.interface import Costs
from coin_platform.resources.lake import Lake


@dg.asset(
    key=key_of(COSTS),
    description=COSTS.description,
    group_name=COSTS.layer,
    owners=OWNERS,
    kinds={"aws", "deltalake"},
    partitions_def=DAYS,
    metadata={"dagster/column_schema": column_schema(COSTS), **links(COSTS)},
    pool=COSTS.layer,
)
def costs(
    context: dg.AssetExecutionContext,
    costs: dg.ResourceParam[Costs],
    source: dg.ResourceParam[QuoteSource],
    lake: dg.ResourceParam[Lake],
) -> dg.MaterializeResult[None]:
    """Ask the bills, and the API's plan, and replace the day's rows."""
    import pyarrow as pa

    window = window_of(context)
    [day] = window.days
    with told_to_dagster():
        spent = costs.of_day(day)
        rows: list[dict[str, Any]] = [
            {"day": day, "dimension": c.dimension, "name": c.name, "amount": c.usd, "unit": "USD"}
            for c in spent
        ]
        rows += credits_of(source, day)
        lake.replace_rows(COSTS, pa.Table.from_pylist(rows, arrow_schema(COSTS)), window)
    by_service = {cost.name: cost.usd for cost in spent if cost.dimension == "service"}
    return dg.MaterializeResult(
        metadata={
            ROWS: len(rows),
            "usd": round(sum(by_service.values()), 2),
            **{f"usd/{name}": round(amount, 2) for name, amount in by_service.items()},
        }
    )


def credits_of(source: QuoteSource, day: date) -> list[dict[str, Any]]:
    """Credits used so far this month, if the day is of now: the API does not tell of the past."""
    if day < utc_now().date() - timedelta(days=1):
        return []
    plan = source.plan()
    if plan.credits_left is None or plan.credits_monthly is None:
        return []
    used = float(plan.credits_monthly - plan.credits_left)
    return [
        {
            "day": day,
            "dimension": "coinmarketcap",
            "name": "credits_used",
            "amount": used,
            "unit": "credits",
        }
    ]


RECORD_COSTS = dg.define_asset_job(
    "record_costs",
    dg.AssetSelection.assets(key_of(COSTS)),
    description="Record what a day cost.",
)


@dg.schedule(
    name="record_costs_daily",
    job=RECORD_COSTS,
    cron_schedule="30 12 * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Yesterday's costs, and those of the day before anew: they settle within two days.",
)
def daily(context: dg.ScheduleEvaluationContext) -> list[dg.RunRequest]:
    today = context.scheduled_execution_time.date()
    days = [today - timedelta(days=back) for back in (2, 1)]
    return [
        dg.RunRequest(run_key=f"{today} {day}", partition_key=day.strftime(DAYS.fmt))
        for day in days
        if Window.of_days(day, day).start >= DAYS.start
    ]


ASSETS = (costs,)
