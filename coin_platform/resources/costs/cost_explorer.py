"""Costs as AWS Cost Explorer has them. A request is charged at a cent, so a day takes four."""

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from coin_platform.resources.aws.errors import explained
from coin_platform.resources.costs.interface import Cost, Costs

METRIC = "UnblendedCost"
SERVICE = {"Type": "DIMENSION", "Key": "SERVICE"}
TAGS = ("Projeto", "Team", "CentroCusto")
UNTAGGED = "untagged"


class CostExplorer(Costs):
    """Asks the `ce` client. Tags must be activated as cost allocation tags, or all is untagged."""

    def __init__(self, client: Any, monthly_budget_usd: float) -> None:
        self._client = client
        self.monthly_budget_usd = monthly_budget_usd

    def of_day(self, day: date) -> list[Cost]:
        splits = {"service": SERVICE, **{tag: {"Type": "TAG", "Key": tag} for tag in TAGS}}
        return [
            Cost(dimension, name, float(amount))
            for dimension, split in splits.items()
            for name, amount in sorted(self._split(day, split).items())
        ]

    def _split(self, day: date, split: dict[str, str]) -> dict[str, Decimal]:
        amounts: dict[str, Decimal] = {}
        for key, amount in self._groups(day, split):
            name = key.partition("$")[2] if split["Type"] == "TAG" else key
            name = name or UNTAGGED
            amounts[name] = amounts.get(name, Decimal(0)) + amount
        return amounts

    def _groups(self, day: date, split: dict[str, str]) -> Iterator[tuple[str, Decimal]]:
        page: dict[str, str] = {}
        while True:
            with explained(f"asking what {day} cost by {split['Key']}"):
                answer = self._client.get_cost_and_usage(
                    TimePeriod={
                        "Start": day.isoformat(),
                        "End": (day + timedelta(days=1)).isoformat(),
                    },
                    Granularity="DAILY",
                    Metrics=[METRIC],
                    GroupBy=[split],
                    **page,
                )
            for result in answer["ResultsByTime"]:
                for group in result["Groups"]:
                    yield group["Keys"][0], Decimal(group["Metrics"][METRIC]["Amount"])
            if not answer.get("NextPageToken"):
                return
            page = {"NextPageToken": answer["NextPageToken"]}
