"""Snapshots for tests of the database: frames as a source of quotes gives them."""

from datetime import UTC, datetime

import pandas as pd
import pyarrow as pa

from coin_platform.contracts.database import COIN_QUOTES, COINS
from coin_platform.contracts.render import arrow_schema
from coin_platform.partitions import HOUR

H0 = datetime(2026, 11, 22, 10, tzinfo=UTC)
H1, H2 = H0 + HOUR, H0 + 2 * HOUR


def frame(table, rows):
    """Rows (dicts; what is missing is null) as a frame with Arrow types, without `loaded_at`."""
    schema = arrow_schema(table)
    schema = schema.remove(schema.get_field_index("loaded_at"))
    nullable = pa.schema([field.with_nullable(True) for field in schema])
    return pa.Table.from_pylist(rows, schema=nullable).to_pandas(types_mapper=pd.ArrowDtype)


def coins(hour, *ids, **facts):
    """One row for each id, all with the same facts."""
    return frame(
        COINS,
        [
            {"coin_id": coin, "name": f"Coin {coin}", "snapshot_hour": hour, "source": "simulated"}
            | facts
            for coin in ids
        ],
    )


def quotes(hour, *ids, **facts):
    """One row for each id, all with the same facts."""
    known = {"snapshot_hour": hour, "currency": "USD", "price": 1.5, "source": "simulated"}
    return frame(COIN_QUOTES, [{"coin_id": coin} | known | facts for coin in ids])
