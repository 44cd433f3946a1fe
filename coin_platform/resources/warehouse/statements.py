"""SQL on Redshift by its Data API: no connection, no password, answers by polling."""

import time
import uuid
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from coin_platform.errors import PermanentError, PlatformError, TransientError
from coin_platform.resources.aws.errors import explained

POLL_SECONDS = 1.0
LONGEST_SECONDS = 900.0


class Redshift:
    """A database of a workgroup of Redshift Serverless."""

    def __init__(
        self, client: Any, workgroup: str, database: str, poll_seconds: float = POLL_SECONDS
    ) -> None:
        self._client, self._poll_seconds = client, poll_seconds
        self._where = {"WorkgroupName": workgroup, "Database": database}

    def transaction(self, statements: Sequence[str], doing: str) -> int:
        """Run the statements as one transaction; the number that the last of them selects.

        Raises `PermanentError` when one fails, with Redshift's message, and `TransientError` when
        they take longer than fifteen minutes. They are cancelled when we are interrupted.
        """
        with explained(doing):
            # The token lets a call that is repeated below us do nothing the second time.
            submitted = self._client.batch_execute_statement(
                Sqls=list(statements), ClientToken=uuid.uuid4().hex, **self._where
            )
        found = submitted["Id"]
        try:
            self._wait(found, doing)
        except BaseException:
            with suppress(PlatformError), explained(f"cancelling {doing}"):
                self._client.cancel_statement(Id=found)
            raise
        with explained(doing):
            answer = self._client.get_statement_result(Id=f"{found}:{len(statements)}")
        return int(answer["Records"][0][0]["longValue"])

    def _wait(self, found: str, doing: str) -> None:
        deadline = time.monotonic() + LONGEST_SECONDS
        while True:
            with explained(doing):
                state = self._client.describe_statement(Id=found)
            if state["Status"] == "FINISHED":
                return
            if state["Status"] in ("FAILED", "ABORTED"):
                raise PermanentError(
                    f"{doing}: Redshift says {state.get('Error', state['Status'])}"
                )
            if time.monotonic() > deadline:
                raise TransientError(f"{doing}: not done after {LONGEST_SECONDS:.0f} s")
            time.sleep(self._poll_seconds)
