"""An engine on the doubles of EMR, raw files for it, and the same on one's own machine."""

from pathlib import Path

import pytest

from coin_platform.contracts import processed, raw
from coin_platform.partitions import Window
from coin_platform.resources.engine.emr.factory import open_emr_engine
from coin_platform.resources.engine.emr.watch import Pace
from coin_platform.resources.engine.local import LocalEngine
from coin_platform.resources.lake import Lake, open_lake
from coin_platform_tests.aws.box import PROJECT
from coin_platform_tests.aws.emr_double import EmrDouble
from coin_platform_tests.integration.lake_files import HOUR, H, change_name, coin, quote, write_raw

PACE = Pace(poll=0.05, most_poll=0.2, failing=60, logs=10, cancel=10)
HOUR_WINDOW = Window.of_hour(H)
QUOTES, COINS = processed.COIN_QUOTES, processed.COINS


def market(lake: Lake) -> None:
    """An hour of raw files in a local lake: a load and changes, one of them to be quarantined."""
    quotes = [quote(n, price=n * 1.1) for n in range(1, 40)]
    load = [row | {"commit_timestamp": "2026-03-01 01:00:00.000000"} for row in quotes]
    write_raw(lake, raw.COIN_QUOTES, "LOAD00000001.parquet", load)
    changes = [
        quote(1, op="U", seq=1, price=0.1 + 0.2),
        quote(2, op="D", seq=2),
        quote(3, op="U", seq=3, price=-1.0),
        quote(99, seq=4, price=7.25, market_cap=1e12),
    ]
    write_raw(lake, raw.COIN_QUOTES, change_name(H + HOUR), changes)
    write_raw(lake, raw.COINS, change_name(H + HOUR), [coin(n, seq=n) for n in range(1, 100)])


def upload(box, folder: Path) -> None:
    """Put the raw files of a local lake into the bucket."""
    for path in sorted((folder / "raw").rglob("*.parquet")):
        key = str(path.relative_to(folder / "raw"))
        box.client("s3").upload_file(str(path), f"raw-{PROJECT}", key)


class Emr:
    """A local lake, the same raw files in buckets, an engine for each, and the double."""

    def __init__(self, box, settings, folder: Path, double: EmrDouble) -> None:
        self.box, self.settings, self.double = box, settings, double
        self.local = LocalEngine(Lake(str(folder)))
        market(self.local.lake)
        upload(box, folder)
        self.lake = open_lake(settings)
        self.engine = open_emr_engine(settings, PACE)

    def another_engine(self, **changes):
        return open_emr_engine(self.settings.model_copy(update=changes), PACE)


@pytest.fixture
def emr(box, aws_settings, tmp_path):
    double = EmrDouble(box)
    box.serve(double)
    return Emr(box, aws_settings(), tmp_path / "lake", double)


def rows(lake: Lake, table):
    """All rows, in the order of the key."""
    found = lake.rows(table, table.column_names).to_pylist()
    return sorted(found, key=lambda row: [str(row[name]) for name in table.key])
