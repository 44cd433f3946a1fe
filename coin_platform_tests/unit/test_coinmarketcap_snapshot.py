"""From JSON to frames: shapes, nulls, and values of the wrong kind."""

import json
import math
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from coin_platform.contracts.database import COIN_QUOTES, COINS
from coin_platform.contracts.model import Drift
from coin_platform.contracts.render import arrow_schema
from coin_platform.contracts.schema import Change
from coin_platform.errors import PermanentError
from coin_platform.resources.coinmarketcap.columns import column
from coin_platform.resources.coinmarketcap.snapshot import (
    Origin,
    coins_table,
    listed_quotes_table,
    snapshot,
)

ORIGIN = Origin("/v3/cryptocurrency/listings/latest", "USD", simulated=False)
HOUR = datetime(2026, 11, 22, 13, tzinfo=UTC)
SPARSE = {"id": 7, "name": "NULL", "symbol": "42", "slug": "null", "last_updated": None}


def row(**fields):
    return {**SPARSE, "quote": {"USD": {"price": 1.5}}, **fields}


def built(*rows):
    return snapshot(
        HOUR,
        coins_table(rows, ORIGIN),
        listed_quotes_table(rows, ORIGIN),
        credits_used=1,
        endpoint=ORIGIN.endpoint,
    )


def test_frames_have_the_columns_and_types_of_the_contracts_without_loaded_at():
    made = built(row())
    for contract, frame in ((COINS, made.coins), (COIN_QUOTES, made.quotes)):
        schema = arrow_schema(contract)
        wanted = schema.remove(schema.get_field_index("loaded_at"))
        got = pa.Table.from_pandas(frame, preserve_index=False).schema
        assert got.names == wanted.names
        assert got.types == wanted.types


def test_v1_and_v3_quotes_give_the_same_row():
    quote = {"price": 2.5, "market_cap": 10, "last_updated": "2026-11-22T13:59:30.000Z"}
    v1 = built(row(quote={"USD": quote})).quotes
    v3 = built(row(quote=[{"id": 2781, "symbol": "USD", **quote}])).quotes
    assert v1.equals(v3)
    assert v1.market_cap[0] == 10.0


def test_whatever_is_missing_becomes_null_and_text_stays_verbatim():
    made = built(row(unknown_field={"deep": [1]}))
    coin, quote = made.coins.iloc[0], made.quotes.iloc[0]
    assert (coin["name"], coin["symbol"]) == ("NULL", "42")
    assert (
        made.coins[["max_supply", "infinite_supply", "platform_id", "tags"]].isna().all(axis=None)
    )
    assert quote["price"] == 1.5
    assert made.quotes[["cmc_rank", "volume_24h", "last_updated"]].isna().all(axis=None)


def test_a_coin_without_any_quote_has_null_prices():
    assert built(row(quote=None)).quotes.price.isna().all()


def test_nan_and_null_stay_different():
    rows = [
        row(id=1, quote={"USD": {"price": math.nan}}),
        row(id=2, quote={"USD": {"price": None}}),
    ]
    prices = pa.array(built(*rows).quotes.price)
    assert prices.null_count == 1
    assert math.isnan(prices[0].as_py())


def test_zero_and_null_caps_both_mean_no_known_cap_but_zero_supplies_stay():
    rows = [row(id=1, max_supply=0, total_supply=0), row(id=2, max_supply=None)]
    made = built(*rows, row(id=3, max_supply=21000000))
    assert made.coins.max_supply.isna().tolist() == [True, True, False]
    assert made.quotes.total_supply[0] == 0.0


def test_tags_come_as_texts_or_objects_and_are_joined():
    rows = [row(id=1, tags=["pow", "defi"]), row(id=2, tags=[{"slug": "pow"}, {"slug": "defi"}])]
    assert built(*rows).coins.tags.tolist() == ["pow,defi", "pow,defi"]


def test_a_platform_is_taken_apart():
    platform = {"id": 1027, "name": "Chain", "token_address": "0xabc", "more": 1}
    coin = built(row(platform=platform)).coins.iloc[0]
    assert (coin.platform_id, coin.platform_name, coin.platform_token_address) == (
        1027,
        "Chain",
        "0xabc",
    )


