"""Writing an hour into PostgreSQL."""

import struct
import threading
from concurrent.futures import ThreadPoolExecutor

import pandas as pd
import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from coin_platform.contracts.database import COIN_QUOTES, COINS, LISTING_ONLY
from coin_platform.errors import PermanentError, TransientError
from coin_platform.partitions import HOUR, Window
from coin_platform.resources.database import postgres as postgres_module
from coin_platform.resources.database.interface import Upserted
from coin_platform.resources.database.postgres import PostgresDatabase
from coin_platform.resources.database.upsert import WRITE_LOCK
from coin_platform_tests.integration.market_frames import H0, H1, H2, coins, frame, quotes


def stored(database, table=COIN_QUOTES, hours=24):
    """The rows of the hours from H0 on, by coin id and hour."""
    rows = database.rows(table, Window(H0, H0 + hours * HOUR), table.column_names).to_pylist()
    return {(row["coin_id"], row["snapshot_hour"]): row for row in rows}


def test_a_new_hour_is_written_whole(postgres):
    written = postgres.upsert(coins(H0, 1, 1027), quotes(H0, 1, 1027, price=2.5, cmc_rank=3))

    assert written == Upserted(coins=2, coins_changed=2, quotes=2, quotes_changed=2)
    assert set(stored(postgres)) == {(1, H0), (1027, H0)}
    row = stored(postgres)[1027, H0]
    assert (row["price"], row["cmc_rank"], row["market_cap"]) == (2.5, 3, None)
    assert stored(postgres, COINS)[1, H0]["name"] == "Coin 1"


def test_writing_an_hour_again_touches_nothing(postgres):
    frames = coins(H0, 1, 2, tags="a,b"), quotes(H0, 1, 2, market_cap=float("nan"))
    postgres.upsert(*frames)
    before = stored(postgres), stored(postgres, COINS)

    again = postgres.upsert(*frames)

    assert again == Upserted(coins=2, coins_changed=0, quotes=2, quotes_changed=0)
    assert str((stored(postgres), stored(postgres, COINS))) == str(before)  # a NaN equals no NaN


def test_only_rows_that_changed_get_a_new_loaded_at(postgres):
    postgres.upsert(coins(H0, 1, 2), quotes(H0, 1, 2))
    before = stored(postgres)

    changed = pd.concat([quotes(H0, 1, price=9.0), quotes(H0, 2)], ignore_index=True)
    written = postgres.upsert(coins(H0, 1, 2), changed)

    assert written.quotes_changed == 1
    after = stored(postgres)
    assert after[1, H0]["loaded_at"] > before[1, H0]["loaded_at"]
    assert after[2, H0] == before[2, H0]


def test_quotes_that_the_hour_no_longer_has_are_deleted_there_only(postgres):
    for hour in (H0, H1):
        both = pd.concat([quotes(hour, 1, 2), quotes(hour, 2, currency="EUR")], ignore_index=True)
        postgres.upsert(coins(hour, 1, 2), both)

    written = postgres.upsert(coins(H0, 1), quotes(H0, 1))

    assert written.quotes_deleted == 1
    with postgres.connect() as connection:
        left = connection.execute(
            "SELECT snapshot_hour, coin_id, currency FROM market.coin_quotes ORDER BY 1, 2, 3"
        ).fetchall()
    assert left == [(H0, 1, "USD"), (H0, 2, "EUR"), (H1, 1, "USD"), (H1, 2, "EUR"), (H1, 2, "USD")]


def test_what_only_a_listing_knows_survives_the_historical_endpoint(postgres):
    told = dict.fromkeys(LISTING_ONLY, 7)
    postgres.upsert(coins(H0, 1), quotes(H0, 1, **told, percent_change_1h=1.0))

    postgres.upsert(coins(H0, 1), quotes(H0, 1, price=3.0))

    row = stored(postgres)[1, H0]
    assert {name: row[name] for name in LISTING_ONLY} == told
    assert row["price"] == 3.0
    assert row["percent_change_1h"] is None  # both endpoints tell it, so null means null


