"""Running the real command in its own process and home, and reading what it left."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from deltalake import DeltaTable

from coin_platform.contracts import curated, processed

COMMAND = [sys.executable, "-c", "from coin_platform.cli import main; main()"]
TABLES = (*processed.TABLES, *curated.TABLES)


@dataclass(frozen=True)
class Home:
    """A home of a test, with a clean environment."""

    path: Path

    @property
    def environment(self):
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("COIN_PLATFORM_", "COINMARKETCAP_", "DAGSTER_"))
        }
        return {**kept, "COIN_PLATFORM_HOME": str(self.path)}

    def start(self, *arguments, **options):
        return subprocess.Popen(
            [*COMMAND, *arguments],
            env=self.environment,
            cwd=self.path.parent,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            **options,
        )

    def call(self, *arguments):
        process = self.start(*arguments)
        output, errors = process.communicate(timeout=280)
        return subprocess.CompletedProcess(arguments, process.returncode, output, errors)

    def run(self, *arguments):
        """`coin-platform run --json`, which must succeed; the object it printed."""
        done = self.call("run", "--json", *arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout)

    def table(self, table) -> pd.DataFrame:
        """A table's rows in a canonical order."""
        rows = DeltaTable(str(self.path / "lake" / table.layer / table.name)).to_pandas()
        return rows.sort_values(list(table.key)).reset_index(drop=True)

    def tables(self):
        return {table.id: self.table(table) for table in TABLES}

    def processes(self):
        """Command lines of processes that name this home."""
        found = []
        for entry in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                line = entry.read_bytes().replace(b"\0", b" ").decode(errors="replace")
                folder = str((entry.parent / "cwd").readlink())
            except OSError:
                continue
            if str(self.path) in line or folder.startswith(str(self.path)):
                found.append(line)
        return found
