"""What the history of coins must be: changes applied one after the other, in plain Python."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import zip_longest

from coin_platform.contracts import processed
from coin_platform_tests.integration.change_log_model import Row, Source

COLUMNS = processed.COINS.column_names


@dataclass
class Coin:
    """One coin's versions by the hour that brought them, and the instants at which it ended."""

    versions: dict[datetime, Row] = field(default_factory=dict)
    ends: list[datetime] = field(default_factory=list)
    exists: bool = False

    def put(self, row: Row) -> None:
        """A version from its hour on; the coin did not end if it is back with an hour before."""
        hour = row["snapshot_hour"]
        self.versions[hour] = row
        self.ends = [end for end in self.ends if end < hour]
        self.exists = True

    def delete(self, at: datetime) -> None:
        if self.exists:
            self.ends.append(at)
        self.exists = False

    def rows(self) -> Iterator[Row]:
        hours = sorted(self.versions)
        for hour, following in zip_longest(hours, hours[1:]):
            until = [end for end in (following, *self.ends) if end is not None and end >= hour]
            end = min(until, default=None)
            span = {"valid_from": hour, "valid_to": end, "is_current": end is None}
            yield {name: (self.versions[hour] | span).get(name) for name in COLUMNS}


def history_of(source: Source) -> list[Row]:
    """The rows of processed/coins that log and load of `market.coins` amount to."""
    coins: dict[int, Coin] = defaultdict(Coin)
    load = source.load
    position = load.position if load else 0
    apply(coins, source.log[:position])
    if load:
        known = {key for (key,) in load.at_start}
        for coin_id in coins.keys() - known:
            coins[coin_id].delete(load.started)
        for row in load.untouched:
            coins[row["coin_id"]].put(row)
    apply(coins, source.log[position:])
    return in_order(row for coin in coins.values() for row in coin.rows())


def apply(coins: dict[int, Coin], changes: Iterable[Row]) -> None:
    for row in changes:
        if row["Op"] == "D":
            at = datetime.fromisoformat(row["commit_timestamp"]).replace(tzinfo=UTC)
            coins[row["coin_id"]].delete(at)
        else:
            coins[row["coin_id"]].put(row)


def in_order(rows: Iterable[Row]) -> list[Row]:
    return sorted(rows, key=lambda row: (row["coin_id"], row["valid_from"]))
