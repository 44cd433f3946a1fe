"""What the platform asks of a source of quotes, whoever answers."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Self

from coin_platform.contracts.schema import Difference
from coin_platform.partitions import Window

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Snapshot:
    """The market as one hour closed.

    `coins` has the columns of `contracts.database.COINS` and `quotes` those of `COIN_QUOTES`, in
    contract order without `loaded_at`; each is unique in its key. `coins` is ordered by id.
    `credits` is what the vendor charged for it, `endpoint` the path that answered. `drift` is what
    of its answers was not as the contracts say, and was gone on with.
    """

    hour: datetime
    coins: "pd.DataFrame"
    quotes: "pd.DataFrame"
    credits: int
    endpoint: str
    drift: tuple[Difference, ...] = ()


@dataclass(frozen=True)
class Plan:
    """What the vendor says of the key: credits per month and left, requests per minute."""

    name: str
    credits_monthly: int | None
    credits_left: int | None
    requests_per_minute: int | None


class QuoteSource(ABC):
    """Where hours of quotes come from; a context manager that closes itself."""

    @abstractmethod
    def snapshots(
        self, window: Window, coins: int, progress: Callable[[str], None] = lambda _: None
    ) -> Iterator[Snapshot]:
        """The closed hours of a window, ascending, each with at most `coins` coins.

        The hour that closed last comes from `listings/latest`, older ones from the historical
        endpoint: today's price is never stamped on a past hour. An hour the source cannot serve
        raises before anything is yielded for it: `PermanentError` when only another plan or an
        earlier call could have, `TransientError` when trying later may help.
        Memory is bounded by one window; callers cut long ranges into chunks.
        """

    @abstractmethod
    def now(self) -> datetime:
        """The source's clock: the capture's instant for a replay, else the present, UTC."""

    @abstractmethod
    def plan(self) -> Plan:
        """What may be asked for; costs no credits."""

    @abstractmethod
    def oldest_hour(self) -> datetime | None:
        """The oldest hour that can be asked for now; None where there is no such limit."""

    def close(self) -> None:  # noqa: B027 - many a source holds nothing
        """Let go of connections and of servers started on the way; a later call opens them anew."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
