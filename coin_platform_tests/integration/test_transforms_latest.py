"""The latest version of each row in a change log, against a table that was changed step by step."""

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coin_platform.contracts import processed, raw
from coin_platform.transforms import held, latest, quotes
from coin_platform.transforms.rules import is_wrong
from coin_platform_tests.integration.lake_files import H, frame, quote, rows_of, stamp

MINUTE = timedelta(minutes=1)
PROPERTY = settings(max_examples=25, deadline=None)


@st.composite
def logs(draw):
    """A change log with a full load somewhere, and the table as it is at its end."""
    steps = draw(
        st.lists(st.tuples(st.integers(1, 4), st.sampled_from("UUD"), st.booleans()), max_size=25)
    )
    load_after = draw(st.none() | st.integers(0, len(steps)))
    table, log, started = {}, [], None
    at = H
    for number in range(len(steps) + 1):
        if number == load_after:
            at += MINUTE
            started = stamp(at)
            log += [quote(key, at=at, price=price) for key, price in table.items()]
        if number == len(steps):
            break
        key, op, same_transaction = steps[number]
        at += timedelta() if same_transaction else MINUTE
        if op == "D":
            if table.pop(key, None) is None:
                continue
            log.append(quote(key, op="D", at=at, seq=number))
        else:
            op = "U" if key in table else "I"
            table[key] = number / 7
            log.append(quote(key, op=op, at=at, seq=number, price=table[key]))
    if log:
        log += draw(st.lists(st.sampled_from(log), max_size=5))
    return draw(st.permutations(log)), started, table


@PROPERTY
@given(logs())
def test_the_latest_versions_are_the_table_whatever_order_and_repetition(log):
    rows, started, table = log
    found = rows_of(coin_quotes(frame(raw.COIN_QUOTES, rows), started), "coin_id")
    assert {row["coin_id"]: row["price"] for row in found} == table
    assert len(found) == len(table)


def coin_quotes(rows, load_started=None):
    judged = quotes.current(rows, load_started)
    return quotes.written(judged.filter(~is_wrong()))


def test_a_row_that_a_reload_no_longer_shows_is_gone():
    old = [quote(1, at=H, seq=1), quote(2, at=H, seq=2)]
    load = [quote(2, at=H + MINUTE, price=5.0)]
    found = coin_quotes(frame(raw.COIN_QUOTES, [*old, *load]), stamp(H + MINUTE))
    assert [(row["coin_id"], row["price"]) for row in rows_of(found)] == [(2, 5.0)]


def test_a_row_deleted_and_inserted_again_in_one_transaction_is_there():
    log = [quote(1, seq=1), quote(1, op="D", seq=2), quote(1, seq=3, price=9.0)]
    found = coin_quotes(frame(raw.COIN_QUOTES, log))
    assert [row["price"] for row in rows_of(found)] == [9.0]


def test_rows_have_the_contract_columns_in_order():
    found = coin_quotes(frame(raw.COIN_QUOTES, [quote(1)]))
    assert tuple(found.columns) == processed.COIN_QUOTES.column_names


def test_repeated_keys_too_many_for_the_driver_give_the_same_rows(monkeypatch):
    log = [quote(n, at=H, price=1.0) for n in range(1, 6)]
    log += [quote(n, op="U", at=H + MINUTE, seq=n, price=2.0) for n in range(1, 4)]
    log += [quote(4, op="D", at=H + MINUTE, seq=9), log[5]]
    rows = frame(raw.COIN_QUOTES, log)
    few = rows_of(coin_quotes(rows), "coin_id")
    assert [(row["coin_id"], row["price"]) for row in few] == [(1, 2), (2, 2), (3, 2), (5, 1)]
    monkeypatch.setattr(latest, "FEW", 1)
    assert rows_of(coin_quotes(rows), "coin_id") == few


@pytest.mark.parametrize("most_bytes", [0, 1 << 20])
def test_held_rows_are_the_rows_whatever_their_size(monkeypatch, most_bytes):
    monkeypatch.setattr(held, "MOST_BYTES", most_bytes)
    rows = frame(raw.COIN_QUOTES, [quote(1), quote(2, op="D")])
    with held.held(rows) as same:
        assert rows_of(same, "coin_id") == rows_of(rows, "coin_id")
        assert same.schema == rows.schema
