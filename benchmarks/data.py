"""The made-up market that the works run on: any hours of any number of coins, always the same.

Full of digits, as the vendor's doubles are, and with nulls where the vendor has them; no row breaks
a rule that would keep it out.
"""

from datetime import UTC, datetime, timedelta

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from coin_platform.contracts.database import COIN_QUOTES, COINS
from coin_platform.contracts.render import arrow_schema
from coin_platform.partitions import HOUR, Window

FIRST_HOUR = datetime(2026, 1, 1, tzinfo=UTC)
SOURCE = "simulated"


def window(hours: int, start: datetime = FIRST_HOUR) -> Window:
    return Window(start, start + HOUR * hours)


def quotes(coins: int, hour: datetime) -> pa.Table:
    """An hour of quotes in the columns of database/coin_quotes, by coin id."""
    number = (hour - FIRST_HOUR) // HOUR
    random = np.random.default_rng([number % (1 << 32), coins])
    ids = np.arange(1, coins + 1)
    base = 10.0 ** (4.0 - 12.0 * ids / coins)
    price = base * np.exp(0.3 * np.sin(number / 50 + ids) + random.normal(0, 0.01, coins))
    supply = np.round(1e12 / base**0.8 / ids, 2)
    cap = price * supply
    rank = np.empty(coins, np.int32)
    rank[np.argsort(-cap)] = np.arange(1, coins + 1)
    change: dict[str, npt.NDArray[np.float64]] = {
        f"percent_change_{span}": random.normal(0, scale, coins)
        for span, scale in (("1h", 1), ("24h", 4), ("7d", 9), ("30d", 15), ("60d", 20), ("90d", 25))
    }
    values: dict[str, object] = {
        "snapshot_hour": [hour] * coins,
        "coin_id": ids,
        "currency": ["USD"] * coins,
        "last_updated": [hour + HOUR - timedelta(seconds=60)] * coins,
        "cmc_rank": rank,
        "num_market_pairs": (ids * 7919 % 900 + 1).astype(np.int32),
        "circulating_supply": supply,
        "total_supply": supply * 1.25,
        "price": price,
        "volume_24h": cap * random.uniform(0.01, 0.2, coins),
        "volume_change_24h": pa.array(random.normal(0, 30, coins), mask=ids % 11 == 0),
        **change,
        "market_cap": cap,
        "market_cap_dominance": np.minimum(100.0, 100 * cap / cap.sum()),
        "fully_diluted_market_cap": price * supply * 1.25,
        "source": [SOURCE] * coins,
        "loaded_at": [hour + HOUR + timedelta(minutes=2)] * coins,
    }
    schema = arrow_schema(COIN_QUOTES)
    return pa.table([pa.array(values[f.name], f.type) for f in schema], schema=schema)


def coins(count: int, hour: datetime) -> pa.Table:
    """What is known of the coins, in the columns of database/coins."""
    ids = np.arange(1, count + 1)
    values: dict[str, object] = {
        "coin_id": ids,
        "name": [f"Coin {n}" for n in ids],
        "symbol": [f"C{n % 4_700}" for n in ids],
        "slug": [f"coin-{n}" for n in ids],
        "date_added": [FIRST_HOUR - timedelta(days=365)] * count,
        "max_supply": pa.array(ids * 1e6, mask=ids % 3 == 0),
        "infinite_supply": ids % 5 == 0,
        "platform_id": pa.array(ids % 40 + 1, mask=ids % 2 == 0),
        "platform_name": pa.array([f"Chain {n % 40}" for n in ids], mask=ids % 2 == 0),
        "platform_token_address": pa.array([f"0x{n:040x}" for n in ids], mask=ids % 2 == 0),
        "tags": ["mineable,pow,store-of-value"] * count,
        "snapshot_hour": [hour] * count,
        "source": [SOURCE] * count,
        "loaded_at": [hour + HOUR + timedelta(minutes=2)] * count,
    }
    schema = arrow_schema(COINS)
    return pa.table([pa.array(values[f.name], f.type) for f in schema], schema=schema)