def test_coins_are_ordered_by_id_whatever_their_rank():
    assert built(row(id=9), row(id=3)).coins.coin_id.tolist() == [3, 9]


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"quote": {"USD": {"price": "1.5"}}}, "price"),
        ({"quote": {"USD": {"price": True}}}, "price"),
        ({"quote": {"EUR": {"price": 1.5}}}, "quote"),
        ({"quote": "USD"}, "quote"),
        ({"quote": {"USD": {"last_updated": "soon"}}}, "last_updated"),
        ({"name": 42}, "name"),
        ({"name": "a\0b"}, "name"),
        ({"name": "\ud800"}, "name"),
        ({"circulating_supply": "1"}, "circulating_supply"),
    ],
)
def test_a_value_of_the_wrong_kind_raises_and_names_endpoint_coin_and_field(fields, named):
    with pytest.raises(PermanentError) as raised:
        built(row(id=5), row(**fields))
    for part in (ORIGIN.endpoint, "coin 7", f"field {named}:"):
        assert part in str(raised.value)


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"cmc_rank": 1.5}, "cmc_rank"),
        ({"cmc_rank": 2**31}, "cmc_rank"),
        ({"cmc_rank": math.nan}, "cmc_rank"),
        ({"cmc_rank": "first"}, "cmc_rank"),
        ({"num_market_pairs": "12"}, "num_market_pairs"),
        ({"infinite_supply": 1}, "infinite_supply"),
        ({"max_supply": ""}, "max_supply"),
        ({"max_supply": [21]}, "max_supply"),
        ({"platform": "Ethereum"}, "platform_id"),
        ({"tags": "pow"}, "tags"),
        ({"tags": [{"name": "PoW"}]}, "tags"),
        ({"date_added": 20130428}, "date_added"),
    ],
)
def test_a_value_of_the_wrong_kind_is_null_and_noted_where_the_contract_goes_on(fields, named):
    origin = replace(ORIGIN, drift=[])
    rows = [row(id=5), row(**fields)]
    tables = coins_table(rows, origin), listed_quotes_table(rows, origin)
    [noted] = origin.drift
    assert (noted.column, noted.change, noted.values) == (named, Change.RETYPED, 1)
    assert noted.example.startswith("coin 7: ")
    [table] = [table for table in tables if named in table.column_names]
    assert table[named].null_count == 2


@pytest.mark.parametrize(
    ("fields", "column", "value"),
    [
        ({"max_supply": "21000000.5"}, "max_supply", 21000000.5),
        ({"cmc_rank": "3"}, "cmc_rank", 3),
        ({"infinite_supply": "true"}, "infinite_supply", True),
        ({"platform": {"id": "1027", "name": 7}}, "platform_name", "7"),
    ],
)
def test_a_value_whose_text_says_the_same_is_followed_where_the_contract_says_evolve(
    fields, column, value
):
    origin = replace(ORIGIN, drift=[])
    rows = [row(**fields)]
    tables = coins_table(rows, origin), listed_quotes_table(rows, origin)
    [table] = [table for table in tables if column in table.column_names]
    assert table[column].to_pylist() == [value]
    assert {noted.action for noted in origin.drift} == {Drift.EVOLVE}


@pytest.mark.parametrize("identity", [None, "7", True, 0, -1, 1.5, 2**63])
def test_a_coin_without_a_valid_id_raises_and_says_which_it_is(identity):
    with pytest.raises(PermanentError, match=r"without a valid id.*'slug': 'null'"):
        built(row(id=identity))


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4)
    | st.sampled_from(["2026-11-22T13:59:30Z", "0001-01-01T00:00:00+14:00", "USD"]),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from(["USD", "id", "slug", "symbol", "price"]), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip
fields = st.sampled_from(sorted({*COINS.column_names, *COIN_QUOTES.column_names, "id", "platform"}))


@given(st.dictionaries(fields, anything), st.dictionaries(fields, anything) | anything)
def test_whatever_a_coin_looks_like_it_is_kept_or_named(coin_fields, quote):
    odd = row(**coin_fields, quote={"USD": quote})
    try:
        made = built(row(id=1), odd)
    except PermanentError as error:
        assert "field" in str(error) or "valid id" in str(error)  # noqa: PT017 - both ways are right
    else:
        assert len(made.coins) == len(made.quotes) == 2


@given(st.floats(allow_nan=False))
def test_every_double_survives_the_way_through_json(number):
    read = json.loads(json.dumps(number))
    assert column(COIN_QUOTES, "price", [read], [1], "", []).to_pylist() == [number]


@given(st.integers(-(10**40), 10**40))
def test_a_whole_number_becomes_the_nearest_double_however_large(number):
    got = column(COIN_QUOTES, "price", [number, 0.5], [1, 2], "", []).to_pylist()
    assert got == [np.float64(str(number)), 0.5]
