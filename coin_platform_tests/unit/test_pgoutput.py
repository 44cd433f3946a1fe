"""The decoder against an encoder written from PostgreSQL's manual, and rows by column."""

import struct
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coin_platform.resources.replication import pgoutput
from coin_platform.resources.replication.pgoutput import (
    Begin,
    Commit,
    Delete,
    Insert,
    LogicalMessage,
    Origin,
    Relation,
    RelationColumn,
    Truncate,
    Type,
    Update,
    decode,
)
from coin_platform.resources.replication.source_column import SourceColumn
from coin_platform.resources.replication.tuples import (
    UNCHANGED,
    ProtocolError,
    UnchangedValueError,
    columns_of,
    fields,
    row_of,
)

oids = st.integers(0, 2**32 - 1)
lsns = times = st.integers(0, 2**63 - 1)
names = st.text(
    st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=20
)
values = st.none() | st.binary(max_size=40) | st.just(b"\0\0\0\0t\0\0\0\x01x")
rows = st.lists(values, max_size=6)


def encoded(message):  # noqa: C901, PLR0911  a case for each message
    """The message as PostgreSQL sends it."""

    def text(value):
        return value.encode() + b"\0"

    match message:
        case Begin(lsn, time, xid):
            return b"B" + struct.pack(">QqI", lsn, time, xid)
        case Commit(lsn, end, time):
            return b"C\0" + struct.pack(">QQq", lsn, end, time)
        case Origin(lsn, name):
            return b"O" + struct.pack(">Q", lsn) + text(name)
        case Type(oid, schema, name):
            return b"Y" + struct.pack(">I", oid) + text(schema) + text(name)
        case Relation(oid, schema, name, identity, columns):
            parts = [
                bytes([column.identity])
                + text(column.column.name)
                + struct.pack(">Ii", *column.column[1:])
                for column in columns
            ]
            start = b"R" + struct.pack(">I", oid) + text(schema) + text(name)
            return start + identity.encode() + struct.pack(">h", len(columns)) + b"".join(parts)
        case Insert(oid, new):
            return b"I" + struct.pack(">I", oid) + b"N" + new
        case Update(oid, None, _, new):
            return b"U" + struct.pack(">I", oid) + b"N" + new
        case Update(oid, old, is_full, new):
            return b"U" + struct.pack(">I", oid) + (b"O" if is_full else b"K") + old + b"N" + new
        case Delete(oid, old, is_full):
            return b"D" + struct.pack(">I", oid) + (b"O" if is_full else b"K") + old
        case Truncate(relations, cascade, restart):
            flags = cascade | restart << 1
            return b"T" + struct.pack(f">IB{len(relations)}I", len(relations), flags, *relations)
        case LogicalMessage(transactional, lsn, prefix, content):
            start = b"M" + struct.pack(">BQ", transactional, lsn) + text(prefix)
            return start + struct.pack(">I", len(content)) + content
        case _:
            raise AssertionError(message)


row_bytes = rows.map(row_of)
relation_columns = st.builds(
    RelationColumn, st.builds(SourceColumn, names, oids, st.integers(-1, 2**31 - 1)), st.booleans()
)
messages = st.one_of(
    st.builds(Begin, lsns, times, oids),
    st.builds(Commit, lsns, lsns, times),
    st.builds(Origin, lsns, names),
    st.builds(Type, oids, names, names),
    st.builds(Relation, oids, names, names, st.sampled_from("dfin"), st.lists(relation_columns)),
    st.builds(Insert, oids, row_bytes),
    st.builds(Update, oids, row_bytes, st.booleans(), row_bytes),
    st.builds(Update, oids, st.none(), st.just(value=False), row_bytes),
    st.builds(Delete, oids, row_bytes, st.booleans()),
    st.builds(Truncate, st.lists(oids, max_size=4), st.booleans(), st.booleans()),
    st.builds(LogicalMessage, st.booleans(), lsns, names, st.binary(max_size=30)),
)


@given(messages)
def test_every_message_is_read_as_it_was_sent(message):
    assert decode(encoded(message)) == message


@given(messages, st.data())
def test_a_message_that_breaks_off_is_refused(message, data):
    whole = encoded(message)
    part = whole[: data.draw(st.integers(0, len(whole) - 1))]

    with pytest.raises(ProtocolError):
        _read_all(decode(part))


@given(st.binary(max_size=60))
def test_arbitrary_bytes_are_read_or_refused_and_nothing_else(data):
    with suppress(ProtocolError):
        _read_all(decode(data))


def _read_all(message):
    for name in ("old", "new"):
        row = getattr(message, name, None)
        if row is not None:
            fields(row)


@given(
    st.integers(1, 5).flatmap(
        lambda n: st.lists(st.lists(values, min_size=n, max_size=n), min_size=1)
    )
)
def test_rows_cut_by_column_hold_the_same_values_as_rows_cut_one_by_one(table):
    packed = [row_of(row) for row in table]

    columns = [column.to_pylist() for column in columns_of(packed, len(table[0]))]

    assert [fields(row) for row in packed] == table
    assert [list(row) for row in zip(*columns, strict=True)] == table


@given(st.lists(values | st.just(UNCHANGED), min_size=1, max_size=5))
def test_a_value_that_was_not_sent_is_never_taken_for_a_null(row):
    assert fields(row_of(row)) == row
    if UNCHANGED in row:
        with pytest.raises(UnchangedValueError):
            columns_of([row_of([b"1"] * len(row)), row_of(row)], len(row))


@given(rows.filter(bool), st.data())
def test_rows_that_break_off_or_run_over_are_refused_by_column_too(row, data):
    whole = row_of(row)
    cut = data.draw(st.integers(0, len(whole) - 1))

    for wrong in (whole[:cut], whole + b"n"):
        with pytest.raises(ProtocolError):
            columns_of([whole, wrong], len(row))
        with pytest.raises(ProtocolError):
            columns_of([wrong, whole], len(row))


def test_binary_values_are_refused_because_only_text_is_asked_for():
    row = struct.pack(">hcI", 1, b"b", 4) + b"\0\0\0\1"

    for read in (fields, lambda row: columns_of([row], 1)):
        with pytest.raises(ProtocolError, match="only text"):
            read(row)


def test_the_decoder_covers_the_messages_of_version_1():
    assert set(map(chr, pgoutput._DECODERS)) == set("BMCORYIUDT")