def test_a_listing_after_the_historical_endpoint_fills_in_what_it_knows(postgres):
    postgres.upsert(coins(H0, 1), quotes(H0, 1))

    written = postgres.upsert(coins(H0, 1), quotes(H0, 1, cmc_rank=4))

    assert written.quotes_changed == 1
    assert stored(postgres)[1, H0]["cmc_rank"] == 4


def test_a_coin_that_did_not_change_keeps_the_hour_that_told_of_it(postgres):
    postgres.upsert(coins(H0, 1), quotes(H0, 1))

    written = postgres.upsert(coins(H1, 1), quotes(H1, 1))

    assert written.coins_changed == 0
    assert set(stored(postgres, COINS)) == {(1, H0)}


def test_a_coin_that_changed_is_updated_and_moves_to_the_new_hour(postgres):
    postgres.upsert(coins(H0, 1, tags="old"), quotes(H0, 1))

    written = postgres.upsert(coins(H1, 1, tags="new"), quotes(H1, 1))

    assert written.coins_changed == 1
    assert stored(postgres, COINS)[1, H1]["tags"] == "new"


def test_an_older_hour_does_not_change_a_coin_that_a_newer_hour_told_of(postgres):
    postgres.upsert(coins(H2, 1, name="Present"), quotes(H2, 1))

    written = postgres.upsert(coins(H0, 1, 2, name="Past"), quotes(H0, 1, 2))

    assert written.coins_changed == 1  # coin 2, which nobody knew
    names = {key: row["name"] for key, row in stored(postgres, COINS).items()}
    assert names == {(1, H2): "Present", (2, H0): "Past"}


def test_minus_zero_replaces_zero(postgres):
    postgres.upsert(coins(H0, 1), quotes(H0, 1, percent_change_1h=0.0))

    assert postgres.upsert(coins(H0, 1), quotes(H0, 1, percent_change_1h=-0.0)).quotes_changed == 1

    assert str(stored(postgres)[1, H0]["percent_change_1h"]) == "-0.0"


def bits(number):
    return "NaN" if number != number else struct.pack(">d", number)  # noqa: PLR0124 - NaN's test


doubles = st.floats(allow_nan=True, allow_infinity=True, allow_subnormal=True)
texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=12)


