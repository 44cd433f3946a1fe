"""`python -m benchmarks [WORK …]`: see `--help`."""

import sys
from datetime import UTC, datetime
from pathlib import Path

import click

from benchmarks.race import ROOT, Outcome, RaceError, race
from benchmarks.report import lines, page, write
from benchmarks.work import Sizes

WORKS = tuple(sorted(path.stem for path in (ROOT / "benchmarks/works").glob("[a-z]*.py")))


def sizes_of(settings: tuple[str, ...]) -> Sizes:
    try:
        return Sizes().with_({name: int(n) for name, _, n in (s.partition("=") for s in settings)})
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("works", nargs=-1, type=click.Choice(WORKS), metavar="[WORK]…")
@click.option("--rounds", default=3, show_default=True, type=click.IntRange(1))
@click.option("--size", "settings", multiple=True, metavar="NAME=NUMBER", help="May be repeated.")
@click.option("--output", type=click.Path(path_type=Path), help="Write the page there.")
def main(
    works: tuple[str, ...], rounds: int, settings: tuple[str, ...], output: Path | None
) -> int:
    """Run ours and theirs side by side; without WORK, all works.

    \b
    python -m benchmarks upsert full_load
    python -m benchmarks processed --size hours=48 --rounds 3
    """
    sizes = sizes_of(settings)
    outcomes: list[Outcome] = []
    failed = False
    for name in works or WORKS:
        try:
            outcomes.append(race(name, sizes, rounds, lambda text: click.echo(text, err=True)))
        except RaceError as error:
            click.echo(str(error), err=True)
            failed = True
        else:
            click.echo("\n".join(lines(outcomes[-1])))
    if output and outcomes and not failed:
        command = f"python -m benchmarks {' '.join(sys.argv[1:])}".strip()
        write(output, page(outcomes, rounds, command, f"{datetime.now(UTC):%Y-%m-%d}"))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(standalone_mode=False))
