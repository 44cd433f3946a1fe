"""What the platform asks of the bills."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True)
class Cost:
    """What a part of the deployment cost in US dollars: of a service, or of what bears a tag."""

    dimension: str
    name: str
    usd: float


class Costs(ABC):
    """What was spent, by day, and what may be spent by month."""

    monthly_budget_usd: float

    @abstractmethod
    def of_day(self, day: date) -> list[Cost]:
        """By service, and by the value of each tag; each split sums to the whole account's day."""
