"""Cost Explorer, played: it sums line items by what it is asked, a few groups a page."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from botocore.session import get_session
from botocore.validate import ParamValidator

from coin_platform_tests.aws.doubles import ApiError

MODEL = get_session().get_service_model("ce")
PAGE = 2


@dataclass(frozen=True)
class LineItem:
    day: date
    service: str
    usd: str
    tags: Mapping[str, str] = field(default_factory=dict)


class CostsDouble:
    target = "AWSInsightsIndexService"

    def __init__(self, items: list[LineItem]) -> None:
        self.items = items

    def call(self, action: str, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        shape = MODEL.operation_model(action).input_shape
        report = ParamValidator().validate(dict(parameters), shape)
        if report.has_errors() or action != "GetCostAndUsage":
            raise ApiError("ValidationException", report.generate_report() or action)
        start, end = (date.fromisoformat(parameters["TimePeriod"][k]) for k in ("Start", "End"))
        if start >= end:
            raise ApiError("ValidationException", "Start date should be before End date")
        [by] = parameters["GroupBy"]
        amounts: dict[str, Decimal] = defaultdict(Decimal)
        for item in self.items:
            if start <= item.day < end:
                tag = f"{by['Key']}${item.tags.get(by['Key'], '')}"
                amounts[item.service if by["Type"] == "DIMENSION" else tag] += Decimal(item.usd)
        first = int(parameters.get("NextPageToken", 0))
        groups = [
            {"Keys": [key], "Metrics": {"UnblendedCost": {"Amount": str(usd), "Unit": "USD"}}}
            for key, usd in sorted(amounts.items())
        ]
        page = {"NextPageToken": str(first + PAGE)} if first + PAGE < len(groups) else {}
        period = dict(parameters["TimePeriod"])
        result = {"TimePeriod": period, "Groups": groups[first : first + PAGE], "Estimated": True}
        return {"ResultsByTime": [result], **page}

    def close(self) -> None:
        pass
