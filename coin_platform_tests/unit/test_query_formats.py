"""How results are written: exact, readable by others, harmless to spreadsheets and terminals."""

import csv
import io
import json
import math
import re
from datetime import UTC, date, datetime
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from coin_platform.errors import SettingsError
from coin_platform.query.formats import distinct, new_file, write_csv, write_json, write_parquet
from coin_platform.query.screen import Counted, lines_of
from coin_platform.query.texts import harmless, texts, visible

INSTANT = datetime(2026, 11, 22, 13, tzinfo=UTC)
INSTANTS = pa.timestamp("us", "UTC")
UNICODE = st.text(st.characters(exclude_categories=["Cs"]))
TEXTS = st.one_of(UNICODE, st.text("=+-@\t\r\n \",'\u3000\uff1dab"))


def written(write, table, **options):
    file = io.BytesIO()
    rows = write(table.schema, table.to_batches(max_chunksize=2), file, **options)
    assert rows == table.num_rows
    return file.getvalue()


def parsed(data):
    return list(csv.reader(io.StringIO(data.decode(), newline=""), strict=True))


@given(st.lists(st.tuples(TEXTS, st.floats() | st.none(), st.integers(-(2**63), 2**63 - 1))))
def test_csv_gives_back_every_value(rows):
    columns = list(zip(*rows, strict=True)) or [[], [], []]
    table = pa.table(
        {
            "text": pa.array(columns[0], pa.string()),
            "number": pa.array(columns[1], pa.float64()),
            "whole": pa.array(columns[2], pa.int64()),
        }
    )
    header, *found = parsed(written(write_csv, table, line_end="\r\n"))
    assert header == ["text", "number", "whole"]
    assert len(found) == len(rows)
    for (text, number, whole), (text_field, number_field, whole_field) in zip(
        rows, found, strict=True
    ):
        assert unmarked(text_field) == text
        assert int(whole_field) == whole
        if number is None:
            assert number_field == ""
        else:
            assert number_field == repr(number)


ALIVE = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")
SPACES = ' \f\v\u00a0\u1680\u2028\u2029\u202f\u205f\u3000"' + "".join(
    map(chr, range(0x2000, 0x200B))
)


def unmarked(safe):
    """The text that was made harmless, told from the result alone."""
    if re.match("''*[\\t\\r\\n]", safe):
        safe = safe[1:]
    return re.sub(
        f"(^|[;\\t\\r\\n])'([{SPACES}']*[{''.join(map(re.escape, ALIVE))}])", r"\1\2", safe
    )


@given(TEXTS)
def test_no_cell_of_a_text_is_a_formula_and_each_text_can_be_told_from_every_other(text):
    [safe] = harmless(pa.array([text])).to_pylist()
    for cell in re.split("[;\t\r\n]", safe):
        assert not cell.lstrip(SPACES).startswith(ALIVE)
    assert not safe.startswith(("\t", "\r", "\n"))
    assert unmarked(safe) == text


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ('=HYPERLINK("http://x","y")', '\'=HYPERLINK("http://x","y")'),
        ("+1+1", "'+1+1"),
        ("-2", "'-2"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t'=1"),
        ("\r=1", "'\r'=1"),
        ("\nx", "'\nx"),
        ("  =1", "'  =1"),
        ('"=1"', '\'"=1"'),
        ("'=1", "''=1"),
        (" ' \"=cmd|' /C calc'!A0", "' ' \"=cmd|' /C calc'!A0"),
        ("\u00a0=1", "'\u00a0=1"),
        ("\uff1d1", "'\uff1d1"),
        ("Coin;=1", "Coin;'=1"),
        ("Coin\n-1", "Coin\n'-1"),
        ("-X", "'-X"),
    ],
)
def test_what_a_spreadsheet_could_run_gets_a_mark_before_it(text, written):
    assert harmless(pa.array([text])).to_pylist() == [written]


@pytest.mark.parametrize(
    "text", ["Bitcoin", "a=b", "1-2", "x@y", "", "\u00fcber", "don't", "(=1)", "a; b"]
)
def test_other_texts_stay_as_they_are(text):
    assert harmless(pa.array([text])).to_pylist() == [text]


def test_negative_numbers_stay_numbers():
    table = pa.table({"a": [-1.5], "b": [-2], "c": [Decimal("-3.5")], "d": [True]})
    assert written(write_csv, table) == b"a,b,c,d\n-1.5,-2,-3.5,true\n"


def test_null_and_the_empty_text_differ_in_csv():
    table = pa.table({"a": ["", None, "x"], "b": ["1", "2", None]})
    assert written(write_csv, table) == b'a,b\n"",1\n,2\nx,\n'