@given(rows=st.lists(st.tuples(doubles, st.none() | texts), min_size=1, max_size=200))
@settings(
    max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
def test_every_bit_of_a_double_and_every_character_survives(postgres, rows):
    numbers = {coin: number for coin, (number, _) in enumerate(rows, 1)}
    names = {coin: name for coin, (_, name) in enumerate(rows, 1)}
    common = {"snapshot_hour": H0, "source": "simulated"}

    postgres.upsert(
        frame(COINS, [common | {"coin_id": coin, "name": name} for coin, name in names.items()]),
        frame(
            COIN_QUOTES,
            [common | {"coin_id": c, "currency": "USD", "price": n} for c, n in numbers.items()],
        ),
    )

    got = stored(postgres)
    assert {coin: bits(row["price"]) for (coin, _), row in got.items()} == {
        coin: bits(number) for coin, number in numbers.items()
    }
    with postgres.connect() as connection:
        got = dict(connection.execute("SELECT coin_id, name FROM market.coins").fetchall())
        connection.execute("TRUNCATE market.coins, market.coin_quotes")
    assert got == names


@pytest.mark.parametrize(
    ("bad_coins", "bad_quotes", "says"),
    [
        (coins(H0, 1, 1), quotes(H0, 1), r"database/coins has duplicates of \(coin_id\)"),
        (coins(H0, 1), quotes(H0, 1, 1), "duplicates of .snapshot_hour, coin_id, currency."),
        (coins(H1, 1), quotes(H0, 1), "one whole hour, this one has 2026-11-22 10:00:00"),
        (coins(H0, 1), pd.concat([quotes(H0, 1), quotes(H1, 1)]), "one whole hour"),
        (coins(H0 + HOUR / 2, 1), quotes(H0 + HOUR / 2, 1), "one whole hour"),
        (coins(H0, 1), quotes(H0), "without quotes"),
        (coins(H0, 1), quotes(H0, 1).drop(columns="price"), "price differs"),
        (coins(H0, 1).assign(rank=1), quotes(H0, 1), "rank differs"),
        (coins(H0, 1).iloc[:, ::-1], quotes(H0, 1), "the order differs"),
        (coins(H0, 1), quotes(H0, 1, source=None), "source must not be null"),
        (coins(H0, 1), quotes(H0, 1).assign(price=["a"]), "wrong type"),
        (coins(H0, 1, name="a\0b"), quotes(H0, 1), "invalid byte sequence"),
    ],
)
def test_a_frame_that_breaks_its_contract_writes_nothing(postgres, bad_coins, bad_quotes, says):
    with pytest.raises(PermanentError, match=says):
        postgres.upsert(bad_coins, bad_quotes)

    assert stored(postgres) == {}
    assert stored(postgres, COINS) == {}


def test_loads_of_one_hour_at_once_leave_one_of_them_whole(postgres):
    attempts = [
        (coins(H0, *ids), quotes(H0, *ids, price=float(n)))
        for n, ids in enumerate([range(1, 200), range(50, 300), range(1, 100), range(150, 250)])
    ]

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda frames: postgres.upsert(*frames), attempts))

    got = {(coin, row["price"]) for (coin, _), row in stored(postgres).items()}
    assert got in [set(zip(q["coin_id"], q["price"], strict=True)) for _, q in attempts]


def test_loads_of_different_hours_at_once_leave_the_newest_coins(postgres):
    ids = range(1, 200)
    hours = [H0 + n * HOUR for n in range(6)]

    with ThreadPoolExecutor(3) as pool:
        list(
            pool.map(lambda h: postgres.upsert(coins(h, *ids, name=str(h)), quotes(h, *ids)), hours)
        )

    assert {key[1] for key in stored(postgres, COINS)} == {hours[-1]}
    assert {row["name"] for row in stored(postgres, COINS).values()} == {str(hours[-1])}


def test_a_quote_that_somebody_else_writes_meanwhile_is_merged(postgres):
    written = []
    load = threading.Thread(
        target=lambda: written.append(postgres.upsert(coins(H0, 1, 2), quotes(H0, 1, 2, price=2.0)))
    )
    blocked = "SELECT 1 FROM pg_locks WHERE NOT granted AND locktype = 'transactionid'"
    with postgres.connect(autocommit=True) as other:
        with other.transaction():
            for coin in (2, 3):
                other.execute(
                    "INSERT INTO market.coin_quotes "
                    "(snapshot_hour, coin_id, currency, price, source, loaded_at) "
                    "VALUES (%s, %s, 'USD', 1.0, 'hand', now())",
                    [H0, coin],
                )
            load.start()
            while not other.execute(blocked).fetchone():
                pass
        load.join(30)

    assert written == [
        Upserted(coins=2, coins_changed=2, quotes=2, quotes_changed=2, quotes_deleted=1)
    ]
    assert {key: row["price"] for key, row in stored(postgres).items()} == {
        (1, H0): 2.0,
        (2, H0): 2.0,
    }


def test_a_new_hour_lies_in_the_order_of_its_key_and_has_its_transactions_time(postgres):
    postgres.upsert(coins(H0, 3, 1, 2), quotes(H0, 3, 1, 2))

    with postgres.connect() as connection:
        rows = connection.execute(
            "SELECT coin_id, loaded_at = (SELECT loaded_at FROM market.coins WHERE coin_id = 1) "
            "FROM market.coin_quotes ORDER BY ctid"
        ).fetchall()
    assert rows == [(1, True), (2, True), (3, True)]


