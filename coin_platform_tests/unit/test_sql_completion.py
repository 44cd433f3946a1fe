"""What the SQL shell offers for a word being typed, and when it takes a line as complete."""

import pytest
from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.document import Document

from coin_platform.cli.completion import SqlCompleter
from coin_platform.cli.shell import is_complete
from coin_platform.query.catalogue import Vocabulary
from coin_platform.resources.lake.served import TABLES

COMPLETER = SqlCompleter(TABLES, Vocabulary(["select", "from", "order"], ["sum", "substring"]))


def offered(text):
    """The texts offered where `|` is the cursor."""
    before, _, after = text.partition("|")
    return [found for found, _ in COMPLETER.suggestions(before, before + after)]


@pytest.mark.parametrize("before", ["from ", "FROM ", "select * from coins join ", "from coins, "])
def test_tables_are_offered_where_a_table_is_due(before):
    assert "market_overview" in offered(f"{before}mark|")
    assert "market_cap" not in offered(f"{before}mark|")
    assert "curated." in offered(f"{before}|")


def test_a_layer_offers_its_tables():
    assert offered("from curated.daily|") == ["daily_coin_prices", "daily_top_movers"]
    assert "coin_quotes" in offered("from processed.|")
    assert offered("from raw.|") == []


def test_columns_are_those_of_the_tables_that_the_query_names():
    assert offered("select dom| from daily_coin_prices") == ["dominance"]
    assert offered("select dom| from coins") == []
    assert "dominance" in offered("select dom|")


def test_an_alias_and_a_table_offer_their_columns():
    assert offered("select p.clo| from daily_coin_prices p") == ["close"]
    assert offered("select p.clo| from curated.daily_coin_prices AS p") == ["close"]
    assert offered("select daily_coin_prices.clo| from daily_coin_prices") == ["close"]
    assert offered("select x.clo| from daily_coin_prices p") == []


def test_keywords_and_functions_come_after_the_names_of_the_lake():
    found = offered("select s| from coins")
    assert found.index("symbol") < found.index("SELECT") < found.index("sum")


def test_commands_of_the_shell_are_offered_at_the_beginning_only():
    assert offered(".sch|") == [".schema"]
    assert offered(".schema top_p|") == ["top_prices"]
    assert offered("select .sch|") == []


def test_a_completion_replaces_the_part_after_the_dot():
    document = Document("select p.clo from daily_coin_prices p", len("select p.clo"))
    [found] = COMPLETER.get_completions(document, CompleteEvent())
    assert (found.text, found.start_position) == ("close", -len("clo"))


@pytest.mark.parametrize(
    ("text", "complete"),
    [
        ("select 1;", True),
        ("select 1 ; ", True),
        ("select 1", False),
        (".tables", True),
        ("", True),
    ],
)
def test_a_line_is_sent_when_it_is_complete(text, complete):
    assert is_complete(text) is complete
