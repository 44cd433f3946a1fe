"""What is inside raw files, and how they are named."""

import csv
from datetime import UTC, date, datetime
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from coin_platform.resources.replication.columns import UnrepresentableError, typed
from coin_platform.resources.replication.files import CsvFile, ParquetFile
from coin_platform.resources.replication.layout import (
    CHANGE_FILE,
    CSV_NULL,
    LOAD_FILE,
    change_file,
    change_prefix,
    commit_text,
    load_file,
)
from coin_platform.resources.replication.lines import exactly
from coin_platform.resources.replication.source_column import SourceColumn

TEXT, INT2, INT4, INT8, REAL, DOUBLE, BOOL = 25, 21, 23, 20, 700, 701, 16
DATE, INSTANT, LOCAL, NUMERIC, BYTEA, UUID, TEXTS = 1082, 1184, 1114, 1700, 17, 2950, 1009


def column(type_id, modifier=-1, name="c"):
    return SourceColumn(name, type_id, modifier)


def numeric(precision, scale):
    return column(NUMERIC, (precision << 16 | scale & 0x7FF) + 4)


def write(path, kind, columns, rows):
    file = kind(path, columns)
    count = len(rows)
    texts = [pa.array(values, pa.string()) for values in zip(*rows, strict=True)]
    file.write(["I"] * count, ["2026-01-01 00:00:00.000000"] * count, texts, [None] * count)
    file.close()
    return path


@pytest.mark.parametrize(
    ("source", "text", "value"),
    [
        (column(INT2), "-32768", -32768),
        (column(INT4), "2147483647", 2147483647),
        (column(INT8), "9223372036854775807", 9223372036854775807),
        (column(REAL), "0.5", 0.5),
        (column(DOUBLE), "1.7976931348623157e+308", 1.7976931348623157e308),
        (column(DOUBLE), "5e-324", 5e-324),
        (column(DOUBLE), "-Infinity", float("-inf")),
        (column(BOOL), "t", True),
        (column(BOOL), "f", False),
        (column(DATE), "2026-11-22", date(2026, 11, 22)),
        (
            column(INSTANT),
            "2026-11-22 13:00:00.5+00",
            datetime(2026, 11, 22, 13, 0, 0, 500_000, UTC),
        ),
        (column(LOCAL), "2026-11-22 13:00:00", datetime(2026, 11, 22, 13, tzinfo=UTC)),
        (numeric(10, 2), "12345678.90", Decimal("12345678.90")),
        (numeric(38, 0), "9" * 38, Decimal("9" * 38)),
        (column(NUMERIC), "1.5", Decimal("1.500000")),
        (numeric(50, 2), "1.50", "1.50"),
        (numeric(2, -3), "1000", "1000"),
        (column(BYTEA), "\\x00ff", b"\0\xff"),
        (column(UUID), "0" * 32, "0" * 32),
        (column(TEXTS), "{a,NULL}", "{a,NULL}"),
        (column(TEXT), "", ""),
    ],
)
def test_each_type_becomes_what_dms_writes_and_null_stays_null(tmp_path, source, text, value):
    path = write(tmp_path / "f", ParquetFile, [source], [[text], [None]])

    assert pq.read_table(path)["c"].to_pylist() == [value, None]


@pytest.mark.parametrize(
    ("source", "text"),
    [
        (column(INSTANT), "infinity"),
        (column(INSTANT), "0044-03-15 00:00:00+00 BC"),
        (column(NUMERIC), "0.0000001"),
        (column(NUMERIC), "NaN"),
        (numeric(5, 2), "NaN"),
        (column(DATE), "-infinity"),
    ],
)
def test_a_value_that_its_type_cannot_hold_is_refused_by_name(source, text):
    with pytest.raises(UnrepresentableError, match=r"column c: .* cannot hold it"):
        typed(pa.array([text]), source)


@given(st.floats(allow_nan=False))
def test_every_double_survives_to_the_last_digit(value):
    (read,) = typed(pa.array([repr(value)]), column(DOUBLE)).to_pylist()

    assert (read, str(read)) == (value, str(value))


def test_a_parquet_file_is_of_the_kind_that_dms_writes(tmp_path):
    columns = [column(INT8, name="id"), column(TEXT, name="name")]
    rows = [[str(n), "x"] for n in range(25_000)]

    meta = pq.read_metadata(write(tmp_path / "f", ParquetFile, columns, rows))

    assert meta.format_version == "1.0"
    assert meta.metadata is None
    assert [meta.row_group(n).num_rows for n in range(3)] == [10_000, 10_000, 5_000]
    assert meta.row_group(0).column(0).compression == "GZIP"
    assert [meta.schema.column(n).max_definition_level for n in range(5)] == [1] * 5
    assert meta.schema.names == ["Op", "commit_timestamp", "id", "name", "change_seq"]


