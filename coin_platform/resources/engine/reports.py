"""What a job that runs elsewhere reports, as JSON and back: outcomes, measurements and failures.

Written by `transforms/step.py` on the cluster, read by `resources/engine/emr`.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any

from coin_platform.contracts.measures import Measured
from coin_platform.errors import PermanentError, PlatformError, SettingsError, TransientError
from coin_platform.partitions import Window
from coin_platform.resources.engine.interface import Outcome

OUTCOME, MEASURED, FAILURE = "outcome", "measured", "failure"
INSTANT, DATE = "$instant", "$date"
KINDS: dict[str, type[PlatformError]] = {
    error.__name__: error for error in (TransientError, PermanentError, SettingsError)
}


def outcome_json(outcome: Outcome) -> dict[str, Any]:
    return asdict(outcome)


def outcome_of(given: Mapping[str, Any]) -> Outcome:
    return Outcome(**given)


def failure_json(error: PlatformError) -> dict[str, str]:
    return {"kind": type(error).__name__, "message": str(error)}


def failure_of(given: Mapping[str, str]) -> PlatformError:
    """The same error; one of a kind that is not known here is permanent."""
    return KINDS.get(given["kind"], PermanentError)(given["message"])


@dataclass(frozen=True)
class Measurements:
    """What was measured of a table, and at which versions of the tables that were read for it."""

    versions: dict[str, int | None]
    partitions: dict[str, Measured]


def measurements_json(found: Measurements) -> dict[str, Any]:
    return {
        "versions": found.versions,
        "partitions": {
            partition: {
                "rows": of.rows,
                "keys": of.keys,
                "broken": dict(of.broken),
                "facts": {name: value_json(value) for name, value in of.facts.items()},
            }
            for partition, of in found.partitions.items()
        },
    }


def measurements_of(given: Mapping[str, Any]) -> Measurements:
    return Measurements(
        dict(given["versions"]),
        {
            partition: Measured(
                of["rows"],
                of["keys"],
                of["broken"],
                {name: value_of(value) for name, value in of["facts"].items()},
            )
            for partition, of in given["partitions"].items()
        },
    )


def value_json(value: Any) -> Any:
    """A fact as JSON, which has neither instants nor dates."""
    if isinstance(value, datetime):
        return {INSTANT: value.isoformat()}
    if isinstance(value, date):
        return {DATE: value.isoformat()}
    return value


def value_of(value: Any) -> Any:
    if isinstance(value, dict) and INSTANT in value:
        return datetime.fromisoformat(value[INSTANT])
    if isinstance(value, dict) and DATE in value:
        return date.fromisoformat(value[DATE])
    return value


def measurements_key(table: str, version: int | None, window: Window) -> str:
    """Where the measurements of a window are kept, in the platform's bucket."""
    span = f"{window.start:%Y%m%dT%H}-{window.end:%Y%m%dT%H}"
    return f"measured/{table}/{version}/{span}.json"
