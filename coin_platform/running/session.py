"""The course of a run: open the home, do the missing hours, then the days behind, and report.

Dagster is imported only once the home is in use, because its server then starts meanwhile.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING

from coin_platform import home
from coin_platform.contracts import processed
from coin_platform.partitions import Window, utc_now, windows_of
from coin_platform.running.starting import collector_at_rest
from coin_platform.settings import Settings

if TYPE_CHECKING:
    import dagster as dg

    from coin_platform.running.execute import Observer
    from coin_platform.running.report import Report
    from coin_platform.site.publish import Survey


@dataclass(frozen=True)
class Session:
    """A home in use: what runs on it, and who watches."""

    settings: Settings
    definitions: "dg.Definitions"
    instance: "dg.DagsterInstance"
    observer: "Observer"
    blocking: "list[dg.AssetCheckKey]"

    def do_hours(self, job: str, hours: Sequence[datetime], report: "Report") -> None:
        """Run an hourly job over the hours, a run for each unbroken range."""
        from coin_platform.defs.partitions import hour_keys
        from coin_platform.running.execute import execute

        for window in windows_of(hours):
            done = execute(self.definitions, self.instance, job, hour_keys(window), self.observer)
            report.add(done)
            if done.success:
                report.hours += window.hours

    def do_days(self, asked: Sequence[datetime], report: "Report") -> None:
        """Refresh the days that are behind the hours, where nothing failed."""
        from coin_platform.defs.partitions import day_keys
        from coin_platform.running.execute import execute
        from coin_platform.running.plan import plan_days

        if not report.succeeded:
            return
        last = last_day(self.instance, asked)
        days = plan_days(self.instance, asked, last, self.blocking)
        hours = [hour for day in days for hour in Window.of_days(day, day).hours]
        for window in windows_of(hours):
            report.add(
                execute(self.definitions, self.instance, "day", day_keys(window), self.observer)
            )

    def publish_page(self, report: "Report") -> None:
        """Publish the market page, or hold it, unless it is as it should be already.

        What the checks say is asked here only where the tables leave it open: the asset asks too.
        """
        from coin_platform.defs.serving.evidence import evidence
        from coin_platform.resources.lake import open_served
        from coin_platform.running.execute import execute
        from coin_platform.running.report import Page
        from coin_platform.site.publish import is_due, is_outdated, survey
        from coin_platform.site.releases import open_site

        settings, site, served = self.settings, open_site(self.settings), open_served(self.settings)

        def surveyed() -> "Survey":
            return survey(
                site,
                served,
                settings.site_days,
                settings.currency,
                lambda what: evidence(self.instance, what, utc_now()),
            )

        if is_outdated(site, served) or is_due(site, surveyed()):
            report.add(execute(self.definitions, self.instance, "publish_site", [], self.observer))
        pointer = site.pointer()
        reasons = list(pointer.held.reasons) if pointer.held else []
        report.page = Page(site.address, pointer.release, reasons)


@contextmanager
def session(
    settings: Settings, observer: "Observer", resources: dict[str, object] | None = None
) -> Iterator[Session]:
    """Use the home; `resources` replace some of it. Raises `PlatformError` when it cannot be."""
    home.claim(settings)
    with home.in_use(settings), ExitStack() as stack:
        with collector_at_rest():
            from coin_platform.definitions import build_definitions
            from coin_platform.running.execute import bury_dead_runs, observing_logger

            loggers = {"observer": observing_logger(observer)}
            definitions = build_definitions(settings, resources, loggers)
            instance = stack.enter_context(home.open_instance(settings))
            blocking = blocking_checks(definitions)
        bury_dead_runs(instance)
        yield Session(settings, definitions, instance, observer, blocking)


def run_hours(
    settings: Settings,
    asked: Sequence[datetime],
    observer: "Observer",
    resources: dict[str, object] | None = None,
) -> "Report":
    """Have these hours in every table."""
    with session(settings, observer, resources) as opened:
        from coin_platform.running.plan import plan_hours
        from coin_platform.running.report import Report

        plan = plan_hours(opened.instance, asked, opened.blocking)
        report = Report(plan.present)
        opened.do_hours("hour", plan.missing, report)
        opened.do_days(asked, report)
        opened.publish_page(report)
        return report


def have_page(settings: Settings, observer: "Observer") -> "Report":
    """Have the market page of what is in the lake."""
    with session(settings, observer) as opened:
        from coin_platform.running.report import Report

        report = Report([])
        opened.publish_page(report)
        return report


def last_day(instance: "dg.DagsterInstance", asked: Sequence[datetime]) -> date:
    """The newest day that has hours: those asked for, or others that look back on them."""
    from coin_platform.defs.partitions import hour_keys
    from coin_platform.running.plan import LOOK_BACK, newest_events

    week_on = Window.of_days(min(asked).date(), max(asked).date() + LOOK_BACK)
    known = newest_events(instance, processed.COIN_QUOTES, set(hour_keys(week_on)))
    return max([hour.date() for hour in asked] + [date.fromisoformat(key[:10]) for key in known])


def blocking_checks(definitions: "dg.Definitions") -> "list[dg.AssetCheckKey]":
    """The checks that a run's hours must not fail."""
    graph = definitions.resolve_asset_graph()
    return [key for key in graph.asset_check_keys if graph.get(key).blocking]
