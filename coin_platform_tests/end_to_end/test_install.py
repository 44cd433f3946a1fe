"""The package as others get it: built as a wheel, and used away from the repository."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
SOURCES = ("pyproject.toml", "setup.py", "README.md", "coin_platform", "coin_platform_tests")
PIP_WHEEL = ("-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir")

SERVED = """
import coin_platform, coin_platform.definitions
print(coin_platform.__file__)
print(len(coin_platform.definitions.defs.resolve_asset_graph().materializable_asset_keys))
"""
MIGRATIONS = """
from coin_platform.resources.database import open_database, embedded_server
from coin_platform.settings import load
try:
    print(*open_database(load()).migrate())
finally:
    embedded_server(load()).stop()
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from a copy: building leaves files beside the sources."""
    folder = tmp_path_factory.mktemp("wheel")
    for name in SOURCES:
        if (REPOSITORY / name).is_dir():
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(REPOSITORY / name, folder / "sources" / name, ignore=ignored)
        else:
            (folder / "sources").mkdir(exist_ok=True)
            shutil.copy(REPOSITORY / name, folder / "sources" / name)
    built = subprocess.run(
        [sys.executable, *PIP_WHEEL, str(folder), "."],
        cwd=folder / "sources",
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    [wheel] = folder.glob("*.whl")
    return wheel


class Installed:
    """The wheel's files on Python's path, before the repository, seen from an empty folder."""

    def __init__(self, wheel: Path, folder: Path) -> None:
        self.site, self.folder = folder / "site", folder / "elsewhere"
        self.folder.mkdir()
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(self.site)

    def python(self, *arguments: str) -> str:
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("COIN_PLATFORM_", "COINMARKETCAP_", "DAGSTER_"))
        }
        home = {"COIN_PLATFORM_HOME": str(self.folder / "home"), "PYTHONPATH": str(self.site)}
        done = subprocess.run(
            [sys.executable, *arguments],
            env={**kept, **home},
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    return Installed(wheel, tmp_path_factory.mktemp("installed"))


COMMAND = ("-c", "from coin_platform.cli import main; main()")


@pytest.mark.slow
def test_the_wheel_holds_the_package_with_all_its_files_and_no_tests(wheel: Path) -> None:
    package = REPOSITORY / "coin_platform"
    sources = {
        str(path.relative_to(REPOSITORY))
        for path in package.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
        entry_points = next(n for n in archive.namelist() if n.endswith("entry_points.txt"))
        assert "coin-platform = coin_platform.cli:main" in archive.read(entry_points).decode()
    assert names == sources


@pytest.mark.slow
def test_the_command_works_away_from_the_repository(installed: Installed) -> None:
    usage = installed.python(*COMMAND, "--help")
    assert all(name in usage for name in ("run", "dev", "doctor", "replication", "settings"))
    assert str(installed.folder / "home") in installed.python(*COMMAND, "settings")


@pytest.mark.slow
def test_the_installed_definitions_load(installed: Installed) -> None:
    file, assets = installed.python("-c", SERVED).split()
    assert file.startswith(str(installed.site))
    assert int(assets) >= len(("database", "raw", "processed", "curated"))


@pytest.mark.slow
def test_the_installed_migrations_make_the_database(installed: Installed) -> None:
    done = installed.python("-c", MIGRATIONS).split()
    files = sorted((REPOSITORY / "coin_platform/resources/database/migrations").glob("*.sql"))
    assert len(done) == len(files)
