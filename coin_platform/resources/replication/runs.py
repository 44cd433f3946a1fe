"""Messages of the log as the server sent them, told apart a run at a time.

Most are inserts, or updates that come without the old row, of one table after another. Such a run
is taken at once, without decoding each; everything else goes through `pgoutput.py`.
"""

from collections.abc import Iterable, Iterator
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple

from coin_platform.resources.replication.pgoutput import Message, decode, relation_of

# What a message with a row starts with: its kind, the table's id, and what row comes first.
_HEAD = itemgetter(slice(0, 6))
_OPERATIONS = {b"I": "I", b"U": "U"}
_NEW = b"N"


class Run(NamedTuple):
    """New rows of one table in the order of the log: all inserts (`I`) or all updates (`U`)."""

    operation: str
    relation: int
    rows: list[bytes]


def runs(messages: Iterable[bytes]) -> Iterator[Run | Message]:
    """The messages, in order. Raises `ProtocolError` for one that is none."""
    for head, alike in groupby(messages, _HEAD):
        operation = _OPERATIONS.get(head[:1])
        if operation and head[5:] == _NEW:
            yield Run(operation, relation_of(head), [data[len(head) :] for data in alike])
        else:
            yield from map(decode, alike)
