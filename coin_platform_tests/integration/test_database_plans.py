"""How PostgreSQL goes about the queries of an hour: their cost must not grow with history."""

import pytest

from coin_platform.contracts.database import COIN_QUOTES
from coin_platform.partitions import HOUR, Window
from coin_platform_tests.integration.market_frames import H0, coins, quotes
from coin_platform_tests.integration.replication_support import wait_until

HISTORY = """
    INSERT INTO market.coin_quotes (snapshot_hour, coin_id, currency, price, source, loaded_at)
    SELECT %s - make_interval(hours => h), c, 'USD', c / 7.0, 'simulated', now()
    FROM generate_series(1, 100) h, generate_series(1, 300) c
"""
SCANS = """
    SELECT seq_scan, idx_scan FROM pg_stat_user_tables
    WHERE relid = 'market.coin_quotes'::regclass
"""


@pytest.fixture
def scans(postgres):
    """What has been scanned of the quotes, by how: `(whole table, index)`."""
    with postgres.connect(autocommit=True) as connection:
        connection.execute(HISTORY, [H0])
        connection.execute("VACUUM ANALYZE")
        connection.execute("SELECT pg_stat_force_next_flush()")
        yield lambda: connection.execute(SCANS).fetchone()


@pytest.mark.parametrize(
    "act",
    [
        lambda database: database.upsert(coins(H0, 1, 2), quotes(H0, 1, 2)),
        lambda database: database.rows(COIN_QUOTES, Window(H0 - HOUR, H0), ("coin_id", "price")),
        lambda database: database.measure(COIN_QUOTES, Window(H0 - HOUR, H0), {}),
    ],
    ids=["upsert", "rows", "measure"],
)
def test_no_query_of_an_hour_reads_the_whole_table(postgres, scans, act):
    whole, by_index = scans()

    act(postgres)

    wait_until(lambda: scans()[1] > by_index, scans)
    assert scans()[0] == whole
