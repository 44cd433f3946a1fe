"""Curated in Redshift: copied in one transaction or read where it is, and counted there."""

import dagster as dg
import pytest

from coin_platform.contracts import curated
from coin_platform.contracts.curated import DAILY_COIN_PRICES as PRICES
from coin_platform.definitions import build_definitions
from coin_platform.defs.tables import key_of
from coin_platform.defs.warehouse.assets import warehouse_asset
from coin_platform.errors import PermanentError, SettingsError
from coin_platform.partitions import Window
from coin_platform.resources.lake import open_lake
from coin_platform.resources.lake.served import ServedLake
from coin_platform.resources.warehouse import open_warehouse
from coin_platform.settings import load
from coin_platform_tests.aws.box import PROJECT
from coin_platform_tests.aws.redshift_double import RedshiftDouble
from coin_platform_tests.conftest import new_database
from coin_platform_tests.integration.served_lake import D1, D2, curate, small_lake
from coin_platform_tests.integration.test_exports_asset import Curated

REDSHIFT = {"redshift_workgroup": "coins", "redshift_role_arn": "arn:aws:iam::1:role/redshift"}


@pytest.fixture
def local(tmp_path):
    return small_lake(tmp_path)


@pytest.fixture
def database(postgres_server, _migrated_template):
    yield from new_database(postgres_server, _migrated_template, "warehouse")


@pytest.fixture
def redshift(box, aws_settings, database):
    double = RedshiftDouble(database.connect, open_lake(aws_settings()))
    box.serve(double)
    return double


@pytest.fixture
def copied(redshift, aws_settings):
    return open_warehouse(aws_settings(warehouse="copy", **REDSHIFT))


def rows_of(lake, day):
    return lake.rows(PRICES, PRICES.column_names, Window.of_days(day, day))


def publish(warehouse, lake, day):
    return warehouse.publish(PRICES, rows_of(lake, day), Window.of_days(day, day))


def in_redshift(database):
    with database.connect() as connection:
        return connection.execute(
            "SELECT day, coin_id, close FROM curated.daily_coin_prices ORDER BY 1, 2"
        ).fetchall()


def in_lake(lake, *days):
    rows = [row for day in days for row in rows_of(lake, day).to_pylist()]
    return sorted((row["day"], row["coin_id"], row["close"]) for row in rows)


def test_days_are_copied_and_replaced_and_the_files_beside_are_removed(
    box, copied, database, local
):
    for day in (D1, D2, D1):
        assert publish(copied, local, day) == rows_of(local, day).num_rows > 0
    assert in_redshift(database) == in_lake(local, D1, D2)
    assert "Contents" not in box.client("s3").list_objects_v2(Bucket=f"platform-{PROJECT}")


def test_what_redshift_refuses_is_said_and_changes_nothing(copied, database, local):
    publish(copied, local, D1)
    with database.connect() as connection:
        connection.execute("ALTER TABLE curated.daily_coin_prices DROP COLUMN symbol")
    before = in_redshift(database)
    with pytest.raises(PermanentError, match=r'copying curated/daily_coin_prices.*"symbol"'):
        publish(copied, local, D1)
    assert in_redshift(database) == before


def test_an_interrupted_wait_cancels_the_statements(copied, redshift, local, monkeypatch):
    def interrupted(_):
        raise KeyboardInterrupt

    monkeypatch.setattr("time.sleep", interrupted)
    with pytest.raises(KeyboardInterrupt):
        publish(copied, local, D1)
    assert redshift.cancelled == list(redshift.batches)


@pytest.fixture
def days():
    with dg.DagsterInstance.ephemeral() as instance:
        days = Curated(instance)
        days.materialize(str(D1))
        yield days


def materialize(days, warehouse, lake):
    return dg.materialize(
        [warehouse_asset(PRICES)],
        partition_key=str(D1),
        instance=days.instance,
        resources={"warehouse": warehouse, "served": lake},
        raise_on_error=False,
    )


def reason(result):
    [failure] = result.get_step_failure_events()
    return failure.step_failure_data.user_failure_data.description


def test_only_days_whose_checks_passed_are_published(days, copied, redshift, local):
    assert "not published, since a blocking check" in reason(materialize(days, copied, local))
    assert not redshift.batches
    days.check(str(D1))
    result = materialize(days, copied, local)
    assert result.success
    [event] = result.get_asset_materialization_events()
    rows = rows_of(local, D1).num_rows
    assert event.materialization.metadata["dagster/partition_row_count"].value == rows


def test_a_warehouse_that_has_other_rows_than_the_lake_fails_the_step(
    days, copied, redshift, local
):
    days.check(str(D1))
    redshift.copies = False
    said = reason(materialize(days, copied, local))
    assert "the warehouse has" in said
    assert "the lake has" in said


def test_an_external_schema_shows_what_the_lake_holds(redshift, aws_settings):
    lake = open_lake(aws_settings())
    curate(lake, D1)
    external = open_warehouse(aws_settings(warehouse="external", **REDSHIFT))
    served = ServedLake(lake)
    assert publish(external, served, D1) == rows_of(served, D1).num_rows > 0


def test_there_is_a_warehouse_only_where_the_settings_want_one(aws_settings):
    def keys(settings):
        graph = build_definitions(settings).resolve_asset_graph()
        return {key for key in graph.get_all_asset_keys() if key.path[0] == "warehouse"}

    assert keys(load(env="local")) == keys(aws_settings()) == set()
    on = keys(aws_settings(warehouse="copy", **REDSHIFT))
    assert on == {dg.AssetKey(["warehouse", table.name]) for table in curated.TABLES}
    assert key_of(PRICES) not in on
    with pytest.raises(SettingsError, match="COIN_PLATFORM_REDSHIFT_WORKGROUP"):
        aws_settings(warehouse="copy")
