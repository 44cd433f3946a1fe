"""The contracts: what is made of them agrees with itself and with the documentation."""

from pathlib import Path

import pytest

from coin_platform.contracts import curated, database, processed, raw, serving
from coin_platform.contracts.dictionary import dictionary
from coin_platform.contracts.measures import conditions
from coin_platform.contracts.model import Column, Table, Type, without
from coin_platform.contracts.render import arrow_schema, spark_columns

TABLES = (*database.TABLES, *raw.TABLES, *processed.TABLES, *curated.TABLES, *serving.TABLES)
DOCS = Path(__file__).parents[2] / "docs"


def test_the_data_dictionary_is_up_to_date():
    assert (DOCS / "data_dictionary.md").read_text() == dictionary(), "run `make docs`"


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.id)
def test_every_rendering_has_the_contract_s_columns_in_order(table):
    assert tuple(arrow_schema(table).names) == table.column_names
    rendered = spark_columns(table, with_constraints=False)
    assert [part.split("`")[1] for part in rendered.split(", ")] == list(table.column_names)


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.id)
def test_every_column_says_what_it_means(table):
    assert all(column.description.endswith(".") for column in table.columns)
    assert table.description.endswith(".")


def test_prices_are_doubles_in_every_layer():
    for table in TABLES:
        for column in table.columns:
            if column.unit == "currency":
                assert column.type is Type.DOUBLE


def test_a_contract_that_names_an_undeclared_key_is_refused():
    with pytest.raises(ValueError, match="undeclared"):
        Table("x", "t", "A table.", key=("b",), columns=(Column("a", Type.TEXT, "A."),))


def test_leaving_out_a_column_that_is_not_there_is_refused():
    with pytest.raises(KeyError):
        without((Column("a", Type.TEXT, "A."),), "b")


def test_a_raw_row_requires_nothing_but_its_change_columns():
    for table in raw.TABLES:
        required = [column.name for column in table.columns if not column.nullable]
        assert required == ["Op", "commit_timestamp"]


def test_conditions_name_their_kind_and_column():
    found = conditions(processed.COIN_QUOTES)
    assert found["null.coin_id"] == "coin_id IS NULL"
    assert found["range.price"] == "price < 0"
    assert "finite.price" in found
    assert "range.source" in found
