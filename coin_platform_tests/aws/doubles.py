"""The shape of a double: a service of AWS, played where moto does not move or does not work."""

from collections.abc import Mapping
from typing import Any, Protocol


class ApiError(Exception):
    """What a service answers instead of a result."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(f"{code}: {message}")
        self.code, self.message, self.status = code, message, status


class Double(Protocol):
    """A service that speaks JSON over `X-Amz-Target`; instants are seconds since 1970."""

    target: str

    def call(self, action: str, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        """Answer a call, or raise `ApiError`."""

    def close(self) -> None:
        """Stop whatever was started."""


class RestDouble(Protocol):
    """A service whose calls are paths, below those that it names."""

    paths: tuple[str, ...]

    def rest(
        self, method: str, path: str, query: Mapping[str, str], body: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        """Answer a call, or raise `ApiError`."""

    def close(self) -> None:
        """Stop whatever was started."""
