"""When a day is exported: after every blocking check of its curated tables."""

import dagster as dg
import pytest
from dagster._core.definitions.asset_checks.asset_check_evaluation import (
    AssetCheckEvaluationTargetMaterializationData,
)

from coin_platform.contracts import curated
from coin_platform.defs.serving.exports import ASSETS, BLOCKING
from coin_platform.defs.tables import ROWS, key_of
from coin_platform.exports import MANIFEST
from coin_platform.partitions import Window
from coin_platform.resources.lake import Lake
from coin_platform_tests.integration.served_lake import (
    D1,
    D2,
    PRICES,
    curate,
    exports_of,
    small_lake,
)


@pytest.fixture
def lake(tmp_path):
    return small_lake(tmp_path)


def files_of(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


class Curated:
    """Curated days as Dagster knows them: materialized, and checked."""

    def __init__(self, instance):
        self.instance = instance

    def materialize(self, day):
        for table in curated.TABLES:
            self.instance.report_runless_asset_event(
                dg.AssetMaterialization(key_of(table), partition=day)
            )

    def check(self, day, failing=()):
        for key in BLOCKING:
            [newest] = self.instance.fetch_materializations(
                dg.AssetRecordsFilter(key.asset_key, asset_partitions=[day]), limit=1
            ).records
            self.instance.report_runless_asset_event(
                dg.AssetCheckEvaluation(
                    asset_key=key.asset_key,
                    check_name=key.name,
                    passed=key not in failing,
                    blocking=True,
                    partition=day,
                    metadata={},
                    target_materialization_data=target_of(newest),
                )
            )


def target_of(record):
    return AssetCheckEvaluationTargetMaterializationData(
        run_id=record.run_id, storage_id=record.storage_id, timestamp=record.timestamp
    )


def export(instance, lake, *days, **options):
    tags = {
        "dagster/asset_partition_range_start": str(days[0]),
        "dagster/asset_partition_range_end": str(days[-1]),
    }
    return dg.materialize(
        ASSETS, instance=instance, resources={"exports": exports_of(lake)}, tags=tags, **options
    )


def exported(result):
    return {
        event.partition: event.materialization.metadata[ROWS].value
        for event in result.get_asset_materialization_events()
    }


@pytest.fixture
def days():
    """Both days as they are when they were curated, and no check has looked."""
    with dg.DagsterInstance.ephemeral() as instance:
        days = Curated(instance)
        for day in (D1, D2):
            days.materialize(str(day))
        yield days


def test_days_whose_blocking_checks_passed_are_exported_and_report_their_rows(lake, days):
    for day in (D1, D2):
        days.check(str(day))
    result = export(days.instance, lake, D1, D2)
    assert exported(result) == dict.fromkeys((str(D1), str(D2)), 4 * len(PRICES) + 2)


def test_a_day_of_which_a_blocking_check_failed_is_held_and_named(lake, days):
    days.check(str(D1))
    days.check(str(D2), failing=BLOCKING[:1])
    result = export(days.instance, lake, D1, D2, raise_on_error=False)
    assert not result.success
    assert list(exported(result)) == [str(D1)]
    assert not exports_of(lake).folder_of(D2).exists()
    [failure] = [event for event in result.all_events if event.is_step_failure]
    described = failure.step_failure_data.user_failure_data.description
    assert str(D2) in described
    assert str(D1) not in described


def test_a_day_made_again_since_its_checks_looked_keeps_the_files_of_before(lake, days):
    days.check(str(D1))
    export(days.instance, lake, D1)
    before = files_of(exports_of(lake).folder_of(D1))
    days.materialize(str(D1))
    curate(Lake(lake.url), D1, prices={1: 5.0})
    assert not export(days.instance, lake, D1, raise_on_error=False).success
    assert files_of(exports_of(lake).folder_of(D1)) == before


def test_a_day_that_cannot_be_exported_leaves_those_before_it_recorded(lake, days):
    for day in (D1, D2):
        days.check(str(day))
    Lake(lake.url).remove(curated.PUBLICATIONS, Window.of_days(D2, D2))
    result = export(days.instance, lake, D1, D2, raise_on_error=False)
    assert not result.success
    assert list(exported(result)) == [str(D1)]
    assert MANIFEST in files_of(exports_of(lake).folder_of(D1))
    assert not exports_of(lake).folder_of(D2).exists()
