"""From raw to processed: the latest version of every row, typed, as Delta tables."""

from collections.abc import Iterator

import dagster as dg

from coin_platform.contracts import processed, raw
from coin_platform.defs.partitions import HOURS
from coin_platform.defs.tables import key_of, spec_of
from coin_platform.defs.transforms import materialize
from coin_platform.resources.engine.interface import Engine
from coin_platform.settings import Settings


@dg.multi_asset(
    name="process_coin_quotes",
    specs=[spec_of(processed.COIN_QUOTES, deps=[key_of(raw.COIN_QUOTES)], partitions=HOURS)],
    backfill_policy=dg.BackfillPolicy.single_run(),
)
def coin_quotes(
    context: dg.AssetExecutionContext,
    engine: dg.ResourceParam[Engine],
    settings: dg.ResourceParam[Settings],
) -> Iterator[dg.MaterializeResult[None]]:
    """Replace the hours' slice with the latest version of each quote in raw."""
    yield from materialize(context, engine, processed.COIN_QUOTES, settings.chunk_hours)


@dg.multi_asset(
    name="process_coins",
    specs=[spec_of(processed.COINS, deps=[key_of(raw.COINS)], partitions=HOURS)],
    backfill_policy=dg.BackfillPolicy.single_run(),
)
def coins(
    context: dg.AssetExecutionContext,
    engine: dg.ResourceParam[Engine],
    settings: dg.ResourceParam[Settings],
) -> Iterator[dg.MaterializeResult[None]]:
    """Merge the hours' changes of coins into their history."""
    yield from materialize(context, engine, processed.COINS, settings.chunk_hours)
