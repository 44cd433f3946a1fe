"""An hour that is spoiled in every way, and where each of its rows ends."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from coin_platform.contracts import processed
from coin_platform.partitions import HOUR, Window, instant_text, last_closed_hour, utc_now
from coin_platform.resources.coinmarketcap.simulated import Simulated
from coin_platform.resources.lake import Lake, open_lake
from coin_platform.running.execute import Observer
from coin_platform.running.redrive import ledger_of
from coin_platform.running.session import run_hours
from coin_platform.settings import Settings
from coin_platform.simulator.faults import MISSING, BadValue


@dataclass(frozen=True)
class Spoiled:
    """One way to spoil a coin: the vendor's field, its wrong value, and what that is."""

    words: str
    field: str
    value: Any


@dataclass(frozen=True)
class Ended:
    """Where the row of a coin ended, and the rules it broke."""

    words: str
    coin_id: int
    ended: str
    rules: str


@dataclass(frozen=True)
class Shown:
    """All of the demonstration."""

    rows: list[Ended]
    ledger: list[dict[str, object]]
    refused: str

    @property
    def balanced(self) -> bool:
        return bool(self.ledger) and all(row["balanced"] for row in self.ledger)


def ways(hour: datetime) -> list[Spoiled]:
    """Every kind of wrong row that the API could send, and some that are merely unusual."""

    def at(instant: datetime) -> str:
        return f"{instant:%Y-%m-%dT%H:%M:%S}.000Z"

    return [
        Spoiled("no price", "price", None),
        Spoiled("a negative price", "price", -1.5),
        Spoiled("a price that is no number", "price", float("nan")),
        Spoiled("an infinite price", "price", float("inf")),
        Spoiled("a quote computed hours later", "last_updated", at(hour + 5 * HOUR)),
        Spoiled("a quote of last week", "last_updated", at(hour - timedelta(days=7))),
        Spoiled("more coins in circulation than exist", "circulating_supply", 1e30),
        Spoiled("a market cap that contradicts the price", "market_cap", 42.0),
        Spoiled("a fall by more than everything", "percent_change_24h", -150.0),
        Spoiled("a negative volume", "volume_24h", -7.0),
        Spoiled("a volume that is no number", "volume_24h", float("nan")),
        Spoiled("a coin without a name", "name", " "),
        Spoiled("a supply of 0, which is usual", "total_supply", 0),
        Spoiled("no largest supply, which is usual", "max_supply", None),
    ]


def spoiled_hour(settings: Settings, observer: Observer) -> Shown:
    """Materialize the hour that closed last with spoiled rows, then one that must be refused."""
    hour = last_closed_hour(utc_now())
    coins = coin_ids(settings, hour)
    spoiled = dict(zip(coins, ways(hour), strict=False))
    faults = [BadValue(coin, way.field, way.value) for coin, way in spoiled.items()]
    source = Simulated(settings.simulator_seed, faults=faults)
    try:
        run_hours(settings, [hour], observer, {"source": source})
    finally:
        source.close()
    lake, window = open_lake(settings), Window.of_hour(hour)
    found = where(lake, window)
    rows = [Ended(way.words, coin, *found(coin)) for coin, way in spoiled.items()]
    return Shown(rows, ledger_of(lake, window), refusal(settings, hour - HOUR, coins[0], observer))


def coin_ids(settings: Settings, hour: datetime) -> list[int]:
    """The ids of the coins that the source will give for the hour, the largest one left out."""
    source = Simulated(settings.simulator_seed)
    try:
        [snapshot] = source.snapshots(Window.of_hour(hour), settings.coins)
    finally:
        source.close()
    ranked = snapshot.quotes.sort_values("market_cap", ascending=False)
    return [int(coin) for coin in ranked["coin_id"]][1:]


def where(lake: Lake, window: Window) -> Any:
    """A function that says of a coin where its rows of the window ended, and the rules broken."""
    kept = by_coin(lake, processed.COIN_QUOTES, "warnings", window)
    out = by_coin(lake, processed.QUARANTINED_COIN_QUOTES, "rules", window)
    coins_out = by_coin(lake, processed.QUARANTINED_COINS, "rules", window)

    def of(coin: int) -> tuple[str, str]:
        if coin in out:
            return "quarantined_coin_quotes", str(out[coin])
        if coin in coins_out:
            return "quarantined_coins", str(coins_out[coin])
        if coin in kept:
            return ("coin_quotes, with a warning" if kept[coin] else "coin_quotes"), kept[
                coin
            ] or ""
        return "nowhere", ""

    return of


def by_coin(lake: Lake, table: Any, column: str, window: Window) -> dict[int, str | None]:
    rows = lake.rows(table, ["coin_id", column], window).to_pylist()
    return {row["coin_id"]: row[column] for row in rows}


def refusal(settings: Settings, hour: datetime, coin: int, observer: Observer) -> str:
    """What is said when a coin comes without an id, which nothing can be attributed to."""
    source = Simulated(settings.simulator_seed, faults=[BadValue(coin, "id", MISSING)])
    try:
        report = run_hours(settings, [hour], observer, {"source": source})
    finally:
        source.close()
    reasons = "; ".join(report.failed_runs.values()) or "it was not refused"
    return f"A coin without an id, in hour {instant_text(hour)}: {reasons}"
