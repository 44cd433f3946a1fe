"""What differs from a contract, and what the contract says about it."""

from dataclasses import replace

import pytest

from coin_platform.contracts import curated, database, processed, raw
from coin_platform.contracts.database import COIN_QUOTES, LISTING_ONLY
from coin_platform.contracts.model import Column, Drift, Table, Type
from coin_platform.contracts.schema import (
    Change,
    Difference,
    Found,
    absent,
    as_metadata,
    differences,
    from_metadata,
    merged,
    sentence,
    stopping,
)

TABLE = Table(
    "database",
    "t",
    "A table.",
    key=("id",),
    columns=(
        Column("id", Type.BIGINT, "Key.", nullable=False),
        Column("followed", Type.DOUBLE, "Follows.", drift=Drift.EVOLVE),
        Column("left", Type.TEXT, "Left out.", drift=Drift.IGNORE),
    ),
)
AS_IT_IS = {"id": Found("bigint", False), "followed": Found("double", True), "left": Found("text")}


def drift_of(table=TABLE, **changes):
    found = {**AS_IT_IS, **changes}
    found = {name: there for name, there in found.items() if there is not None}
    return differences(table, found, "market.t")


def test_a_table_as_its_contract_has_no_differences():
    assert drift_of() == []
    assert sentence([]) == "as the contract"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"id": None}, "market.t: id is gone (stop: nothing is made of it until"),
        ({"id": Found("text", False)}, "market.t: id is text, not bigint (stop:"),
        ({"id": Found("bigint", True)}, "market.t: id may be null, and must not (stop:"),
        ({"followed": None}, "market.t: followed is gone (evolve: it is null from now on)"),
        ({"followed": Found("text")}, "followed is text, not double (evolve: values are converted"),
        ({"left": Found("bigint")}, "left is bigint, not text (ignore: its values are left out)"),
        ({"more": Found("numeric")}, "market.t: more is new (numeric) (ignore: it is left out)"),
    ],
)
def test_each_difference_is_a_sentence_with_what_the_contract_says(changes, said):
    [difference] = drift_of(**changes)
    assert said in str(difference)
    assert stopping([difference]) == ([difference] if "id" in changes else [])


def test_a_format_without_types_has_no_retyped_columns():
    assert drift_of(followed=Found(None)) == []


@pytest.mark.parametrize(
    ("new_columns", "kind", "action"),
    [
        (Drift.STOP, "text", Drift.STOP),
        (Drift.EVOLVE, "text", Drift.EVOLVE),
        (Drift.EVOLVE, "numeric", Drift.IGNORE),
        (Drift.EVOLVE, None, Drift.IGNORE),
    ],
)
def test_a_new_column_is_what_its_table_says_if_a_contract_knows_its_type(
    new_columns, kind, action
):
    [difference] = drift_of(replace(TABLE, new_columns=new_columns), more=Found(kind))
    assert (difference.change, difference.action) == (Change.NEW, action)


def test_columns_that_hold_nothing_usable_are_those_gone_and_those_not_followed():
    followed = drift_of(followed=Found("text"), left=Found("bigint"))
    assert absent(followed) == {"left"}
    assert absent(drift_of(followed=Found("numeric"), left=None)) == {"followed", "left"}


def test_the_same_difference_of_many_answers_is_said_once_with_its_count():
    noted = Difference("/x", "tags", Change.RETYPED, Drift.IGNORE, "text", "list", 1, "coin 7: 'a'")
    [one] = merged([noted, replace(noted, example="coin 8: 'b'"), replace(noted, values=3)])
    assert str(one).startswith("/x: tags is text, not list in 5 of them, e.g. coin 7: 'a' (ignore")


def test_differences_survive_being_recorded():
    drift = drift_of(id=None, left=Found("bigint"), more=Found("numeric"))
    assert from_metadata(as_metadata(drift)) == drift


def test_what_identifies_places_and_prices_a_row_stops_when_it_drifts():
    for table in (*database.TABLES, *raw.TABLES, *processed.TABLES, *curated.TABLES):
        names = {*table.key, table.time_column, "price", "last_updated", "source", "loaded_at"}
        for column in table.columns:
            if column.name in names:
                assert column.drift is Drift.STOP, f"{table.id}.{column.name}"


def test_what_only_a_listing_carries_can_be_done_without():
    assert {COIN_QUOTES.column(name).drift for name in LISTING_ONLY} <= {Drift.EVOLVE, Drift.IGNORE}
