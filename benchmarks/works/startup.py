"""What there is to wait for before anything happens, and when there is nothing to do."""

import os
import subprocess
import sys

from benchmarks.work import Case, Goal, Work

IMPORT, LOCATION, NOTHING = "import dagster", "the code location", "run of an hour already there"
RUN = [
    sys.executable,
    "-c",
    "import sys; from coin_platform.cli import main; sys.argv[1:] = "
    "['run', '--hours', '1', '--coins', '100']; main()",
]


def environment(case: Case) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return {**kept, "COIN_PLATFORM_HOME": str(case.own / "home")}


def python(case: Case, code: str) -> None:
    with case.timed():
        subprocess.run([sys.executable, "-c", code], check=True, env=environment(case))


def import_dagster(case: Case) -> None:
    python(case, "import dagster")


def load_code_location(case: Case) -> None:
    python(case, "import coin_platform.definitions")


def run_for_nothing(case: Case) -> None:
    """The command in full: PostgreSQL started and stopped, the page looked at."""
    subprocess.run(RUN, check=True, env=environment(case), capture_output=True)
    with case.timed():
        done = subprocess.run(
            RUN, check=True, env=environment(case), capture_output=True, text=True
        )
    assert "0 hours done, 1 were there already" in done.stdout, done.stdout


WORK = Work(
    title="Starting",
    contenders={IMPORT: import_dagster, LOCATION: load_code_location, NOTHING: run_for_nothing},
    limits=(IMPORT, LOCATION, NOTHING),
    goals=[Goal(LOCATION, IMPORT, 1.5), Goal(NOTHING, IMPORT, 2.0)],
    note=(
        "A run that finds its hour there imports Dagster and what its storage needs (SQLAlchemy, "
        "Alembic), starts and stops PostgreSQL, asks for the hours' and days' records, and holds "
        "the table versions and check results against those that the page was made of. Python's "
        "collector rests meanwhile, which is a fifth; neither Arrow nor pandas is loaded."
    ),
)
