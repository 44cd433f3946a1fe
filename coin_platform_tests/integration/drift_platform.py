"""The platform on a home of its own, run job by job, whose checks can be read afterwards."""

from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import dagster as dg

from coin_platform.contracts import processed
from coin_platform.definitions import build_definitions
from coin_platform.partitions import HOUR
from coin_platform.resources.coinmarketcap.client import CoinMarketCap
from coin_platform.resources.coinmarketcap.simulated import Simulated
from coin_platform.resources.coinmarketcap.transport import Transport
from coin_platform.resources.database import open_database
from coin_platform.resources.lake import open_lake
from coin_platform.simulator.server import SimulatedMarket

FIRST = datetime(2026, 3, 10, 20, tzinfo=UTC)


class Platform:
    """The code location on a home of its own, whose clock stands two minutes after an hour."""

    def __init__(self, settings):
        self.settings = settings
        self.now = FIRST + HOUR + timedelta(minutes=2)
        self.source = Simulated(settings.simulator_seed, clock=lambda: self.now)
        self.instance = dg.DagsterInstance.ephemeral()
        self.lake = open_lake(settings)
        self.database = open_database(settings)
        self.checks = {}

    def run(self, job, hour=FIRST, partition=None):
        """Run a job; whether it succeeded. What its checks said is kept by table and name."""
        self.now = max(self.now, hour + HOUR + timedelta(minutes=2))
        definitions = build_definitions(self.settings, {"source": self.source})
        result = definitions.resolve_job_def(job).execute_in_process(
            instance=self.instance,
            partition_key=partition or f"{hour:%Y-%m-%d-%H:%M}",
            raise_on_error=False,
        )
        self.checks = {
            (evaluation.asset_key.to_user_string(), evaluation.check_name): evaluation
            for evaluation in result.get_asset_check_evaluations()
        }
        self.failures = [
            str(event.event_specific_data.error_display_string)
            for event in result.all_events
            if event.is_step_failure
        ]
        return result.success

    def said(self, table, check):
        """Whether a table's check passed, and its description."""
        evaluation = self.checks[table.id, check]
        return evaluation.passed, evaluation.description

    def failed(self):
        return sorted(f"{table} {name}" for (table, name), e in self.checks.items() if not e.passed)

    def sql(self, statement):
        with self.database.connect() as connection:
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else None

    def quotes(self, hour, *columns):
        """A table of processed quotes of an hour, by coin."""
        rows = self.lake.rows(processed.COIN_QUOTES, ["coin_id", "snapshot_hour", *columns])
        of_hour = [row for row in rows.to_pylist() if row["snapshot_hour"] == hour]
        return {row["coin_id"]: tuple(row[name] for name in columns) for row in of_hour}


@contextmanager
def answers_with(platform, *faults):
    """The platform's source is a market with these faults."""
    former = platform.source
    with SimulatedMarket(clock=lambda: platform.now, faults=faults) as market:
        client = CoinMarketCap(Transport(market.url, "key"), clock=lambda: platform.now)
        platform.source = client
        yield
        platform.source = former
