"""From the API into PostgreSQL: each hour's snapshot, upserted in one transaction."""

import time
from collections.abc import Iterator
from typing import Any

import dagster as dg

from coin_platform import home
from coin_platform.contracts.database import COIN_QUOTES, COINS
from coin_platform.contracts.schema import as_metadata, sentence
from coin_platform.defs.drift import API_DRIFT
from coin_platform.defs.failures import told_to_dagster
from coin_platform.defs.partitions import HOURS, hour_keys, window_of
from coin_platform.defs.source.assets import COINMARKETCAP
from coin_platform.defs.tables import ROWS, key_of, spec_of
from coin_platform.delivery import start_before_the_first_row
from coin_platform.partitions import Window, instant_text
from coin_platform.resources.coinmarketcap.interface import QuoteSource
from coin_platform.resources.database.interface import Database
from coin_platform.resources.replication.interface import Replication
from coin_platform.settings import Settings


@dg.multi_asset(
    name="load_market",
    specs=[
        spec_of(table, deps=[COINMARKETCAP], partitions=HOURS) for table in (COINS, COIN_QUOTES)
    ],
    backfill_policy=dg.BackfillPolicy.single_run(),
)
def load_market(
    context: dg.AssetExecutionContext,
    source: dg.ResourceParam[QuoteSource],
    database: dg.ResourceParam[Database],
    replication: dg.ResourceParam[Replication],
    settings: dg.ResourceParam[Settings],
) -> Iterator[dg.MaterializeResult[None]]:
    """Ask for each hour, oldest first, and write it before asking for more."""
    with told_to_dagster():
        started = time.monotonic()
        home.claim(settings)
        for migration in database.migrate():
            context.log.info(f"database: applied {migration}")
        start_before_the_first_row(replication, settings.delivery_timeout_seconds)
        for chunk in window_of(context).chunks(settings.chunk_hours):
            for snapshot in source.snapshots(chunk, settings.coins, context.log.info):
                written = database.upsert(snapshot.coins, snapshot.quotes)
                [partition] = hour_keys(Window.of_hour(snapshot.hour))
                context.log.info(
                    f"{instant_text(snapshot.hour)}: {written.quotes} quotes, "
                    f"{written.quotes_changed} changed"
                )
                facts: dict[str, Any] = {
                    "hour": instant_text(snapshot.hour),
                    "credits": snapshot.credits,
                    "endpoint": snapshot.endpoint,
                    "source": str(snapshot.quotes["source"].iloc[0]),
                    "coins_asked_for": settings.coins,
                }
                if snapshot.drift:
                    facts[API_DRIFT] = dg.MetadataValue.json(as_metadata(snapshot.drift))
                    context.log.warning(f"the API's answers: {sentence(snapshot.drift)}")
                for table, rows, changed in (
                    (COINS, written.coins, written.coins_changed),
                    (COIN_QUOTES, written.quotes, written.quotes_changed),
                ):
                    context.add_asset_metadata(
                        {**facts, ROWS: rows, "rows_changed": changed},
                        asset_key=key_of(table),
                        partition_key=partition,
                    )
        seconds = round(time.monotonic() - started, 3)
        for table in (COINS, COIN_QUOTES):
            yield dg.MaterializeResult(asset_key=key_of(table), metadata={"seconds": seconds})
