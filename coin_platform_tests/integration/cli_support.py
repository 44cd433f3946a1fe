"""The command line called in the test's own process, with nothing of the caller's environment."""

import fcntl
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from coin_platform import home
from coin_platform.cli import main
from coin_platform.resources.database import embedded_server
from coin_platform.settings import Settings, load

VARIABLES = ("COIN_PLATFORM_", "COINMARKETCAP_")


@dataclass(frozen=True)
class Said:
    """How a command ended and what it said."""

    code: int
    output: str
    errors: str

    def line(self, start: str) -> str:
        """The one line of the output that starts so."""
        [line] = [line for line in self.output.splitlines() if line.startswith(start)]
        return line


@dataclass(frozen=True)
class CommandLine:
    """`coin-platform` on a home of the test."""

    path: Path
    patch: pytest.MonkeyPatch
    capture: pytest.CaptureFixture[str]

    @property
    def settings(self) -> Settings:
        return load()

    def __call__(self, *arguments: str) -> Said:
        self.patch.setattr("sys.argv", ["coin-platform", *arguments])
        self.capture.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        output, errors = self.capture.readouterr()
        assert isinstance(ended.value.code, int)
        return Said(ended.value.code, output, errors)


@pytest.fixture
def coin_platform(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Iterator[CommandLine]:
    """The command line on a new home; what it left running is stopped."""
    settings = load(home=tmp_path / "home")
    yield command_line(settings.home, monkeypatch, capfd)
    home.leave(settings)


@pytest.fixture(scope="module")
def served_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A home whose services run as long as the module's tests, since somebody else uses it."""
    settings = load(home=tmp_path_factory.mktemp("served") / "home")
    server = embedded_server(settings)
    server.ensure_running()
    with server.folder.lease.open("w") as lease:
        fcntl.flock(lease, fcntl.LOCK_SH)
        yield settings.home
    home.leave(settings)
    assert not server.folder.alive()


@pytest.fixture
def on_served_home(
    served_home: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> CommandLine:
    return command_line(served_home, monkeypatch, capfd)


def command_line(
    path: Path, patch: pytest.MonkeyPatch, capture: pytest.CaptureFixture[str]
) -> CommandLine:
    for name in os.environ:
        if name.startswith(VARIABLES):
            patch.delenv(name)
    patch.setenv("COIN_PLATFORM_HOME", str(path))
    patch.chdir(path.parent)
    return CommandLine(path, patch, capture)
