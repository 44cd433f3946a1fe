"""The JSON of the vendor's answers, in the shapes of v1 and v3, filled from the market."""

import json
import math
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
import numpy.typing as npt

from coin_platform.partitions import HOUR
from coin_platform.simulator.catalogue import Coin
from coin_platform.simulator.faults import MISSING, BadValue
from coin_platform.simulator.market import Market
from coin_platform.simulator.noise import Integers

_EXACT_INTEGERS_BELOW = 1e21  # from there on the vendor's serializer writes an exponent
_CREDITS_MONTHLY = 15_000


def hour_number(instant: datetime) -> int:
    """Whole hours since 1970."""
    return int(instant.timestamp() // HOUR.total_seconds())


def ok(data: Any, version: int, at: datetime, credits_used: int, **more: Any) -> bytes:
    """An answer without error; v3 writes its code as text. `more` goes into the status."""
    status: dict[str, Any] = {"timestamp": _iso(at), "credit_count": credits_used}
    if version == 1:
        status |= {"error_code": 0, "error_message": None, "elapsed": 12}
        status |= {"notice": None}
    else:
        status |= {"error_code": "0", "error_message": "", "elapsed": "12"}
    return json.dumps({"data": data, "status": {**status, **more}}, ensure_ascii=False).encode()


def error(code: int, message: str, version: int, at: datetime) -> bytes:
    """An answer that is an error: it has no data."""
    shown = code if version == 1 else str(code)
    status = {"timestamp": _iso(at), "error_code": shown, "error_message": message}
    return json.dumps({"status": {**status, "elapsed": 0, "credit_count": 0}}).encode()


def key_info() -> dict[str, Any]:
    """Plan and usage as of the Basic plan, of which nothing was used."""
    plan = {
        "credit_limit_monthly": _CREDITS_MONTHLY,
        "credit_limit_monthly_reset": "In 3 days",
        "rate_limit_minute": 50,
    }
    usage = {
        "current_minute": {"requests_made": 0, "requests_left": 50},
        "current_day": {"credits_used": 0},
        "current_month": {"credits_used": 0, "credits_left": _CREDITS_MONTHLY},
    }
    return {"plan": plan, "usage": usage}


class Ranking:
    """The whole listing as one hour closed, largest capitalization first."""

    def __init__(self, market: Market, hour: int) -> None:
        """`hour` is the hour that closed, counted from 1970."""
        self._market = market
        self._hour = hour
        hours = np.array([hour])
        rows = np.arange(len(market.coins))
        rows = rows[market.listed(rows, hours)[:, 0]]
        quotes = {name: values[:, 0] for name, values in market.quotes(rows, hours).items()}
        order = np.lexsort((rows, -quotes["market_cap"]))
        self._rows = rows[order]
        self._quotes = {name: values[order].tolist() for name, values in quotes.items()}
        self._total_cap = math.fsum(self._quotes["market_cap"])
        self._updated = market.last_updated_us(self._rows, hours)[:, 0]

    def __len__(self) -> int:
        return len(self._rows)

    def page(
        self, first: int, last: int, version: int, bad: Sequence[BadValue] = (), newer_by: int = 0
    ) -> list[dict[str, Any]]:
        """The coins of ranks `first + 1` to `last`, quoted `newer_by` seconds later than usual."""
        updated = _iso_each(self._updated[first:last] + newer_by * 1_000_000)
        fields = {name: values[first:last] for name, values in self._quotes.items()}
        page = []
        for offset, row in enumerate(self._rows[first:last].tolist()):
            coin = self._market.coins[row].at(self._hour + 1)
            quote = {name: values[offset] for name, values in fields.items()}
            most = coin.max_supply or coin.total_supply or coin.circulating_supply
            quote["market_cap_dominance"] = quote["market_cap"] / self._total_cap * 100
            quote["fully_diluted_market_cap"] = quote["price"] * most
            quote["last_updated"] = updated[offset]
            entry = self._entry(coin, first + offset + 1, updated[offset], version)
            _spoil(entry, quote, coin.id, bad)
            shaped = {"USD": quote} if version == 1 else [{"id": 2781, "symbol": "USD", **quote}]
            page.append({"quote": shaped} | entry)
        return page

    def _entry(self, coin: Coin, rank: int, updated: str, version: int) -> dict[str, Any]:
        """A coin's own fields."""
        platform = None
        if coin.chain is not None and coin.chain < len(self._market.coins):
            chain = self._market.coins[coin.chain]
            platform = {"id": chain.id, "name": chain.name, "symbol": chain.symbol}
            platform |= {"slug": chain.slug, "token_address": coin.token_address}
        tags = coin.tags if version == 1 else [{"slug": t, "category": "OTHERS"} for t in coin.tags]
        return {
            "id": coin.id,
            "name": coin.name,
            "symbol": coin.symbol,
            "slug": coin.slug,
            "num_market_pairs": coin.market_pairs,
            "date_added": _iso(coin.date_added),
            "tags": list(tags),
            "max_supply": None if coin.max_supply is None else _published(coin.max_supply),
            "circulating_supply": _published(coin.circulating_supply),
            "total_supply": _published(coin.total_supply),
            "infinite_supply": coin.infinite_supply,
            "platform": platform,
            "cmc_rank": rank if coin.circulating_supply else None,
            "self_reported_circulating_supply": None,
            "self_reported_market_cap": None,
            "tvl_ratio": None,
            "last_updated": updated,
        }


def history(
    market: Market, rows: Integers, hours: Integers, at: datetime, bad: Sequence[BadValue] = ()
) -> dict[str, Any]:
    """The data of v3 quotes/historical: by coin id, a point for each hour it was listed."""
    fields = {name: values.tolist() for name, values in market.quotes(rows, hours).items()}
    updated = _iso_each(market.last_updated_us(rows, hours))
    listed = market.listed(rows, hours).tolist()
    data = {}
    for number, row in enumerate(rows.tolist()):
        coin = market.coins[row].at(hour_number(at))
        supplies = (_published(coin.circulating_supply), _published(coin.total_supply))
        names = (*fields, "timestamp", "circulating_supply", "total_supply")
        series = zip(*(each[number] for each in fields.values()), updated[number], strict=True)
        points = []
        for values, timestamp, present in zip(series, updated[number], listed[number], strict=True):
            if present:
                quote = dict(zip(names, (*values, *supplies), strict=True))
                _spoil({}, quote, coin.id, bad)
                points.append({"timestamp": timestamp, "quote": {"USD": quote}})
        data[str(coin.id)] = {
            "id": coin.id,
            "name": coin.name,
            "symbol": coin.symbol,
            "is_active": 1,
            "is_fiat": 0,
            "quotes": points,
        }
    return data


def _spoil(
    entry: dict[str, Any], quote: dict[str, Any], coin_id: int, bad: Sequence[BadValue]
) -> None:
    """Apply the bad values that are meant for a coin."""
    for fault in bad:
        if fault.coin_id in (coin_id, None):
            for owner in [o for o in (entry, quote) if fault.field in o] or [entry]:
                owner[fault.field] = fault.value
                if fault.value is MISSING:
                    del owner[fault.field]


def _published(supply: float) -> int | float:
    """A whole number without a fraction, as the vendor writes it."""
    return int(supply) if supply < _EXACT_INTEGERS_BELOW else supply


def _iso(instant: datetime) -> str:
    utc = instant.astimezone(UTC).replace(tzinfo=None)
    return utc.isoformat(timespec="milliseconds") + "Z"


def _iso_each(microseconds: npt.NDArray[np.int64]) -> Any:
    """Instants since 1970 as nested lists of texts, to the millisecond."""
    instants = microseconds.astype("datetime64[us]")
    return np.char.add(np.datetime_as_string(instants, unit="ms"), "Z").tolist()
