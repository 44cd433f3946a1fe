"""The same transforms on Sail and on JVM Spark, which is what EMR runs, give equal results."""

import math
import os
import random
import shutil
import subprocess
import sys

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from coin_platform.contracts import curated, processed, raw
from coin_platform.contracts.render import arrow_schema
from coin_platform.resources.engine.sail import SAIL
from coin_platform_tests.integration.lake_files import HOUR, H, coin, quote
from coin_platform_tests.integration.transform_cases import CASES

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        shutil.which("java") is None, reason="JVM Spark needs Java; none is on PATH"
    ),
]

NAMES = ("Bitcoin", "Ünïcode ( ͡° ͜ʖ ͡°)", " padded ", "", "42")
NUMBERS = ("price", "volume_24h", "market_cap", "circulating_supply", "percent_change_1h")


def numbers(draw):
    odd = (None, math.nan, math.inf, 0.0, 5e-324, 2.0052e-20)
    return {
        name: draw.choice(odd) if draw.random() < 0.1 else draw.lognormvariate(5, 6)
        for name in NUMBERS
    }


def inputs(draw):
    """Rows of each input, by name, with its contract."""
    hours = [H + n * HOUR for n in range(24 * 6)]
    quotes = [
        quote(n, hour, **numbers(draw))
        for hour in hours
        for n in range(1, 16)
        if draw.random() < 0.9
    ]
    ops = [draw.choice("IUUUD") for _ in range(300)]
    raw_quotes = [
        quote(draw.randint(1, 30), op=op, at=H + draw.randint(0, 3) * HOUR, seq=n)
        | ({} if op == "D" else numbers(draw))
        for n, op in enumerate(ops)
    ] + [quote(n, at=H + HOUR / 2, **numbers(draw)) for n in range(1, 31, 2)]
    raw_coins = [
        coin(draw.randint(1, 8), H + draw.randint(0, 4) * HOUR, op=op, at=H + n * HOUR / 40, seq=n)
        | ({} if op == "D" else {"name": draw.choice(NAMES), "infinite_supply": None})
        for n, op in enumerate(ops)
    ] + [coin(n, H, at=H + 2 * HOUR) for n in (2, 4, 6)]
    versions = [
        coin(n) | {
            "name": draw.choice(NAMES), "valid_from": H + start * HOUR,
            "valid_to": None if start else H + 6 * HOUR, "is_current": bool(start),
        }
        for n in range(1, 12) for start in (0, 8)
    ]  # fmt: skip
    prices = [
        {
            "day": hour.date(), "coin_id": n, "currency": "USD", "open": draw.lognormvariate(0, 1),
            "close": draw.lognormvariate(0, 1), "source": "simulated", "name": draw.choice(NAMES),
            "average_volume_24h": draw.choice([None, 1e4, 1e6]),
        }
        for hour in hours[::24] for n in range(60)
    ]  # fmt: skip
    return {
        "processed_quotes": (processed.COIN_QUOTES, quotes),
        "raw_quotes": (raw.COIN_QUOTES, raw_quotes + raw_quotes[:50]),
        "raw_coins": (raw.COINS, raw_coins + raw_coins[:50]),
        "processed_coins": (processed.COINS, versions),
        "daily_prices": (curated.DAILY_COIN_PRICES, prices),
    }


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The inputs, and JVM Spark's results beside them."""
    folder = tmp_path_factory.mktemp("parity")
    for name, (table, rows) in inputs(random.Random(3)).items():
        schema = pa.schema([field.with_nullable(True) for field in arrow_schema(table)])
        pq.write_table(pa.Table.from_pylist(rows, schema), folder / f"{name}.parquet")
    environment = {key: value for key, value in os.environ.items() if "SPARK" not in key}
    done = subprocess.run(
        [sys.executable, "-m", "coin_platform_tests.integration.jvm_transforms", str(folder)],
        env=environment, capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    return folder


def in_order(table):
    rows = [tuple(row.values()) for row in table.to_pylist()]
    return sorted(rows, key=lambda row: tuple(map(str, row)))


def equal(left, right):
    """Equal; doubles within the last digits, where logarithms of two libraries may differ."""
    if isinstance(left, float) and isinstance(right, float):
        both_nan = math.isnan(left) and math.isnan(right)
        return both_nan or left == right or math.isclose(left, right, rel_tol=1e-13)
    return left == right


@pytest.mark.parametrize("name", CASES)
def test_both_engines_give_equal_rows(folder, name):
    found = CASES[name](lambda source: SAIL.session.read.parquet(str(folder / f"{source}.parquet")))
    sail = found.toArrow()
    jvm = pq.read_table(folder / f"jvm_{name}").cast(sail.schema)
    assert sail.column_names == jvm.column_names
    assert sail.num_rows == jvm.num_rows > 0
    for left, right in zip(in_order(sail), in_order(jvm), strict=True):
        assert all(map(equal, left, right)), (left, right)


def test_numbers_that_are_carried_and_not_computed_are_identical(folder):
    found = CASES["quotes"](lambda name: SAIL.session.read.parquet(str(folder / f"{name}.parquet")))
    texts = [
        sorted(repr(row) for row in table.to_pylist())
        for table in (found.select("coin_id", *NUMBERS).toArrow(),
                      pq.read_table(folder / "jvm_quotes", columns=["coin_id", *NUMBERS]))
    ]  # fmt: skip
    assert texts[0] == texts[1]
