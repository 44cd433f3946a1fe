"""The course of a run: open the home, do the missing hours, then the days behind, and report."""

from collections.abc import Sequence
from datetime import date, datetime

import dagster as dg

from coin_platform import home
from coin_platform.contracts import processed
from coin_platform.definitions import build_definitions
from coin_platform.defs.partitions import day_keys, hour_keys
from coin_platform.partitions import Window, windows_of
from coin_platform.running.execute import Observer, bury_dead_runs, execute, observing_logger
from coin_platform.running.plan import LOOK_BACK, newest_events, plan_days, plan_hours
from coin_platform.running.report import Report
from coin_platform.settings import Settings


def run_hours(settings: Settings, asked: Sequence[datetime], observer: Observer) -> Report:
    """Have these hours in every table. Raises `PlatformError` when the home cannot be used."""
    home.claim(settings)
    with home.in_use(settings):
        definitions = build_definitions(settings, loggers={"observer": observing_logger(observer)})
        with home.open_instance(settings) as instance:
            bury_dead_runs(instance)
            blocking = blocking_checks(definitions)
            plan = plan_hours(instance, asked, blocking)
            report = Report(plan.present)
            for window in windows_of(plan.missing):
                done = execute(definitions, instance, "hour", hour_keys(window), observer)
                report.add(done)
                if done.success:
                    report.hours += window.hours
            if report.succeeded:
                days = plan_days(instance, asked, last_day(instance, asked), blocking)
                hours = [hour for day in days for hour in Window.of_days(day, day).hours]
                for window in windows_of(hours):
                    report.add(execute(definitions, instance, "day", day_keys(window), observer))
            return report


def last_day(instance: dg.DagsterInstance, asked: Sequence[datetime]) -> date:
    """The newest day that has hours: those asked for, or others that look back on them."""
    week_on = Window.of_days(min(asked).date(), max(asked).date() + LOOK_BACK)
    known = newest_events(instance, processed.COIN_QUOTES, set(hour_keys(week_on)))
    return max([hour.date() for hour in asked] + [date.fromisoformat(key[:10]) for key in known])


def blocking_checks(definitions: dg.Definitions) -> list[dg.AssetCheckKey]:
    """The checks that a run's hours must not fail."""
    graph = definitions.resolve_asset_graph()
    return [key for key in graph.asset_check_keys if graph.get(key).blocking]
