"""From the vendor's JSON to the frames of a `Snapshot`: which field becomes which column.

Both shapes of answers are read, v1 and v3; a missing or null field becomes null, except the id.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from coin_platform.contracts.database import COIN_ATTRIBUTES, COIN_QUOTES, COINS
from coin_platform.contracts.model import Table
from coin_platform.contracts.render import arrow_schema
from coin_platform.contracts.schema import Difference, merged
from coin_platform.errors import PermanentError
from coin_platform.resources.coinmarketcap.columns import column, misfit, retyped
from coin_platform.resources.coinmarketcap.fields import (
    OF_A_LISTED_COIN,
    OF_A_QUOTE,
    of_listed_quotes,
)
from coin_platform.resources.coinmarketcap.interface import Snapshot


@dataclass(frozen=True)
class Origin:
    """Who said it, for which currency; `drift` collects values that are not of their kind."""

    endpoint: str
    currency: str
    simulated: bool
    drift: list[Difference] = field(default_factory=list, compare=False)


def coin_id_of(row: Any, endpoint: str) -> int:
    """The identity of a coin's object; `PermanentError` where it has none."""
    identity = row.get("id") if isinstance(row, dict) else None
    if isinstance(identity, int) and not isinstance(identity, bool) and 0 < identity < 2**63:
        return identity
    shown = {key: row.get(key) for key in ("id", "name", "slug")} if isinstance(row, dict) else row
    raise PermanentError(
        f"{endpoint}: a coin came without a valid id ({ascii(shown)[:200]}). Nothing of this "
        "answer was used, since only an id says which coin a price belongs to."
    )


def quote_of(row: dict[str, Any], coin_id: int, origin: Origin) -> dict[str, Any]:
    """A row's quote: an entry of v1's map or of v3's list; empty where it has none."""
    quotes = row.get("quote")
    if not quotes:
        return {}
    found = None
    if isinstance(quotes, dict):
        found = quotes.get(origin.currency)
    elif isinstance(quotes, list):
        found = next(
            (q for q in quotes if isinstance(q, dict) and q.get("symbol") == origin.currency), None
        )
    if not isinstance(found, dict):
        raise misfit(origin.endpoint, coin_id, "quote", quotes, f"quote in {origin.currency}")
    return found


def coins_table(rows: Sequence[dict[str, Any]], origin: Origin) -> pa.Table:
    """The columns of `COINS` but `snapshot_hour` and `loaded_at`, in the order of the rows."""
    ids = [coin_id_of(row, origin.endpoint) for row in rows]
    platforms = [_platform_of(row, origin) for row in rows]
    values = {
        "max_supply": [_cap_of(row) for row in rows],
        "platform_id": [platform.get("id") for platform in platforms],
        "platform_name": [platform.get("name") for platform in platforms],
        "platform_token_address": [platform.get("token_address") for platform in platforms],
        "tags": [_tags_of(row, origin) for row in rows],
    }
    columns = {
        attribute.name: column(
            COINS,
            attribute.name,
            values.get(attribute.name) or [row.get(attribute.name) for row in rows],
            ids,
            origin.endpoint,
            origin.drift,
        )
        for attribute in COIN_ATTRIBUTES
    }
    return pa.table(
        {"coin_id": pa.array(ids, pa.int64()), **columns, "source": _source(origin, ids)}
    )


def listed_quotes_table(rows: Sequence[dict[str, Any]], origin: Origin) -> pa.Table:
    """The columns of `COIN_QUOTES` but `snapshot_hour` and `loaded_at`, from a listing's rows."""
    ids = [coin_id_of(row, origin.endpoint) for row in rows]
    quotes = [quote_of(row, i, origin) for row, i in zip(rows, ids, strict=True)]
    updated = [
        quote.get("last_updated") or row.get("last_updated")
        for row, quote in zip(rows, quotes, strict=True)
    ]
    return quotes_table(rows, quotes, updated, ids, origin)


