"""The process of one run: `python -m benchmarks.contender < run.json`, its outcome on stdout."""

import contextlib
import importlib
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.work import Case, Sizes, Work


def work_of(name: str) -> Work:
    """The work in `benchmarks/works/<name>.py`."""
    work: Work = importlib.import_module(f"benchmarks.works.{name}").WORK
    return work


def run(asked: dict[str, Any]) -> dict[str, Any]:
    """Do the asked work once; what was measured and what came out."""
    work = work_of(asked["work"])
    sizes = Sizes(**asked["sizes"])
    if asked["contender"] is None:
        work.prepare(sizes, Path(asked["shared"]))
        return {}
    case = Case(sizes, Path(asked["shared"]), Path(asked["own"]))
    result = work.contenders[asked["contender"]](case)
    return {"measured": asdict(case.measured), "result": result}


if __name__ == "__main__":
    asked = json.load(sys.stdin)
    # What libraries print is for the reader of the race, the outcome for the race.
    with contextlib.redirect_stdout(sys.stderr):
        outcome = run(asked)
    json.dump(outcome, sys.stdout)
