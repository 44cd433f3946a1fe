"""The market page by itself: asked for once an hour, held by a failed check, published again."""

from datetime import UTC, datetime

import dagster as dg
import pyarrow.compute as pc
import pytest
from dagster._core.events import StepMaterializationData

from coin_platform import home
from coin_platform.contracts import curated, processed
from coin_platform.defs.serving.assets import MARKET_SITE
from coin_platform.defs.serving.evidence import evidence
from coin_platform.defs.tables import key_of
from coin_platform.errors import TransientError
from coin_platform.partitions import Window, utc_now
from coin_platform.resources.lake.served import ServedLake
from coin_platform.settings import load
from coin_platform.site.publish import bring_up_to_date, survey
from coin_platform.site.releases import open_site
from coin_platform_tests.integration.test_automation import Platform
from coin_platform_tests.integration.test_plan import History

HOUR = "2026-03-10-22:00"


class WithPage(Platform):
    """The platform of an hour, and its page."""

    def __init__(self, path):
        super().__init__(path)
        self.site = open_site(self.settings)

    def publish(self):
        return self.definitions.resolve_job_def("publish_site").execute_in_process(
            instance=self.instance, raise_on_error=False
        )

    def evaluate(self):
        """Tick once; whether the page is asked for, and the tables that are."""
        result = dg.evaluate_automation_conditions(
            self.definitions, self.instance, cursor=self.automation_cursor
        )
        self.automation_cursor = result.cursor
        tables = {table.name for table in curated.TABLES if result.get_num_requested(key_of(table))}
        return bool(result.get_num_requested(MARKET_SITE)), tables

    def hour(self, job="hour"):
        result = self.definitions.resolve_job_def(job).execute_in_process(
            instance=self.instance, partition_key=HOUR, raise_on_error=False
        )
        return result.success

    def lose_a_row(self):
        """Somebody removes a row of the hour from processed, behind everybody's back."""
        table = processed.COIN_QUOTES
        window = Window.of_hour(datetime(2026, 3, 10, 22, tzinfo=UTC))
        rows = self.lake.rows(table, table.column_names, window)
        coins = rows["coin_id"].to_pylist()
        self.lake.replace_rows(table, rows.filter(pc.field("coin_id") != coins[0]), window)


@pytest.fixture
def platform(tmp_path):
    settings = load(home=tmp_path / "home")
    with home.in_use(settings):
        platform = WithPage(settings.home)
        platform.now = datetime(2026, 3, 10, 23, 2, tzinfo=UTC)
        yield platform
        platform.source.close()


def failures(result):
    return [
        event.step_failure_data.user_failure_data.description
        for event in result.all_events
        if event.is_step_failure
    ]


def test_the_page_waits_for_its_tables_and_is_then_asked_for_once(platform):
    assert platform.evaluate() == (False, set())
    assert platform.hour()
    first, second = (
        {"daily_coin_prices", "market_overview", "top_circulating_supply"},
        {
            "daily_top_movers",
            "top_prices",
        },
    )
    for expected in (first, second):  # its tables come before it
        assert platform.evaluate() == (False, expected)
        names = [dg.AssetKey(["curated", name]) for name in expected]
        platform.execute("day", "2026-03-10", names)
    assert platform.evaluate() == (True, set())
    assert platform.publish().success
    for _ in range(3):
        assert platform.evaluate() == (False, set())
    assert platform.site.current().hour == "2026-03-10T22:00:00Z"


def test_an_hour_that_fails_after_it_was_shown_holds_the_page_until_it_is_mended(platform):
    assert platform.hour()
    platform.execute("day", "2026-03-10")
    assert platform.publish().success
    good = platform.site.current()
    platform.evaluate()

    platform.lose_a_row()
    [balance] = platform.close_ledger(HOUR)
    assert not balance.passed
    held = platform.publish()
    assert not held.success
    [reason] = failures(held)
    assert f"the page stays at {good.id}" in reason
    assert "processed/ledger: ledger_balances failed for 2026-03-10-22:00" in reason
    assert platform.site.current() == good
    assert "missing 1" in reason
    assert platform.site.pointer().held is not None

    assert platform.hour("redrive")
    platform.execute("day", "2026-03-10")
    assert platform.publish().success
    assert platform.site.pointer().held is None
    assert platform.site.current().id > good.id


def test_a_check_that_runs_alone_is_enough_to_ask_for_the_page(platform):
    assert platform.hour()
    platform.execute("day", "2026-03-10")
    assert platform.publish().success
    while any(platform.evaluate()):
        pass
    assert platform.evaluate() == (False, set())
    history = History(platform.instance)
    history.check(curated.TOP_PRICES, "2026-03-10", passed=True, name="keys_are_unique")
    assert platform.evaluate() == (True, set())
    assert platform.evaluate() == (False, set())
    history.check(processed.COINS, HOUR, passed=False, name="keys_are_unique")
    assert platform.evaluate() == (True, set())
    assert "processed/coins: keys_are_unique failed" in failures(platform.publish())[0]


def test_a_release_is_checked_as_it_was_published(platform):
    assert platform.hour()
    platform.execute("day", "2026-03-10")
    result = platform.publish()
    evaluations = {e.check_name: e for e in result.get_asset_check_evaluations()}
    assert {name: e.passed for name, e in evaluations.items()} == {
        "release_is_whole": True,
        "page_agrees_with_curated": True,
        "page_is_current": True,
    }
    assert "12 closing prices, 0 of them" in evaluations["page_agrees_with_curated"].description
    release = platform.site.current()
    path = platform.site.root / "releases" / release.id / "data/coins.js"
    path.write_text(path.read_text().replace("0", "1"))
    again = platform.publish()
    broken = {e.check_name: e.passed for e in again.get_asset_check_evaluations()}
    assert broken["release_is_whole"] is False


def test_a_page_waits_for_checks_that_are_still_to_come(platform):
    """The run that wrote a day has not ended: what it wrote may be good, and is not known to be."""
    assert platform.hour()
    platform.execute("day", "2026-03-10")
    run = dg.DagsterRun(job_name="day", status=dg.DagsterRunStatus.STARTED)
    platform.instance.add_run(run)
    materialization = dg.AssetMaterialization(key_of(curated.TOP_PRICES), partition="2026-03-10")
    event = dg.DagsterEvent(
        dg.DagsterEventType.ASSET_MATERIALIZATION.value,
        "day",
        event_specific_data=StepMaterializationData(materialization),
    )
    platform.instance.report_dagster_event(event, run.run_id)
    served = ServedLake(platform.lake)

    def look():
        return survey(
            platform.site,
            served,
            90,
            "USD",
            lambda what: evidence(platform.instance, what, utc_now()),
        )

    found = look()
    assert found.evidence.is_pending
    with pytest.raises(TransientError, match=r"curated/top_prices: .* is still to look"):
        bring_up_to_date(platform.site, served, found, "USD", run.run_id, utc_now())
    assert platform.site.pointer().held is None
    platform.instance.report_run_failed(run)
    found = look()
    assert not found.evidence.is_pending
    assert "has not looked at what was written since" in found.reasons[0]