def test_a_header_is_text_like_any_other():
    assert written(write_csv, pa.table({'=1,"a"': [1]})) == b'"\'=1,""a""\'"\n1\n'.replace(
        b'""\'"', b'"""'
    )


def test_a_result_without_rows_has_a_header():
    table = pa.table({"a": pa.array([], pa.int64())})
    assert written(write_csv, table) == b"a\n"
    assert written(write_json, table) == b"[]\n"
    assert pq.read_table(io.BytesIO(written(write_parquet, table))) == table


def test_instants_are_utc_and_have_a_fraction_only_where_there_is_one():
    column = pa.array([INSTANT, INSTANT.replace(microsecond=5000), None], INSTANTS)
    assert texts(column).to_pylist() == [
        "2026-11-22T13:00:00Z",
        "2026-11-22T13:00:00.005000Z",
        None,
    ]


@given(st.lists(st.tuples(TEXTS | st.none(), st.floats() | st.none()), min_size=1))
def test_json_gives_back_every_value(rows):
    table = pa.table(
        {
            "text": pa.array([text for text, _ in rows], pa.string()),
            "number": pa.array([number for _, number in rows], pa.float64()),
        }
    )

    def refuse(constant):
        raise AssertionError(constant)

    found = json.loads(written(write_json, table), parse_constant=refuse)
    for row, (text, number) in zip(found, rows, strict=True):
        assert row["text"] == text
        if number is not None and not math.isfinite(number):
            assert math.isnan(float(row["number"])) == math.isnan(number)
            assert isinstance(row["number"], str)
        else:
            assert row["number"] == number


def test_json_has_instants_dates_and_nested_values():
    table = pa.table(
        {
            "at": pa.array([INSTANT], INSTANTS),
            "day": [date(2026, 11, 22)],
            "list": [[1.5, float("nan"), None]],
            "of": [{"a": float("inf"), "b": INSTANT}],
            "a": [True],
        }
    )
    [row] = json.loads(written(write_json, table))
    assert row == {
        "at": "2026-11-22T13:00:00Z",
        "day": "2026-11-22",
        "list": [1.5, "NaN", None],
        "of": {"a": "Infinity", "b": "2026-11-22 13:00:00+00:00"},
        "a": True,
    }


def test_columns_of_the_same_name_are_told_apart():
    assert distinct(["a", "a", "b", "a"]) == ["a", "a_1", "b", "a_2"]
    table = pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["a", "a"])
    assert json.loads(written(write_json, table)) == [{"a": 1, "a_1": 2}]
    assert pq.read_table(io.BytesIO(written(write_parquet, table))).column_names == ["a", "a_1"]


def test_a_file_appears_whole_or_not_at_all(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text("before")
    with pytest.raises(ZeroDivisionError), new_file(path) as file:
        file.write(b"half" * (1 // 0))
    assert path.read_text() == "before"
    with new_file(path) as file:
        file.write(b"whole")
    assert [p.name for p in tmp_path.iterdir()] == ["x.csv"]
    assert path.read_text() == "whole"


def test_a_file_that_cannot_be_written_is_named(tmp_path):
    missing = new_file(tmp_path / "nowhere" / "x.csv")
    with pytest.raises(SettingsError, match=r"/x\.csv cannot be written"), missing:
        pass


def table_lines(table, **options):
    return list(lines_of(table.schema, table.to_batches(max_chunksize=2), **options))


def test_a_table_is_aligned_and_numbers_stand_at_the_right():
    table = pa.table({"name": ["Größe", "币安", None], "price": [1.5, 2e-20, None]})
    assert table_lines(table) == [
        "name   price",
        "-----  -----",
        "Größe    1.5",
        "币安   2e-20",
        "null    null",
    ]


def test_what_is_wider_than_the_screen_is_shown_value_by_value():
    table = pa.table({"first": ["a" * 30], "second": ["b" * 30]})
    assert len(table_lines(table, width=80)) == 3
    assert table_lines(table, width=40)[1:] == [f"first   {'a' * 30}", f"second  {'b' * 30}"]


@given(UNICODE)
def test_no_text_acts_on_a_terminal(text):
    assert visible(text).isprintable()


def test_hostile_text_is_shown_as_text():
    shown = table_lines(pa.table({"a": ["\x1b[2J\r\nx\u202e"]}))
    assert shown[-1] == r"\x1b[2J\r\nx\u202e"


def test_a_limit_cuts_off_and_says_so():
    batches = pa.table({"a": [1, 2, 3]}).to_batches(max_chunksize=2)
    for limit, more in ((2, True), (3, False), (None, False), (1, True)):
        counted = Counted(batches, limit)
        assert sum(batch.num_rows for batch in counted) == counted.rows == (limit or 3)
        assert counted.more is more