def listed_drift(rows: Sequence[dict[str, Any]], origin: Origin) -> list[Difference]:
    """What of a listing's quotes is not as the contract says, values that were noted included."""
    quotes = [quote_of(row, row["id"], origin) for row in rows]
    return [*of_listed_quotes(origin.endpoint, rows, quotes), *origin.drift]


def quotes_table(
    rows: Sequence[dict[str, Any]],
    quotes: Sequence[dict[str, Any]],
    last_updated: Sequence[Any],
    coin_ids: Sequence[int],
    origin: Origin,
) -> pa.Table:
    """The columns of `COIN_QUOTES` but `snapshot_hour` and `loaded_at`.

    `rows` hold what a listing says of the coin itself (rank, supplies), `quotes` the rest.
    """
    values = {"last_updated": last_updated}
    values |= {name: [row.get(name) for row in rows] for name in OF_A_LISTED_COIN}
    values |= {
        name: [quote.get(name) for quote in quotes] for name in OF_A_QUOTE if name != "last_updated"
    }
    columns = {
        name: column(COIN_QUOTES, name, field_values, coin_ids, origin.endpoint, origin.drift)
        for name, field_values in values.items()
    }
    return pa.table(
        {
            "coin_id": pa.array(coin_ids, pa.int64()),
            "currency": pa.repeat(pa.scalar(origin.currency), len(coin_ids)),
            **columns,
            "source": _source(origin, coin_ids),
        }
    )


def snapshot(  # noqa: PLR0913  an hour, its two tables, and what is said of them
    hour: datetime,
    coins: pa.Table,
    quotes: pa.Table,
    *,
    credits_used: int,
    endpoint: str,
    drift: Iterable[Difference] = (),
) -> Snapshot:
    """The snapshot of an hour, from tables that lack `snapshot_hour`.

    Coins without a quote are left out.
    """
    quoted = np.isin(coins["coin_id"].to_numpy(), quotes["coin_id"].to_numpy())
    return Snapshot(
        hour=hour,
        coins=_frame(COINS, coins.filter(pa.array(quoted)), hour),
        quotes=_frame(COIN_QUOTES, quotes, hour),
        credits=credits_used,
        endpoint=endpoint,
        drift=tuple(merged(drift)),
    )


def _frame(contract: Table, table: pa.Table, hour: datetime) -> pd.DataFrame:
    """In contract order without `loaded_at`, by id; Arrow-backed, so that null is not NaN."""
    schema = arrow_schema(contract)
    schema = schema.remove(schema.get_field_index("loaded_at"))
    hours = pa.repeat(pa.scalar(hour, schema.field("snapshot_hour").type), table.num_rows)
    ordered = table.append_column("snapshot_hour", hours).select(schema.names).cast(schema)
    frame: pd.DataFrame = ordered.sort_by("coin_id").to_pandas(types_mapper=pd.ArrowDtype)
    return frame


def _source(origin: Origin, coin_ids: Sequence[int]) -> pa.Array:
    return pa.repeat(pa.scalar("simulated" if origin.simulated else "coinmarketcap"), len(coin_ids))


def _cap_of(row: dict[str, Any]) -> Any:
    """The largest supply; 0 and null both say that there is no known cap."""
    cap = row.get("max_supply")
    return None if type(cap) in (int, float) and cap == 0 else cap


def _platform_of(row: dict[str, Any], origin: Origin) -> dict[str, Any]:
    platform = row.get("platform")
    if platform is None or isinstance(platform, dict):
        return platform or {}
    place = (platform, row["id"], origin.endpoint, "platform object")
    origin.drift.append(retyped(COINS, "platform_id", *place))
    return {}


def _tags_of(row: dict[str, Any], origin: Origin) -> str | None:
    tags = row.get("tags")
    if tags is None:
        return None
    slugs: list[str] = []
    for tag in tags if isinstance(tags, list) else [None]:
        slug = tag.get("slug") if isinstance(tag, dict) else tag
        if not isinstance(slug, str):
            place = (tags, row["id"], origin.endpoint, "list of tags")
            origin.drift.append(retyped(COINS, "tags", *place))
            return None
        slugs.append(slug)
    return ",".join(slugs)
