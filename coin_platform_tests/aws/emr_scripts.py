"""How the doubles of EMR run a submitted script: really, in a process of its own, on Sail.

The code comes from the archive in S3 and nowhere else; the other packages are those of the tests.
"""

import gzip
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

DRIVER = Path(__file__).with_name("emr_driver.py")
LOOK_SECONDS = 0.02


class Process:
    """A script that runs; `returncode` when it is over."""

    def __init__(  # noqa: PLR0913  what a submission says
        self, s3: Any, environment: dict[str, str], py_files: str, entry: str,
        arguments: Sequence[str], without_messages: bool = False,
    ) -> None:  # fmt: skip
        self._folder = tempfile.TemporaryDirectory(prefix="emr-step-")
        folder = Path(self._folder.name)
        for address in (py_files, entry):
            fetch(s3, address, folder / Path(urlsplit(address).path).name)
        archive, script = (folder / Path(urlsplit(a).path).name for a in (py_files, entry))
        self.files = {name: folder / name for name in ("stderr", "stdout")}
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
        mute = {"BOX_WITHOUT_MESSAGES": "1"} if without_messages else {}
        with self.files["stderr"].open("wb") as errors, self.files["stdout"].open("wb") as out:
            self._process = subprocess.Popen(
                [sys.executable, str(DRIVER), str(archive), str(script), *arguments],
                cwd=folder,
                env={**kept, **environment, **mute, "PYTHONPATH": str(archive)},
                stdout=out,
                stderr=errors,
            )

    @property
    def returncode(self) -> int | None:
        return self._process.poll()

    def signal(self, number: signal.Signals) -> None:
        if self.returncode is None:
            self._process.send_signal(number)

    def kill(self) -> None:
        self.signal(signal.SIGKILL)
        self._process.wait()

    def save_logs(self, s3: Any, log_uri: str) -> None:
        """Leave what was printed as `stderr.gz` and `stdout.gz` below an S3 address."""
        place = urlsplit(log_uri)
        for name, path in self.files.items():
            s3.put_object(
                Bucket=place.netloc,
                Key=f"{place.path.strip('/')}/{name}.gz",
                Body=gzip.compress(path.read_bytes()),
            )

    def close(self) -> None:
        self.kill()
        self._folder.cleanup()


def fetch(s3: Any, address: str, path: Path) -> None:
    place = urlsplit(address)
    found = s3.get_object(Bucket=place.netloc, Key=place.path.lstrip("/"))
    path.write_bytes(found["Body"].read())


def submitted(words: Sequence[str]) -> tuple[str, str, list[str]]:
    """The archive, the script and its arguments in the words of a `spark-submit`."""
    rest, archive = list(words), ""
    while rest and rest[0].startswith("--"):
        option, _, value = rest.pop(0).partition("=")
        value = value or rest.pop(0)
        archive = value if option == "--py-files" else archive
    return archive, rest[0] if rest else "", rest[1:]


def until(true: Callable[[], bool], seconds: float = 60) -> None:
    """Wait until something is so; AssertionError when it does not come about."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(LOOK_SECONDS)
