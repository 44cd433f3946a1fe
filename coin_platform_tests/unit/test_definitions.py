"""The code location: what loading it offers, and what it must not do."""

import subprocess
import sys

import dagster as dg
import pytest

from coin_platform.contracts import raw
from coin_platform.definitions import build_definitions, defs
from coin_platform.defs.maintenance import assets as maintenance
from coin_platform.defs.serving.assets import MARKET_SITE
from coin_platform.defs.tables import TABLES, key_of
from coin_platform.settings import load

GRAPH = defs.resolve_asset_graph()


def test_the_code_location_is_valid():
    dg.Definitions.validate_loadable(defs)


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.id)
def test_every_table_is_an_asset_with_owner_kind_group_columns_and_checks(table):
    node = GRAPH.get(key_of(table))
    assert node.group_name == table.layer
    assert node.owners
    assert node.kinds
    assert node.description == table.description
    columns = node.metadata["dagster/column_schema"].columns
    assert [column.name for column in columns] == list(table.column_names)
    assert all(column.description for column in columns)
    assert any(key.asset_key == key_of(table) for key in GRAPH.asset_check_keys)


def test_the_kind_of_raw_is_the_format_of_its_files():
    of_csv = build_definitions(load(raw_format="csv")).resolve_asset_graph()
    for table in raw.TABLES:
        assert GRAPH.get(key_of(table)).kinds == {"parquet"}
        assert of_csv.get(key_of(table)).kinds == {"csv"}


def test_hours_lead_to_days():
    of_everything = {MARKET_SITE, *(asset.key for asset in maintenance.ASSETS)}
    for key in GRAPH.materializable_asset_keys:
        partitions = GRAPH.get(key).partitions_def
        if key in of_everything:
            assert partitions is None, key
            continue
        daily = key.path[0] in ("curated", "serving")
        expected = dg.DailyPartitionsDefinition if daily else dg.HourlyPartitionsDefinition
        assert isinstance(partitions, expected), key


def test_schedule_and_sensors_are_on_from_the_start():
    repository = defs.get_repository_def()
    assert {s.name: s.default_status.value for s in repository.schedule_defs} == {
        "load_closed_hour": "RUNNING",
        "maintain_nightly": "RUNNING",
    }
    assert {s.name: s.default_status.value for s in repository.sensor_defs} == {
        "replication": "RUNNING",
        "refresh_curated": "RUNNING",
    }


def test_every_blocking_check_says_what_it_looks_at():
    for key in GRAPH.asset_check_keys:
        assert GRAPH.get(key).description, key


def test_loading_starts_nothing_and_imports_no_engine(tmp_path):
    """No server, no Spark, no AWS client, nothing written."""
    program = (
        "import sys, coin_platform.definitions\n"
        "heavy = {'pyspark', 'boto3', 'deltalake', 'psycopg', 'pandas', 'requests'}\n"
        "heavy &= set(sys.modules)\n"
        "sys.exit(', '.join(sorted(heavy)) or 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={"COIN_PLATFORM_HOME": str(tmp_path / "home"), "PATH": "/usr/bin:/bin"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize("module", ["resources", "transforms.jobs", "simulator.server", "delivery"])
def test_what_runs_outside_dagster_does_not_import_it(module):
    program = f"import sys, coin_platform.{module}; sys.exit('dagster' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
