"""`coin-platform dev`: the Dagster UI, its daemon and the code location, on the same home."""

import os
import signal
import subprocess
import sys
from types import FrameType

import click

from coin_platform import home
from coin_platform.cli.run import use
from coin_platform.settings import load


@click.command("dev")
@click.option("--port", type=click.IntRange(1, 65535), default=3000, show_default=True)
def command(port: int) -> int:
    """Open the Dagster UI with schedules and sensors on, until Ctrl+C.

    Every hour is loaded as it closes and carried to curated by itself. Nobody but this machine can
    reach the UI: it listens on 127.0.0.1.
    """
    settings = load()
    use(settings)
    home.claim(settings)
    with home.in_use(settings):
        home.configure_dagster(settings)
        click.echo(f"Dagster UI: http://127.0.0.1:{port}   home: {settings.home}   Ctrl+C ends it")
        # A shell that starts us in the background has SIGINT ignored, and the child would be deaf.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "dagster", "dev", "-m", "coin_platform.definitions"),
                *("--host", "127.0.0.1", "--port", str(port), "--log-level", "warning"),
            ],
            env={
                **os.environ,
                "DAGSTER_HOME": str(settings.dagster_home),
                "PYTHONSAFEPATH": "1",  # a file in the working directory shadows no package
                "PYTHONWARNINGS": "ignore:Function `dev_command`",  # it recommends `dg dev`
            },
        )

        def forward(_number: int, _frame: FrameType | None) -> None:
            process.send_signal(signal.SIGINT)

        signal.signal(signal.SIGTERM, forward)
        signal.signal(signal.SIGINT, lambda *_: None)  # the terminal sends it to the child, too
        code = process.wait()
    return 0 if code in (0, -signal.SIGINT, 130) else 1
