"""Decoder of PostgreSQL's logical replication messages, protocol version 1, text values.

Pure: bytes in, one message out; rows stay bytes, which `tuples.py` reads. Layouts are those of
PostgreSQL's manual, "Logical Replication Message Formats". What a change means for the raw files
is decided in `changes.py`.
"""

import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from coin_platform.resources.replication.source_column import SourceColumn
from coin_platform.resources.replication.tuples import ProtocolError, end_of


class RelationColumn(NamedTuple):
    """A column of a relation; `identity` says that it is part of the replica identity."""

    column: SourceColumn
    identity: bool


@dataclass(slots=True)
class Begin:
    """Start of a transaction. Times are microseconds since 2000-01-01 UTC, as everywhere here."""

    commit_lsn: int
    commit_time: int
    xid: int


@dataclass(slots=True)
class Commit:
    """End of a transaction; `end_lsn` is the position after it."""

    commit_lsn: int
    end_lsn: int
    commit_time: int


@dataclass(slots=True)
class Origin:
    """Where a transaction that was itself replicated comes from."""

    lsn: int
    name: str


@dataclass(slots=True)
class Relation:
    """A table's shape, sent before its first row and again when it changed."""

    oid: int
    schema: str
    name: str
    replica_identity: str  # d: primary key, f: full row, i: an index, n: nothing
    columns: list[RelationColumn]


@dataclass(slots=True)
class Type:
    """The name of a type that is not built in."""

    oid: int
    schema: str
    name: str


@dataclass(slots=True)
class Insert:
    """A new row."""

    relation: int
    new: bytes


@dataclass(slots=True)
class Update:
    """`old` is None unless the identity changed or is the full row; `old_is_full` tells which."""

    relation: int
    old: bytes | None
    old_is_full: bool
    new: bytes


@dataclass(slots=True)
class Delete:
    """A removed row: the full row, or its replica identity and nulls."""

    relation: int
    old: bytes
    old_is_full: bool


@dataclass(slots=True)
class Truncate:
    """Tables emptied at once."""

    relations: list[int]
    cascade: bool
    restart_identity: bool


@dataclass(slots=True)
class LogicalMessage:
    """What `pg_logical_emit_message` wrote."""

    transactional: bool
    lsn: int
    prefix: str
    content: bytes


Message = (
    Begin | Commit | Origin | Relation | Type | Insert | Update | Delete | Truncate | LogicalMessage
)

_BEGIN = struct.Struct(">qqI")
_COMMIT = struct.Struct(">Bqqq")
_INT16 = struct.Struct(">h")
_UINT32 = struct.Struct(">I")
_INT64 = struct.Struct(">q")
_COLUMN_TYPE = struct.Struct(">Ii")
_TRUNCATE = struct.Struct(">IB")
_MESSAGE = struct.Struct(">Bq")
_LENGTH = struct.Struct(">I").unpack_from
_NEW, _OLD = b"NO"


def _string(data: bytes, at: int) -> tuple[str, int]:
    end = data.index(0, at)
    return data[at:end].decode(), end + 1


def _begin(data: bytes) -> tuple[Begin, int]:
    return Begin(*_BEGIN.unpack_from(data, 1)), 1 + _BEGIN.size


def _commit(data: bytes) -> tuple[Commit, int]:
    _, commit_lsn, end_lsn, commit_time = _COMMIT.unpack_from(data, 1)
    return Commit(commit_lsn, end_lsn, commit_time), 1 + _COMMIT.size


def _origin(data: bytes) -> tuple[Origin, int]:
    name, at = _string(data, 9)
    return Origin(_INT64.unpack_from(data, 1)[0], name), at


def _relation(data: bytes) -> tuple[Relation, int]:
    (oid,) = _UINT32.unpack_from(data, 1)
    schema, at = _string(data, 5)
    name, at = _string(data, at)
    replica_identity = chr(data[at])
    (count,) = _INT16.unpack_from(data, at + 1)
    at += 3
    columns = []
    for _ in range(count):
        identity = bool(data[at] & 1)
        column, at = _string(data, at + 1)
        columns.append(
            RelationColumn(SourceColumn(column, *_COLUMN_TYPE.unpack_from(data, at)), identity)
        )
        at += _COLUMN_TYPE.size
    return Relation(oid, schema or "pg_catalog", name, replica_identity, columns), at


def _type(data: bytes) -> tuple[Type, int]:
    schema, at = _string(data, 5)
    name, at = _string(data, at)
    return Type(_UINT32.unpack_from(data, 1)[0], schema or "pg_catalog", name), at


def _insert(data: bytes) -> tuple[Insert, int]:
    _expect(data, 5, b"N")
    return Insert(_LENGTH(data, 1)[0], data[6:]), len(data)


def _update(data: bytes) -> tuple[Update, int]:
    _expect(data, 5, b"KON")
    kind, at = data[5], 5
    old = None
    if kind != _NEW:
        at = end_of(data, 6)
        _expect(data, at, b"N")
        old = data[6:at]
    return Update(_LENGTH(data, 1)[0], old, kind == _OLD, data[at + 1 :]), len(data)


def _delete(data: bytes) -> tuple[Delete, int]:
    _expect(data, 5, b"KO")
    return Delete(_LENGTH(data, 1)[0], data[6:], data[5] == _OLD), len(data)


def _truncate(data: bytes) -> tuple[Truncate, int]:
    count, options = _TRUNCATE.unpack_from(data, 1)
    end = 6 + 4 * count
    relations = [oid for (oid,) in _UINT32.iter_unpack(data[6:end])]
    return Truncate(relations, bool(options & 1), bool(options & 2)), end


def _message(data: bytes) -> tuple[LogicalMessage, int]:
    flags, lsn = _MESSAGE.unpack_from(data, 1)
    prefix, at = _string(data, 10)
    start = at + 4
    end = start + _LENGTH(data, at)[0]
    return LogicalMessage(bool(flags & 1), lsn, prefix, data[start:end]), end


def _expect(data: bytes, at: int, kinds: bytes) -> None:
    if data[at] not in kinds:
        raise ProtocolError(f"a row of kind {chr(data[at])!r} where one of {kinds!r} belongs")


_DECODERS: dict[int, Callable[[bytes], tuple[Message, int]]] = {
    ord("I"): _insert,
    ord("U"): _update,
    ord("D"): _delete,
    ord("B"): _begin,
    ord("C"): _commit,
    ord("R"): _relation,
    ord("T"): _truncate,
    ord("O"): _origin,
    ord("Y"): _type,
    ord("M"): _message,
}


def relation_of(head: bytes) -> int:
    """The table's id in a message that starts like this, of a kind that carries rows."""
    (oid,) = _UINT32.unpack_from(head, 1)
    return int(oid)


def decode(data: bytes) -> Message:
    """The message in these bytes. Raises `ProtocolError` unless they are exactly one."""
    try:
        message, end = _DECODERS[data[0]](data)
    except (IndexError, KeyError, ValueError, struct.error) as error:
        raise ProtocolError(f"no message of pgoutput version 1: {data[:40]!r}") from error
    if end != len(data):
        raise ProtocolError(f"a message of {end} bytes in {len(data)}: {data[:40]!r}")
    return message
