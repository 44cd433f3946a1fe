"""Values of a JSON answer as Arrow columns of a contract, strictly: no number is read from text.

Null stays null, NaN stays NaN, and a number becomes the nearest double, which for the vendor's
numbers is the same one. What does not convert raises, naming the coin and the field.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from types import NoneType
from typing import Any

import pyarrow as pa

from coin_platform.contracts.model import Table, Type
from coin_platform.contracts.render import arrow_schema
from coin_platform.errors import PermanentError


def column(
    table: Table, name: str, values: Sequence[Any], coin_ids: Sequence[int], endpoint: str
) -> pa.Array:
    """The values as the contract's column of that name; `coin_ids` says whose they are.

    Raises `PermanentError` that names the endpoint, the coin and the field of the first value
    that is not of the column's kind.
    """
    kind = table.column(name).type
    arrow_type = arrow_schema(table).field(name).type
    if kind is Type.DOUBLE and set(map(type, values)) <= {float, NoneType}:
        return pa.array(values, arrow_type)  # nearly all values of a history: nothing to convert
    convert = _CONVERTERS[kind]
    converted: list[Any] = []
    try:
        for value in values:
            converted.append(None if value is None else convert(value))  # noqa: PERF401 - its length tells who failed
    except (TypeError, ValueError, OverflowError):
        at = len(converted)
        raise misfit(endpoint, coin_ids[at], name, values[at], kind.value) from None
    return pa.array(converted, arrow_type)


def misfit(endpoint: str, coin_id: int, field: str, value: Any, wanted: str) -> PermanentError:
    """The error for a value of the wrong kind."""
    shown = ascii(value)
    shown = shown if len(shown) <= 80 else shown[:80] + "..."  # noqa: PLR2004 - fits a line
    return PermanentError(
        f"{endpoint}: coin {coin_id}, field {field}: {shown} is not a {wanted}. Nothing of this "
        "answer was used; if the vendor changed the field, the client must follow."
    )


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