def test_a_csv_file_has_a_header_and_quotes_only_what_needs_it(tmp_path):
    columns = [column(TEXT, name="a,b"), column(BOOL), column(INSTANT, name="at"), column(BYTEA)]
    rows = [['say "x"', "t", "2026-01-01 00:00:00+00", "\\xff"], ["plain", None, None, None]]

    lines = write(tmp_path / "f", CsvFile, columns, rows).read_text().splitlines()

    start = "I,2026-01-01 00:00:00.000000,"
    assert lines == [
        'Op,commit_timestamp,"a,b",c,at,c,change_seq',
        f'{start}"say ""x""",true,2026-01-01 00:00:00.000000,ff,{CSV_NULL}',
        f"{start}plain,{CSV_NULL},{CSV_NULL},{CSV_NULL},{CSV_NULL}",
    ]


texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)


@given(st.lists(st.lists(st.none() | texts, min_size=2, max_size=2), min_size=1, max_size=8))
def test_any_text_comes_back_from_csv_and_null_is_told_from_empty(tmp_path_factory, rows):
    columns = [column(TEXT, name="a"), column(TEXT, name="b")]
    path = write(tmp_path_factory.mktemp("csv") / "f", CsvFile, columns, rows)

    with path.open(newline="", encoding="utf-8") as file:
        read = [line[2:4] for line in list(csv.reader(file))[1:]]

    assert [[None if value == CSV_NULL else value for value in row] for row in read] == rows


def test_a_text_that_equals_the_null_marker_is_refused_instead_of_becoming_null(tmp_path):
    with pytest.raises(UnrepresentableError, match=f"equals the null marker {CSV_NULL}"):
        write(tmp_path / "f", CsvFile, [column(TEXT)], [[CSV_NULL]])


def test_a_column_named_like_a_change_column_is_refused(tmp_path):
    for kind in (ParquetFile, CsvFile):
        with pytest.raises(UnrepresentableError, match="column Op: the name is that of"):
            kind(tmp_path / "f", [column(TEXT, name="Op")])


def copied(value):
    """A field as `COPY … (FORMAT csv, NULL '__null__')` prints it."""
    if value is None:
        return CSV_NULL
    if value == CSV_NULL or any(mark in value for mark in ',"\r\n'):
        return '"' + value.replace('"', '""') + '"'
    return value


odd_texts = texts | st.sampled_from(
    ["", ",,", '"', '""', ',"""', f'x"{CSV_NULL}"', "infinity", "é"]
)


@given(
    st.integers(1, 3).flatmap(
        lambda n: st.lists(st.lists(st.none() | odd_texts, min_size=n, max_size=n), min_size=1)
    )
)
def test_lines_of_a_copy_become_those_that_the_changes_of_such_rows_have(tmp_path_factory, rows):
    columns = [column(TEXT, name=f"c{n}") for n in range(len(rows[0]))]
    path = write(tmp_path_factory.mktemp("csv") / "f", CsvFile, columns, rows)
    start = ["I", "2026-01-01 00:00:00.000000"]
    printed = "".join(
        ",".join(map(copied, [*start, *row, '"' if "" in row else None])) + "\n" for row in rows
    )

    lines = exactly(printed.encode(), columns)

    header, _, expected = path.read_bytes().partition(b"\n")
    assert header
    assert lines == expected


def test_a_line_with_a_text_that_equals_the_null_marker_is_refused():
    printed = f'I,2026-01-01 00:00:00.000000,"{CSV_NULL}",{CSV_NULL}\n'

    with pytest.raises(UnrepresentableError, match=f"column c: .* null marker {CSV_NULL}"):
        exactly(printed.encode(), [column(TEXT)])


def test_names_are_those_of_dms():
    at = 1_795_352_400_007  # 2026-11-22T13:00:00.007Z
    assert load_file(1, "parquet") == "LOAD00000001.parquet"
    assert load_file(10, "csv") == "LOAD0000000A.csv"
    assert change_file(at, "parquet") == "20261122-130000007.parquet"
    assert commit_text(at * 1000 + 1) == "2026-11-22 13:00:00.007001"
    assert change_prefix(at * 1000 + 890_000) == "2026112213000089"


@given(st.integers(0, 253_402_300_799_999), st.integers(0, 253_402_300_799_999))
def test_names_of_change_files_sort_as_their_times(one, other):
    names = [change_file(at, "csv") for at in (one, other)]

    assert (names[0] < names[1]) == (one < other)
    assert all(CHANGE_FILE.fullmatch(name) and not LOAD_FILE.fullmatch(name) for name in names)
