"""The account of an hour: it balances when every key is where it belongs, and says so when not."""

import math
import random
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from coin_platform.contracts.render import arrow_schema
from coin_platform.quality.checksum import checksum, row_hashes
from coin_platform.quality.ledger import COINS, QUOTES, Layers, entries

H = datetime(2026, 5, 1, 10, tzinfo=UTC)
SCHEMA = pa.schema(
    [field.with_nullable(True) for field in arrow_schema(QUOTES.table) if field.name != "loaded_at"]
)
COIN_SCHEMA = pa.schema(
    [field.with_nullable(True) for field in arrow_schema(COINS.table) if field.name != "loaded_at"]
)
CHANGE_FIELDS = [
    ("Op", pa.string()),
    ("commit_timestamp", pa.string()),
    ("change_seq", pa.string()),
]


def quote(coin, price=1.0, hour=H):
    return {"snapshot_hour": hour, "coin_id": coin, "currency": "USD", "price": price,
            "source": "simulated", "last_updated": hour}  # fmt: skip


def change(row, number, op="I"):
    return row | {"Op": op, "commit_timestamp": "2026-05-01 11:00:00.000000",
                  "change_seq": f"{number:035d}"}  # fmt: skip


def table(rows, schema=SCHEMA):
    return pa.Table.from_pylist(rows, schema)


def log(rows, schema=SCHEMA):
    return table(rows, pa.schema([*schema, *(pa.field(*field) for field in CHANGE_FIELDS)]))


def entry(account=QUOTES, schema=SCHEMA, **layers):
    held = Layers(
        **{
            name: log(rows, schema) if name == "log" else table(rows, schema)
            for name, rows in layers.items()
        }
    )
    [found] = entries(account, held, [H])
    return found


def balanced_layers():
    rows = [quote(coin, float(coin)) for coin in range(1, 6)]
    return {
        "database": rows,
        "log": [change(row, n) for n, row in enumerate(rows)] + [change(quote(9), 9, "D")],
        "written": rows[:3],
        "quarantined": rows[3:],
    }


def test_every_key_written_quarantined_or_deleted_balances():
    found = entry(**balanced_layers())
    assert found["balanced"]
    counts = ("database_rows", "raw_keys", "current", "deleted", "written", "quarantined")
    assert [found[name] for name in counts] == [5, 6, 5, 1, 3, 2]
    assert found["examples"] is None
    total = int(found["written_checksum"], 16) + int(found["quarantined_checksum"], 16)
    assert f"{total % 2**64:016x}" == found["raw_checksum"] == found["database_checksum"]


@pytest.mark.parametrize(
    ("spoil", "column", "words"),
    [
        (lambda of: of["written"].pop(), "missing", "in raw only: coin_id, currency 3/USD"),
        (lambda of: of["written"].append(quote(7)), "unexpected", "not in raw"),
        (lambda of: of["written"].append(quote(4, 4.0)), "unexpected", "written and quarantined"),
        (lambda of: of["written"].__setitem__(0, quote(1, 1.5)), "different", "other values"),
        (lambda of: of["database"].pop(), "unlike_database", "not as in the database"),
        (lambda of: of["database"].__setitem__(0, quote(1, 2.0)), "unlike_database", "1/USD"),
        (lambda of: of["log"].append(change(quote(1, 1.0), 20, "D")), "unexpected", "not in raw"),
    ],
)
def test_whatever_is_spoiled_is_counted_and_shown(spoil, column, words):
    layers = balanced_layers()
    layers = {name: list(rows) for name, rows in layers.items()}
    spoil(layers)
    found = entry(**layers)
    assert not found["balanced"]
    assert found[column] >= 1
    assert words in found["examples"]


def test_the_last_change_of_a_key_counts():
    old, new = quote(1, 1.0), quote(1, 2.0)
    rows = [change(new, 5, "U"), change(old, 3), change(quote(2), 1), change(quote(2), 4, "D")]
    found = entry(database=[new], log=rows, written=[new], quarantined=[])
    assert found["balanced"]
    assert (found["raw_keys"], found["deleted"]) == (2, 1)


def test_a_coin_may_have_a_version_and_a_quarantined_change_in_one_hour_and_older_versions():
    def coin(number, name="A"):
        return {"coin_id": number, "snapshot_hour": H, "name": name, "source": "simulated"}

    layers = {
        "database": [coin(1, " "), coin(2)],
        "log": [change(coin(1, "A"), 1), change(coin(1, " "), 2, "U"), change(coin(2), 3)],
        "written": [coin(1, "A"), coin(2), coin(3, "gone from raw")],
        "quarantined": [coin(1, " ")],
    }
    found = entry(COINS, COIN_SCHEMA, **layers)
    assert found["balanced"], found["examples"]
    assert (found["current"], found["written"], found["quarantined"]) == (2, 1, 1)
    layers["quarantined"] = []
    assert entry(COINS, COIN_SCHEMA, **layers)["different"] == 1


VALUES = st.one_of(
    st.none(), st.floats(allow_nan=True), st.sampled_from([0.0, -0.0, math.nan, math.inf, 1.0])
)
ROWS = st.lists(
    st.tuples(st.integers(1, 50), VALUES, st.one_of(st.none(), st.text(max_size=3))), max_size=30
)


def hashes(rows):
    data = pa.table(
        {
            "id": pa.array([row[0] for row in rows], pa.int64()),
            "number": pa.array([row[1] for row in rows], pa.float64()),
            "text": pa.array([row[2] for row in rows], pa.string()),
            "at": pa.array(
                [H + timedelta(hours=row[0]) for row in rows], pa.timestamp("us", "UTC")
            ),
        }
    )
    return row_hashes(data, data.column_names)


def as_bits(row):
    number = row[1]
    if number is not None:
        number = "nan" if math.isnan(number) else (number, math.copysign(1, number))
    return row[0], number, row[2]


@example([(1, None, ""), (1, None, "\0")], random.Random(1))
@given(ROWS, st.randoms())
def test_checksums_do_not_depend_on_the_order_of_rows(rows, order):
    shuffled = list(rows)
    order.shuffle(shuffled)
    assert checksum(hashes(rows)) == checksum(hashes(shuffled))
    assert checksum(hashes(rows)) == checksum(hashes(rows[::-1]))


@example([(1, None, ""), (1, None, "\0")])
@given(ROWS)
def test_rows_have_equal_hashes_when_and_only_when_all_their_values_are_equal(rows):
    found = {}
    for row, value in zip(rows, hashes(rows), strict=True):
        assert found.setdefault(as_bits(row), value) == value
    assert len(set(found.values())) == len(found)
