"""Statistical checks in runs of the whole platform: on hours as usual, and on hours gone wrong."""

from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest

from coin_platform import home
from coin_platform.contracts import processed
from coin_platform.definitions import build_definitions
from coin_platform.defs.partitions import hour_keys
from coin_platform.defs.processed.statistics import STATISTICS
from coin_platform.defs.tables import key_of
from coin_platform.partitions import HOUR, Window
from coin_platform.resources.coinmarketcap.client import CoinMarketCap
from coin_platform.resources.coinmarketcap.transport import Transport
from coin_platform.settings import load
from coin_platform.simulator.faults import BadValue
from coin_platform.simulator.server import SimulatedMarket

FIRST = datetime(2026, 3, 10, tzinfo=UTC)
CALM = Window(FIRST, FIRST + 8 * HOUR)
NAMES = [check.name for check in STATISTICS]
ROWS, NULLS, PRICES, COINS = NAMES


class Platform:
    """The code location on a home of its own; each run asks a market with faults of its own."""

    def __init__(self, path):
        self.settings = load(home=path, coins=30, source="simulated", chunk_hours=5)
        self.instance = dg.DagsterInstance.ephemeral()

    def run(self, window, *faults, coins=30):
        """Carry hours to processed: what the statistical checks said, by (check, partition)."""
        now = window.end + timedelta(minutes=2)
        settings = self.settings.model_copy(update={"coins": coins})
        keys = hour_keys(window)
        with SimulatedMarket(clock=lambda: now, faults=faults) as market:
            source = CoinMarketCap(Transport(market.url, "key"), clock=lambda: now)
            job = build_definitions(settings, {"source": source}).resolve_job_def("hour")
            result = job.execute_in_process(
                instance=self.instance,
                tags={
                    "dagster/asset_partition_range_start": keys[0],
                    "dagster/asset_partition_range_end": keys[-1],
                },
                raise_on_error=False,
            )
        assert result.success, [event.message for event in result.all_events if event.is_failure]
        return {
            (evaluation.check_name, evaluation.partition): evaluation
            for evaluation in result.get_asset_check_evaluations()
            if evaluation.asset_key == key_of(processed.COIN_QUOTES)
            and evaluation.check_name in NAMES
        }


@pytest.fixture
def platform(tmp_path):
    platform = Platform(tmp_path / "home")
    with home.in_use(platform.settings):
        yield platform


def warned(evaluations):
    return {check for (check, _), evaluation in evaluations.items() if not evaluation.passed}


@pytest.mark.slow
def test_each_hour_is_judged_by_the_hours_before_it_and_only_warns(platform):
    calm = platform.run(CALM)
    assert set(calm) == {(name, key) for name in NAMES for key in hour_keys(CALM)}
    assert warned(calm) == set()
    targets = {e.target_materialization_data.storage_id for e in calm.values()}
    assert len(targets) == len(hour_keys(CALM))
    assert "too few hours" in calm[ROWS, hour_keys(CALM)[5]].description
    # Two hours of the first chunk's look-back are in the chunk before it.
    assert calm[ROWS, hour_keys(CALM)[7]].metadata["hours_compared"].value == 7

    wrong = Window.of_hour(CALM.end)
    faults = [BadValue(1, "price", 6.1e7)]  # the largest coin; usually about 6e4
    faults += [BadValue(1 + 4801 * n, "volume_24h", None) for n in range(5, 9)]
    found = platform.run(wrong, *faults)
    assert warned(found) == {NULLS, PRICES}
    [partition] = hour_keys(wrong)
    jumps, nulls = found[PRICES, partition], found[NULLS, partition]
    assert {jumps.severity, nulls.severity} == {dg.AssetCheckSeverity.WARN}
    assert nulls.description == "more nulls than usual: volume_24h 13.3% (usual 0.0%)"
    table = jumps.metadata["worst"]
    assert isinstance(table, dg.MarkdownMetadataValue)
    header, _, row = table.md_str.splitlines()
    assert header == "| coin_id | former price | price | factor |"
    assert row.startswith("| 1 | ")
    assert "| 61000000.0 |" in row

    fewer = Window.of_hour(wrong.end)
    found = platform.run(fewer, coins=20)
    assert warned(found) == {ROWS, COINS}
    [partition] = hour_keys(fewer)
    assert found[ROWS, partition].description == "20 rows; usual are 28 to 32"
    assert found[COINS, partition].metadata["largest_four_fifths"].value >= 4
