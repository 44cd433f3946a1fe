"""What a job reports from elsewhere survives the way as JSON."""

import json
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coin_platform.contracts.measures import Measured
from coin_platform.errors import PermanentError, TransientError
from coin_platform.partitions import HOUR, Window
from coin_platform.resources.engine.interface import Outcome
from coin_platform.resources.engine.orders import MEASURE, RUN, Orders
from coin_platform.resources.engine.reports import (
    Measurements,
    failure_json,
    failure_of,
    measurements_json,
    measurements_key,
    measurements_of,
    outcome_json,
    outcome_of,
)
from coin_platform.resources.lake import Lake

H = datetime(2026, 3, 1, 23, tzinfo=UTC)
facts = (
    st.none()
    | st.integers()
    | st.text()
    | st.booleans()
    | st.floats(allow_nan=False)
    | st.dates()
    | st.datetimes(timezones=st.just(UTC))
)
counts = st.dictionaries(st.text(), st.integers())
measured = st.builds(
    Measured, st.integers(), st.integers(), counts, st.dictionaries(st.text(), facts)
)


def travelled(value):
    return json.loads(json.dumps(value))


@given(st.dictionaries(st.text(), st.integers() | st.none()), st.dictionaries(st.text(), measured))
def test_measurements_come_back_as_they_were(versions, partitions):
    found = Measurements(versions, partitions)
    back = measurements_of(travelled(measurements_json(found)))
    assert back == found
    kinds = [[type(value) for value in of.facts.values()] for of in found.partitions.values()]
    assert kinds == [
        [type(value) for value in of.facts.values()] for of in back.partitions.values()
    ]


def test_a_date_and_an_instant_stay_what_they_are():
    of = Measured(facts={"first": date(2026, 3, 1), "newest": H, "last": None})
    back = measurements_of(travelled(measurements_json(Measurements({}, {"x": of}))))
    assert back.partitions["x"].facts == {"first": date(2026, 3, 1), "newest": H, "last": None}


def test_an_outcome_comes_back_as_it_was():
    outcome = Outcome(
        {"2026-03-01": 3}, {"files": 1, "sources": "x"}, {"2026-03-01": 1},
        {"2026-03-02": "why"}, {"2026-03-01": {"hours": 24}},
    )  # fmt: skip
    assert outcome_of(travelled(outcome_json(outcome))) == outcome


@pytest.mark.parametrize("error", [TransientError("later"), PermanentError("never")])
def test_a_failure_keeps_its_kind_and_its_words(error):
    back = failure_of(travelled(failure_json(error)))
    assert (type(back), str(back)) == (type(error), str(error))


def test_a_failure_of_an_unknown_kind_is_permanent():
    assert type(failure_of({"kind": "NewError", "message": "x"})) is PermanentError


def test_orders_name_the_same_lake_and_window_elsewhere():
    lake = Lake({"raw": "s3://r", "processed": "s3://p"}, {"AWS_REGION": "eu-west-1"})
    window = Window(H, H + 3 * HOUR)
    orders = Orders.given(RUN, "processed/coins", window, "run-1", lake, "platform-x")
    back = Orders(**travelled(orders.json()))
    assert back == orders
    assert back.window == window
    assert (back.lake.roots, back.lake.storage_options) == (lake.roots, lake.storage_options)


def test_measurements_of_other_versions_and_windows_are_kept_apart():
    window = Window.of_hour(H)
    keys = {
        measurements_key("processed/coins", version, span)
        for version in (1, 2, None)
        for span in (window, Window(H, H + 2 * HOUR), Window.of_hour(H + HOUR))
    }
    assert len(keys) == 9
    assert MEASURE != RUN
