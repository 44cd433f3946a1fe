"""`coin-platform dev`: the Dagster UI, its daemon and the code location, on the same home."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from types import FrameType

import click
from filelock import FileLock, Timeout

from coin_platform import home
from coin_platform.cli.run import use
from coin_platform.errors import SettingsError
from coin_platform.resources.database.server_folder import is_free
from coin_platform.running.execute import bury_dead_runs
from coin_platform.settings import load

# Dagster drops the first folder of Python's path while it loads code: so it is told where the
# package of this command is, and serves no other.
INSTALLED_IN = Path(__file__).parents[2]


@click.command("dev")
@click.option("--port", type=click.IntRange(1, 65535), default=3000, show_default=True)
def command(port: int) -> int:
    """Open the Dagster UI with schedules and sensors on, until Ctrl+C.

    Every hour is loaded as it closes and carried to curated by itself. Nobody but this machine can
    reach the UI: it listens on 127.0.0.1.
    """
    settings = load()
    if not is_free(port):
        raise SettingsError(f"port {port} is taken by another program: choose one with --port")
    use(settings)
    home.claim(settings)
    single = FileLock(settings.home / "dev.lock")
    with home.in_use(settings):
        try:
            single.acquire(blocking=False)
        except Timeout:
            raise SettingsError(f"another `coin-platform dev` runs on {settings.home}") from None
        with home.open_instance(settings) as instance:
            buried = bury_dead_runs(instance, all_without_process=True)
        if buried:
            click.echo(f"{buried} runs that were killed are marked as failed")
        click.echo(f"Dagster UI: http://127.0.0.1:{port}   home: {settings.home}   Ctrl+C ends it")
        # A shell that starts us in the background has SIGINT ignored, and the child would be deaf.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "dagster", "dev", "-m", "coin_platform.definitions"),
                *("--working-directory", str(INSTALLED_IN)),
                *("--host", "127.0.0.1", "--port", str(port), "--log-level", "warning"),
            ],
            env={
                **os.environ,
                "DAGSTER_HOME": str(settings.dagster_home),
                "PYTHONSAFEPATH": "1",  # a file in the working directory shadows no package
                "PYTHONWARNINGS": "ignore:Function `dev_command`",  # it recommends `dg dev`
            },
            start_new_session=True,  # it hears of Ctrl+C from us, once
        )

        def forward(_number: int, _frame: FrameType | None) -> None:
            process.send_signal(signal.SIGINT)

        signal.signal(signal.SIGTERM, forward)
        signal.signal(signal.SIGHUP, forward)
        signal.signal(signal.SIGINT, forward)
        code = process.wait()
    return 0 if code in (0, -signal.SIGINT, 130) else 1