def test_a_lost_connection_is_tried_again(postgres):
    with postgres.connect(autocommit=True) as blocker:
        blocker.execute("SELECT pg_advisory_lock(%s)", [WRITE_LOCK])
        written = []
        load = threading.Thread(
            target=lambda: written.append(postgres.upsert(coins(H0, 1), quotes(H0, 1)))
        )
        load.start()
        waiting = (
            "SELECT pid FROM pg_stat_activity "
            "WHERE wait_event = 'advisory' AND datname = current_database()"
        )
        while not (found := blocker.execute(waiting).fetchone()):
            pass
        blocker.execute("SELECT pg_terminate_backend(%s)", found)
        blocker.execute("SELECT pg_advisory_unlock(%s)", [WRITE_LOCK])
        load.join(30)

    assert written == [Upserted(coins=1, coins_changed=1, quotes=1, quotes_changed=1)]


class Unreachable:
    """An endpoint nobody listens at."""

    def __init__(self):
        self.asked = 0

    def parameters(self):
        self.asked += 1
        return {"host": "127.0.0.1", "port": 1, "user": "nobody", "dbname": "coins"}


def test_a_server_that_stays_away_is_a_transient_error(monkeypatch):
    monkeypatch.setattr(postgres_module, "PAUSES_SECONDS", (0, 0))
    endpoint = Unreachable()

    with pytest.raises(TransientError, match=r"failed 3 times.*coin-platform doctor"):
        PostgresDatabase(endpoint).upsert(coins(H0, 1), quotes(H0, 1))

    assert endpoint.asked == 3


def test_a_wrong_password_is_a_permanent_error(postgres):
    with pytest.raises(PermanentError, match="do the credentials belong to this database"):
        postgres.connect(password="wrong")


def test_a_database_that_is_not_migrated_says_so(empty_postgres):
    with pytest.raises(PermanentError, match="is the database migrated"):
        empty_postgres.upsert(coins(H0, 1), quotes(H0, 1))


def test_a_failed_load_leaves_the_hour_as_it_was(postgres):
    postgres.upsert(coins(H0, 1), quotes(H0, 1, price=1.0))
    with postgres.connect() as connection:
        connection.execute("ALTER TABLE market.coin_quotes ADD CHECK (price < 5)")

    with pytest.raises(PermanentError, match="check constraint"):
        postgres.upsert(coins(H0, 1, name="New"), quotes(H0, 1, price=6.0))

    assert stored(postgres)[1, H0]["price"] == 1.0
    assert stored(postgres, COINS)[1, H0]["name"] == "Coin 1"


def test_connections_are_in_utc_and_take_psycopg_options(postgres):
    with postgres.connect(autocommit=True, options="-c statement_timeout=4321") as connection:
        facts = "SELECT current_setting('TimeZone'), current_setting('statement_timeout')"
        assert connection.execute(facts).fetchone() == ("UTC", "4321ms")
        assert connection.autocommit
    assert isinstance(connection, psycopg.Connection)
    assert connection.closed


def test_a_row_that_somebody_changes_by_hand_has_a_new_version(postgres):
    postgres.upsert(coins(H0, 1), quotes(H0, 1, 2))
    with postgres.connect() as connection:
        before = dict(connection.execute("SELECT coin_id, loaded_at FROM market.coin_quotes"))
        connection.execute("UPDATE market.coin_quotes SET price = 9 WHERE coin_id = 1")
        connection.execute("UPDATE market.coin_quotes SET price = price WHERE coin_id = 2")
    with postgres.connect() as connection:
        after = dict(connection.execute("SELECT coin_id, loaded_at FROM market.coin_quotes"))
    assert after[1] > before[1]
    assert after[2] == before[2]
