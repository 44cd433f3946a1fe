"""Calls of DMS, with its errors told apart, and waiting for what it does on its own."""

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

from coin_platform.errors import TransientError
from coin_platform.resources.aws.errors import explained

T = TypeVar("T")

PATIENCE_SECONDS = 1800.0  # a replication instance takes a quarter of an hour to be made
PAGE = 100


class Calls:
    """Calls through the client that `client` gives; errors are the platform's own.

    Between two looks at something that DMS works on lie `poll_seconds`; after `patience_seconds`
    it is given up, and DMS works on.
    """

    def __init__(
        self,
        client: Callable[[], Any],
        poll_seconds: float,
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> None:
        self._client = client
        self.poll_seconds = poll_seconds
        self.patience_seconds = patience_seconds

    def __call__(self, doing: str, action: str, **parameters: Any) -> Mapping[str, Any]:
        """Call; `doing` says in an error what was attempted."""
        with explained(doing):
            answer: Mapping[str, Any] = getattr(self._client(), action)(**parameters)
            return answer

    def find(
        self, action: str, key: str, by: Mapping[str, str], **parameters: Any
    ) -> Mapping[str, Any] | None:
        """The one thing below `key` that the filters `by` let through; None where there is none."""
        filters = [{"Name": name, "Values": [value]} for name, value in by.items()]
        with explained(f"looking for {', '.join(by.values())} in DMS"):
            client = self._client()
            try:
                answer = getattr(client, action)(Filters=filters, **parameters)
            except client.exceptions.ResourceNotFoundFault:  # how DMS says: none
                return None
        found: list[Mapping[str, Any]] = answer.get(key, [])
        return found[0] if found else None

    def make(
        self,
        doing: str,
        action: str,
        already: str = "ResourceAlreadyExistsFault",
        **parameters: Any,
    ) -> bool:
        """Have something made; False where somebody else just has, which is as good.

        `already` is the fault by which DMS says so.
        """
        with explained(doing):
            client = self._client()
            try:
                getattr(client, action)(**parameters)
            except getattr(client.exceptions, already):
                return False
        return True

    def every(self, doing: str, action: str, key: str, **parameters: Any) -> Iterator[Any]:
        """What all pages hold below `key`; nothing for what has not come so far as to have any."""
        marker: dict[str, str] = {}
        while True:
            with explained(doing):
                client = self._client()
                too_early = (
                    client.exceptions.ResourceNotFoundFault,
                    client.exceptions.InvalidResourceStateFault,
                )
                try:
                    answer = getattr(client, action)(MaxRecords=PAGE, **parameters, **marker)
                except too_early:
                    return
            yield from answer.get(key, [])
            if not answer.get("Marker"):
                return
            marker = {"Marker": answer["Marker"]}

    def wait(self, what: str, look: Callable[[], T | None]) -> T:
        """What `look` returns once that is not None. Raises `TransientError` out of patience."""
        deadline = time.monotonic() + self.patience_seconds
        while (result := look()) is None:
            if time.monotonic() > deadline:
                raise TransientError(
                    f"{what} takes more than {self.patience_seconds:.0f} s; DMS works on, "
                    "and the next start goes on from there"
                )
            time.sleep(self.poll_seconds)
        return result
