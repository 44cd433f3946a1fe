"""Running the real command in its own process and home, and reading what it left."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
from deltalake import DeltaTable

from coin_platform.contracts import curated, processed
from coin_platform.contracts.model import Table

COMMAND = [sys.executable, "-c", "from coin_platform.cli import main; main()"]
TABLES = (*processed.TABLES, *curated.TABLES)


@dataclass(frozen=True)
class Home:
    """A home of a test, with a clean environment and the test's own variables on top."""

    path: Path
    variables: Mapping[str, str] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("COIN_PLATFORM_", "COINMARKETCAP_", "DAGSTER_"))
        }
        return {**kept, "COIN_PLATFORM_HOME": str(self.path), **self.variables}

    def start(self, *arguments: str, **options: Any) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [*COMMAND, *arguments],
            env=self.environment,
            cwd=self.path.parent,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            **options,
        )

    def call(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        process = self.start(*arguments)
        output, errors = process.communicate(timeout=280)
        return subprocess.CompletedProcess(arguments, process.returncode, output, errors)

    def run(self, *arguments: str) -> Any:
        """`coin-platform run --json`, which must succeed; the object it printed."""
        done = self.call("run", "--json", *arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout)

    def table(self, table: Table) -> pd.DataFrame:
        """A table's rows in a canonical order."""
        rows: pd.DataFrame = DeltaTable(
            str(self.path / "lake" / table.layer / table.name)
        ).to_pandas()
        return rows.sort_values(list(table.key)).reset_index(drop=True)

    def tables(self) -> dict[str, pd.DataFrame]:
        return {table.id: self.table(table) for table in TABLES}

    def processes(self) -> dict[int, str]:
        """Command lines, by id, of processes that belong to this home.

        It is in their command line or their environment, or they work in it.
        """
        found = {}
        for process in Path("/proc").glob("[0-9]*"):
            try:
                line, environment = (
                    (process / name).read_text(errors="replace") for name in ("cmdline", "environ")
                )
                folder = str((process / "cwd").readlink())
            except OSError:
                continue
            named = str(self.path) in line or f"COIN_PLATFORM_HOME={self.path}\0" in environment
            if named or folder.startswith(str(self.path)):
                found[int(process.name)] = line.replace("\0", " ")
        return found
