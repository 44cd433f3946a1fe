"""How differences and the data's own time become verdicts."""

from datetime import UTC, datetime, timedelta

import pytest

from coin_platform.contracts.measures import Measured
from coin_platform.contracts.model import Drift
from coin_platform.contracts.schema import Change, Difference
from coin_platform.defs.checks import HAS_ROWS, judged
from coin_platform.defs.drift import (
    NOT_DRIFTED,
    RECENT,
    SCHEMA_MATCHES,
    recency,
    schema_facts,
    unmeasured,
)

HOUR = datetime(2026, 3, 1, 10, tzinfo=UTC)
GONE = Difference("market.t", "tags", Change.REMOVED, Drift.IGNORE)
STOPPED = Difference("market.t", "price", Change.RETYPED, Drift.STOP, "numeric", "double")


def passed(drift, also=()):
    facts = schema_facts(drift, also)
    return facts[SCHEMA_MATCHES.name].passed, facts[NOT_DRIFTED.name].passed


def test_only_what_the_contract_stops_for_fails_the_blocking_check():
    assert SCHEMA_MATCHES.blocking
    assert not NOT_DRIFTED.blocking
    assert passed([]) == (True, True)
    assert passed([GONE]) == (True, False)
    assert passed([], also=[GONE]) == (True, False)
    assert passed([GONE, STOPPED]) == (False, False)


def test_the_blocking_check_names_only_what_stops_and_the_other_everything():
    facts = schema_facts([GONE, STOPPED])
    assert "tags" not in facts[SCHEMA_MATCHES.name].description
    assert "price is numeric, not double (stop" in facts[SCHEMA_MATCHES.name].description
    assert len(facts[NOT_DRIFTED.name].metadata["differences"]) == 2


def test_a_table_that_could_not_be_measured_says_so_in_every_check_but_that_of_its_schema():
    of = Measured(facts={**schema_facts([STOPPED]), **unmeasured([STOPPED])})
    verdict = judged(HAS_ROWS, of)
    assert not verdict.passed
    assert verdict.description == "not judged, since price is not as the contract says"
    assert "is numeric" in judged(SCHEMA_MATCHES, of).description


def test_a_new_column_keeps_nothing_from_being_measured():
    new = Difference("market.t", "note", Change.NEW, Drift.STOP, "text")
    assert unmeasured([new]) == {}


@pytest.mark.parametrize(
    ("minutes", "recent"), [(-1, False), (0, True), (60, True), (119, True), (120, False)]
)
def test_the_newest_quote_is_of_the_hour_or_of_the_next_in_which_it_was_asked_for(minutes, recent):
    verdict = recency(HOUR + timedelta(minutes=minutes), HOUR)[RECENT.name]
    assert verdict.passed is recent
    assert verdict.description.endswith("the hour closed at 2026-03-01 11:00")


def test_quotes_that_do_not_say_when_they_were_computed_are_not_recent():
    assert not recency(None, HOUR)[RECENT.name].passed
