"""The data of the market page, from curated to files: all that it shows, and half as many days."""

import json
from pathlib import Path

from benchmarks.home import BEGIN, Nobody, hours_from, market, settings_of
from benchmarks.past import copy_served
from benchmarks.work import Case, Contender, Goal, Sizes, Work
from coin_platform import home
from coin_platform.partitions import DAY, Window, utc_now
from coin_platform.resources.lake import open_lake
from coin_platform.resources.lake.served import ServedLake
from coin_platform.site.evidence import Evidence

NO_CHECKS = Evidence(unsettled=(), tallies=(), failures=(), tally_days=1)
ALL, HALF = "all days", "half the days"


def prepare(sizes: Sizes, shared: Path) -> None:
    """A home that has done a day, with its curated tables copied to the days before."""
    from coin_platform.running.session import run_hours

    settings = settings_of(shared / "home", sizes.coins)
    hours = hours_from(BEGIN, 24)
    with market(settings, hours[-1]) as source:
        report = run_hours(settings, hours, Nobody(), {"source": source})
    assert report.succeeded, report.failed_runs
    with home.in_use(settings):
        copy_served(open_lake(settings), Window(BEGIN, BEGIN + DAY), sizes.site_days - 1)


def builds(share: int) -> Contender:
    def build(case: Case) -> object:
        """A first release: no file of it can be taken from another."""
        from coin_platform.site.publish import bring_up_to_date, survey
        from coin_platform.site.releases import Releases

        settings = settings_of(case.shared / "home", case.sizes.coins)
        lake, site = ServedLake(open_lake(settings)), Releases(case.own / "site", keep=2)
        days = max(1, case.sizes.site_days // share)
        with case.timed():
            with case.part("looking at what there is"):
                found = survey(site, lake, days, settings.currency, lambda _: NO_CHECKS)
            with case.part("building and writing"):
                done = bring_up_to_date(site, lake, found, settings.currency, "bench", utc_now())
        return json.loads(json.dumps(done.facts, default=str)).get("coins")

    return build


WORK = Work(
    title="The market page's data",
    contenders={ALL: builds(1), HALF: builds(2)},
    prepare=prepare,
    goals=[Goal(ALL, HALF, 2.2)],
    data="`site_days` days of `coins` coins, to a first release; the checks' results are not read.",
)
