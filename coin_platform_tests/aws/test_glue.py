"""The Glue catalog follows the lake's tables, and is left alone where it does."""

from datetime import UTC, datetime

import pytest

from coin_platform.contracts import processed
from coin_platform.contracts.model import Column, Type
from coin_platform.errors import PermanentError
from coin_platform.resources.aws.session import client
from coin_platform.resources.lake import open_lake
from coin_platform.resources.lake.glue import GlueCatalog, differs

H = datetime(2026, 3, 1, tzinfo=UTC)
DATABASE = "coins_processed"
LEDGER = processed.LEDGER


@pytest.fixture
def lake(aws_settings):
    lake = open_lake(aws_settings())
    lake.ensure(LEDGER)
    return lake


@pytest.fixture
def catalog(aws_settings):
    def of():
        databases = {"processed": DATABASE, "curated": "coins_curated"}
        return GlueCatalog(client(aws_settings(), "glue"), databases)

    return of


def table(box):
    return box.client("glue").get_table(DatabaseName=DATABASE, Name=LEDGER.name)["Table"]


def changes(box):
    return [action for service, action in box.calls()
            if service == "glue" and not action.startswith("Get")]  # fmt: skip


def test_what_is_there_is_registered_once(box, lake, catalog):
    ours = catalog()
    ours.register(lake)
    assert table(box)["StorageDescriptor"]["Location"] == lake.uri(LEDGER)
    box.mend()
    ours.register(lake)
    assert not [action for service, action in box.calls() if service == "glue"]
    catalog().register(lake)
    assert changes(box) == []


def test_a_table_in_a_database_of_the_stack_is_registered(box, lake, catalog):
    box.client("glue").create_database(DatabaseInput={"Name": DATABASE, "Description": "stack's"})
    catalog().register(lake)
    assert table(box)["TableType"] == "EXTERNAL_TABLE"
    assert changes(box).count("CreateDatabase") == 1  # the test's


def test_a_column_that_came_along_is_added(box, lake, catalog):
    ours = catalog()
    ours.register(lake)
    lake.ensure(LEDGER, [Column("note", Type.TEXT, "new")])
    ours.register(lake)
    assert table(box)["StorageDescriptor"]["Columns"][-1]["Name"] == "note"
    assert changes(box)[-1] == "UpdateTable"


def test_what_somebody_changed_in_the_catalog_is_put_right(box, lake, catalog):
    catalog().register(lake)
    glue = box.client("glue")
    wrong = {"Name": LEDGER.name, "StorageDescriptor": {"Columns": [], "Location": "s3://else"}}
    glue.update_table(DatabaseName=DATABASE, TableInput=wrong)
    catalog().register(lake)
    assert len(table(box)["StorageDescriptor"]["Columns"]) == len(LEDGER.columns)


def test_a_role_that_may_not_write_the_catalog_is_told_so(box, lake, catalog):
    box.client("glue").create_database(DatabaseInput={"Name": DATABASE})
    box.fail("glue", 1, action="CreateTable", code="AccessDeniedException", message="no")
    with pytest.raises(PermanentError, match=r"registering processed/ledger.*may not do Create"):
        catalog().register(lake)


def test_what_glue_adds_of_its_own_is_no_difference():
    wanted = {"a": [{"b": 1}], "c": {"d": 2}}
    assert not differs({"a": [{"b": 1, "x": 0}], "c": {"d": 2, "y": 1}, "z": 3}, wanted)
    for found in ({"a": [], "c": {"d": 2}}, {"a": [{"b": 2}], "c": {"d": 2}}, {"c": {"d": 2}}):
        assert differs(found, wanted)
