"""A lake as the market page finds it, made without an engine, and what checks said of it."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pyarrow as pa

from coin_platform.contracts import curated, processed
from coin_platform.contracts.model import Table, Type
from coin_platform.contracts.render import arrow_schema
from coin_platform.partitions import Window, utc_now
from coin_platform.resources.lake import Lake
from coin_platform.resources.lake.served import ServedLake
from coin_platform.site.candles import CANDLE
from coin_platform.site.evidence import Evidence, Judged, State, Tally
from coin_platform.site.publish import Outcome, bring_up_to_date, is_due, survey
from coin_platform.site.releases import Releases
from coin_platform.site.script import value_of
from coin_platform.site.series import PARTS

NOW = datetime(2026, 5, 3, 12, 20, tzinfo=UTC)
LAST = datetime(2026, 5, 3, 11, tzinfo=UTC)  # the newest hour
COINS = 250  # of the market that the browser is shown
TINY = 2.0e-20  # a price, too
HOSTILE = [
    "</script><img src=x onerror=alert(1)>",
    '"><svg onload=alert(2)>',
    '=HYPERLINK("http://evil.example/","go")',
    "{{ 7 * 7 }}{% raw %}",
    "\u2028');alert(3);//\u2029<!--",
    "javascript:alert(4)",
    "\u202ereversed\u0000null",
]
FILLINGS: dict[Type, Any] = {
    Type.INTEGER: 0,
    Type.BIGINT: 0,
    Type.DOUBLE: None,
    Type.TEXT: "",
    Type.BOOLEAN: True,
    Type.TIMESTAMP: NOW,
    Type.DATE: NOW.date(),
}


@dataclass
class SiteLake:
    """Some days of a small market: coin `n` opens each day at `n` and gains `n` percent.

    `missing` hours are in no table; `names` are those of the coins, from id 1 on.
    """

    lake: Lake
    days: int = 3
    names: list[str] = field(default_factory=lambda: ["Alpha", "Beta", "Gamma", *HOSTILE])
    missing: set[datetime] = field(default_factory=set)
    prices: dict[int, float] = field(default_factory=dict)
    absent: set[tuple[int, date]] = field(default_factory=set)

    @property
    def served(self) -> ServedLake:
        return ServedLake(self.lake)

    @property
    def window(self) -> Window:
        return Window.of_days(LAST.date() - timedelta(days=self.days - 1), LAST.date())

    @property
    def hours(self) -> list[datetime]:
        return [h for h in self.window.hours if h <= LAST and h not in self.missing]

    def write(self, table: Table, rows: list[dict[str, Any]], window: Window | None = None) -> None:
        full = [
            {
                c.name: row.get(c.name, None if c.nullable else FILLINGS[c.type])
                for c in table.columns
            }
            for row in rows
        ]
        arrow = pa.Table.from_pylist(full, arrow_schema(table))
        self.lake.replace_rows(table, arrow, window or self.window)

    def refresh(self, day: date, **values: Any) -> None:
        """Write a day's candles again, with other values for all coins, and say so."""
        coins = range(1, len(self.names) + 1)
        candles = [{**self.candle(coin, day), **values} for coin in coins]
        self.write(curated.DAILY_COIN_PRICES, candles, Window.of_days(day, day))
        said = [self.publication(table, day) for table in curated.TABLES]
        self.write(curated.PUBLICATIONS, said, Window.of_days(day, day))

    def fill(self) -> "SiteLake":
        """Write every table that the page is made of."""
        self.write(curated.MARKET_OVERVIEW, [self.total(n, h) for n, h in enumerate(self.hours)])
        candles = [
            self.candle(coin, day)
            for day in self.window.days
            for coin in range(1, len(self.names) + 1)
            if (coin, day) not in self.absent
        ]
        self.write(curated.DAILY_COIN_PRICES, candles)
        last = [row for row in candles if row["day"] == LAST.date()]
        ranked = [{**row, "rank": n} for n, row in enumerate(last[:10], 1)]
        self.write(
            curated.DAILY_TOP_MOVERS,
            [
                {**row, "direction": way, "change": 5.0 / row["rank"] * (1 if way == "up" else -1)}
                for row in ranked
                for way in ("up", "down")
            ],
        )
        self.write(curated.TOP_PRICES, [{**row, "price": row["close"]} for row in ranked])
        self.write(
            curated.TOP_CIRCULATING_SUPPLY,
            [{**row, "circulating_supply": 1e9 * row["rank"]} for row in ranked],
        )
        self.write(curated.PUBLICATIONS, [self.publication(t, d) for t in curated.TABLES
                                          for d in self.window.days])  # fmt: skip
        self.write(
            processed.LEDGER,
            [
                {"snapshot_hour": h, "table_name": name, "raw_keys": 9, "current": 9, "written": 9}
                for h in self.hours
                for name in ("coin_quotes", "coins")
            ],
        )
        return self

    def total(self, place: int, hour: datetime) -> dict[str, Any]:
        return {
            "snapshot_hour": hour,
            "currency": "USD",
            "total_market_cap": 4e12 + place * 1e10,
            "total_volume_24h": 1.2e11 + place * 1e8,
            "largest_coin_id": 1,
            "largest_dominance": 50.0 + place / 10,
            "second_coin_id": 2,
            "second_dominance": 20.0 - place / 10,
            "coins": len(self.names),
            "source": "simulated",
        }

    def candle(self, coin: int, day: date) -> dict[str, Any]:
        price = self.prices.get(coin, float(coin))
        return {
            "day": day,
            "coin_id": coin,
            "currency": "USD",
            "name": self.names[coin - 1],
            "symbol": self.names[coin - 1][:12],
            "open": price,
            "high": price * 1.2,
            "low": price * 0.9,
            "close": price * (1 + coin / 100),
            "average_volume_24h": 1e6 * coin,
            "market_cap": 1e9 / coin,
            "dominance": 1.0,
            "hours": 12,
            "source": "simulated",
        }

    def publication(self, table: Table, day: date) -> dict[str, Any]:
        of_day = Window.of_days(day, day).hours
        absent = [hour for hour in of_day if hour not in self.hours]
        return {
            "day": day,
            "table_name": table.name,
            "hours": 24 - len(absent),
            "hours_missing": ",".join(f"{hour:%H}" for hour in absent) or None,
            "written_at": utc_now(),
            "run_id": "a-run",
        }


