"""What there is to wait for before anything happens: loading the code location."""

import subprocess
import sys

from benchmarks.work import Case, Goal, Work


def python(case: Case, code: str) -> None:
    home = {"COIN_PLATFORM_HOME": str(case.own / "home")}
    with case.timed():
        subprocess.run([sys.executable, "-c", code], check=True, env={"PATH": "/usr/bin", **home})


def import_dagster(case: Case) -> None:
    python(case, "import dagster")


def load_code_location(case: Case) -> None:
    python(case, "import coin_platform.definitions")


WORK = Work(
    title="Loading the code location",
    contenders={"import dagster": import_dagster, "the code location": load_code_location},
    limits=("import dagster",),
    goals=[Goal("the code location", "import dagster", 1.5)],
)
