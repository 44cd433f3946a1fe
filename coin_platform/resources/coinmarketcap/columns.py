"""Values of a JSON answer as Arrow columns of a contract, strictly: no number is read from text.

Null stays null, NaN stays NaN, and a number becomes the nearest double, which for the vendor's
numbers is the same one. What does not convert raises, naming the coin and the field, unless the
column's contract goes on: then it is null (ignore), or what its text says (evolve), and noted.
"""

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from types import NoneType
from typing import Any

import pyarrow as pa

from coin_platform.contracts.model import Drift, Table, Type
from coin_platform.contracts.render import arrow_type as arrow_type_of
from coin_platform.contracts.schema import Change, Difference
from coin_platform.errors import PermanentError
from coin_platform.resources.coinmarketcap.fields import kind_of, shown


def column(  # noqa: PLR0913  a column, its values, and where to note what is odd
    table: Table,
    name: str,
    values: Sequence[Any],
    coin_ids: Sequence[int],
    endpoint: str,
    drift: list[Difference],
) -> pa.Array:
    """The values as the contract's column of that name; `coin_ids` says whose they are.

    Raises `PermanentError` that names the endpoint, the coin and the field of the first value
    that is not of the column's kind, where its contract says stop; else it is added to `drift`.
    """
    kind = table.column(name).type
    arrow_type = arrow_type_of(kind)
    if kind is Type.DOUBLE and set(map(type, values)) <= {float, NoneType}:
        return pa.array(values, arrow_type)  # nearly all values of a history: nothing to convert
    convert = _CONVERTERS[kind]
    converted: list[Any] = []
    for value, coin_id in zip(values, coin_ids, strict=True):
        try:
            converted.append(None if value is None else convert(value))
        except (TypeError, ValueError, OverflowError):
            drift.append(retyped(table, name, value, coin_id, endpoint, kind.value))
            follow = table.column(name).drift is Drift.EVOLVE
            converted.append(_followed(value, kind) if follow else None)
    return pa.array(converted, arrow_type)


def retyped(  # noqa: PLR0913  a value, whose it is, and what it should be
    table: Table, name: str, value: Any, coin_id: int, endpoint: str, wanted: str
) -> Difference:
    """A value of the wrong kind, for a column that goes on without; else raises `misfit`."""
    action = table.column(name).drift
    if action is Drift.STOP:
        raise misfit(endpoint, coin_id, name, value, wanted)
    example = f"coin {coin_id}: {shown(value)}"
    return Difference(
        endpoint, name, Change.RETYPED, action, kind_of(value), wanted, values=1, example=example
    )


def misfit(endpoint: str, coin_id: int, field: str, value: Any, wanted: str) -> PermanentError:
    """The error for a value of the wrong kind."""
    return PermanentError(
        f"{endpoint}: coin {coin_id}, field {field}: {shown(value)} is not a {wanted}. Nothing of "
        "this answer was used; if the vendor changed the field, the client must follow."
    )


def _followed(value: Any, kind: Type) -> Any:
    """A value of another kind as one of this kind, where nothing is lost; else None.

    A text is what it would be as JSON, a whole number is its digits.
    """
    try:
        if kind is Type.TEXT:
            return str(value) if type(value) is int else None
        read = json.loads(value) if isinstance(value, str) else None
        return None if read is None else _CONVERTERS[kind](read)
    except (TypeError, ValueError, OverflowError, RecursionError):
        return None


def _double(value: Any) -> float:
    if type(value) is float:
        return value
    if type(value) is int:
        return float(value)
    raise TypeError


def _integer(limit: int) -> Callable[[Any], int]:
    def convert(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int | float) or value != int(value):
            raise TypeError
        if not -limit <= value < limit:
            raise OverflowError
        return int(value)

    return convert


def _text(value: Any) -> str:
    if not isinstance(value, str) or "\0" in value:  # PostgreSQL's text holds no NUL
        raise TypeError
    value.encode()  # a lone surrogate is valid JSON and no text
    return value


def _boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError
    return value


def _timestamp(value: Any) -> datetime:
    parsed = datetime.fromisoformat(value)
    return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)


_CONVERTERS: dict[Type, Callable[[Any], Any]] = {
    Type.INTEGER: _integer(2**31),
    Type.BIGINT: _integer(2**63),
    Type.DOUBLE: _double,
    Type.TEXT: _text,
    Type.BOOLEAN: _boolean,
    Type.TIMESTAMP: _timestamp,
}