def evidence(*unsettled: Judged, failures: tuple[Judged, ...] = ()) -> Evidence:
    """What checks said; by default all is well."""
    tally = Tally("processed/coin_quotes", "has_rows", True, 60, len(failures), 0)
    return Evidence(unsettled, (tally,), failures, 7)


def failed(said: str = "3 rows differ") -> Judged:
    return Judged(
        "curated/daily_coin_prices", "agrees_with_processed", "2026-05-03", State.FAILED, said
    )


def publish(
    site: Releases, lake: SiteLake, found: Evidence | None = None, now: datetime = NOW
) -> Outcome:
    """Bring the site up to date, with what the checks are to say."""
    surveyed = survey(site, lake.served, 90, "USD", lambda _: found or evidence())
    return bring_up_to_date(site, lake.served, surveyed, "USD", "a-run", now)


def data(site: Releases, name: str) -> Any:
    """What a data script of the current release hands over."""
    return value_of(site.content(site.pointer().release, f"data/{name}.js"))


def coin(site: Releases, id_: int) -> dict[str, Any]:
    """A coin's series as its page puts them together."""
    history = site.histories.read(site.current().history)
    newest = data(site, f"newest/{id_ % PARTS}")["coins"].get(str(id_), {})
    past = {}
    if f"{id_}.js" in history["files"]:
        past = value_of(site.histories.content(history["id"], f"{id_}.js"))
    return {**past, **{name: [*past.get(name, []), newest.get(name)] for name in CANDLE}}


def due(site: Releases, lake: SiteLake, found: Evidence | None = None) -> bool:
    """Whether there is anything to bring up to date, with what the checks are to say."""
    return is_due(site, survey(site, lake.served, 90, "USD", lambda _: found or evidence()))
