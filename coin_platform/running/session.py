"""The course of a run: open the home, do the missing hours, then the days behind, and report."""

from collections.abc import Sequence
from datetime import datetime

import dagster as dg

from coin_platform import home
from coin_platform.definitions import build_definitions
from coin_platform.defs.partitions import day_keys, hour_keys
from coin_platform.partitions import Window, windows_of
from coin_platform.running.execute import Observer, bury_dead_runs, execute, observing_logger
from coin_platform.running.plan import plan_days, plan_hours
from coin_platform.running.report import Report
from coin_platform.settings import Settings


def run_hours(settings: Settings, asked: Sequence[datetime], observer: Observer) -> Report:
    """Have these hours in every table. Raises `PlatformError` when the home cannot be used."""
    home.claim(settings)
    with home.in_use(settings):
        definitions = build_definitions(settings, loggers={"observer": observing_logger(observer)})
        with home.open_instance(settings) as instance:
            bury_dead_runs(instance)
            plan = plan_hours(instance, asked, blocking_checks(definitions))
            report = Report(plan.missing, plan.present)
            for window in windows_of(plan.missing):
                report.add(execute(definitions, instance, "hour", hour_keys(window), observer))
            if report.succeeded:
                days = plan_days(instance, asked, max(asked).date())
                hours = [hour for day in days for hour in Window.of_days(day, day).hours]
                for window in windows_of(hours):
                    report.add(execute(definitions, instance, "day", day_keys(window), observer))
            return report


def blocking_checks(definitions: dg.Definitions) -> list[dg.AssetCheckKey]:
    """The checks that a run's hours must not fail."""
    graph = definitions.resolve_asset_graph()
    return [key for key in graph.asset_check_keys if graph.get(key).blocking]
