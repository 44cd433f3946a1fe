"""The checks of every layer that compare what is found with the contract's columns and hours."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import dagster as dg

from coin_platform.contracts.measures import Measured
from coin_platform.contracts.model import Table
from coin_platform.contracts.schema import (
    Change,
    Difference,
    as_metadata,
    from_metadata,
    sentence,
    stopping,
)
from coin_platform.defs.checks import UNMEASURED, Verdict, fact_check, newest_records
from coin_platform.partitions import HOUR
from coin_platform.resources.lake import Lake

# Dagster counts a failed check as failed whatever its severity, and conditions see it: what only
# warns must be a check of its own.
SCHEMA_MATCHES = fact_check(
    "schema_matches_contract",
    "No column differs in a way that the contract stops for.",
)
NOT_DRIFTED = fact_check(
    "schema_has_not_drifted",
    "The columns are exactly the contract's, and so were the fields of the API's answers.",
    blocking=False,
)
SCHEMA = (SCHEMA_MATCHES, NOT_DRIFTED)
RECENT = fact_check(
    "data_is_recent",
    "The newest data is of its hour's close, by the data's own time.",
    blocking=False,
)

# In the metadata of an hour's materialization.
API_DRIFT = "api_drift"


def schema_facts(
    drift: Sequence[Difference], also: Sequence[Difference] = ()
) -> dict[str, Verdict]:
    """The verdicts of both schema checks; `also` is drift further up, which was gone on with."""
    stop = stopping(drift)
    every = [*also, *drift]
    if stop:
        text = sentence(stop)
    elif every:
        columns = ", ".join(dict.fromkeys(difference.column for difference in every))
        text = f"goes on, as the contract allows, with {columns}"
    else:
        text = "as the contract"
    return {
        SCHEMA_MATCHES.name: Verdict(not stop, text, differences_of(drift)),
        NOT_DRIFTED.name: Verdict(not every, sentence(every), differences_of(every)),
    }


def differences_of(drift: Sequence[Difference]) -> dict[str, Any]:
    return {"differences": as_metadata(drift)} if drift else {}


def unmeasured(drift: Sequence[Difference]) -> dict[str, Any]:
    """The fact that nothing else could be judged, where columns are gone or of other types."""
    differing = [d.column for d in drift if d.change in (Change.REMOVED, Change.RETYPED)]
    if not differing:
        return {}
    return {UNMEASURED: f"not judged, since {', '.join(differing)} is not as the contract says"}


def with_schema(
    lake: Lake,
    table: Table,
    partitions: Sequence[str],
    measure: Callable[[], Mapping[str, Measured]],
) -> dict[str, Measured]:
    """What is measured of a Delta table's partitions, with the verdicts of both schema checks.

    A table that is not as its contract is not measured: its columns could not be asked for.
    """
    drift = lake.drift(table)
    unasked = unmeasured(drift)
    counted = {} if unasked else measure()
    facts = {**schema_facts(drift), **unasked}
    return {
        partition: replace(of, facts={**of.facts, **facts})
        for partition in partitions
        for of in [counted.get(partition, Measured())]
    }


def recency(newest: datetime | None, hour: datetime) -> dict[str, Verdict]:
    """Whether the newest `last_updated` lies in the hour, or in the next, when it was asked for."""
    if newest is None:
        return {RECENT.name: Verdict(False, "no row says when it was computed")}
    return {
        RECENT.name: Verdict(
            hour <= newest < hour + 2 * HOUR,
            f"the newest row was computed at {newest:%Y-%m-%d %H:%M:%S}, the hour closed at "
            f"{hour + HOUR:%Y-%m-%d %H:%M}",
            {"newest": newest.isoformat(), "hour": hour.isoformat()},
        )
    }


def api_drift(
    instance: dg.DagsterInstance, key: dg.AssetKey, partitions: Sequence[str]
) -> Mapping[str, list[Difference]]:
    """What the API's answers of each hour differed in, as its newest materialization recorded."""
    found = {}
    for partition, record in newest_records(instance, key, partitions).items():
        event = record.asset_materialization
        recorded: Any = event.metadata.get(API_DRIFT) if event is not None else None
        found[partition] = from_metadata(recorded.value if recorded is not None else ())
    return found
