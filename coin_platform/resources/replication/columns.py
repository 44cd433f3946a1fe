"""From PostgreSQL's values to what DMS writes for their types.

The change log brings values as PostgreSQL prints them. The full load brings those of the `NATIVE`
types as Arrow has them, and the others printed, too. Types are known by their catalogue ids; enums,
domains, arrays and everything else that is not listed here stays text.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime

import pyarrow as pa
import pyarrow.compute as pc

from coin_platform.resources.replication.source_column import SourceColumn

BOOLEAN, BYTEA, DATE, TIMESTAMP, TIMESTAMPTZ, NUMERIC = 16, 17, 1082, 1114, 1184, 1700
TEXT, VARCHAR, CHARACTER = 25, 1043, 1042
INSTANT = pa.timestamp("us", tz="UTC")
PLAIN = {
    21: pa.int16(),
    23: pa.int32(),
    20: pa.int64(),
    700: pa.float32(),
    701: pa.float64(),
    BOOLEAN: pa.bool_(),
    BYTEA: pa.binary(),
    DATE: pa.date32(),
    TIMESTAMP: INSTANT,
    TIMESTAMPTZ: INSTANT,
}
# Types whose binary form ADBC reads exactly.
NATIVE = PLAIN.keys() | {TEXT, VARCHAR, CHARACTER}
FIRST_DAY, LAST_DAY = date(1, 1, 1), date(9999, 12, 31)
FIRST_INSTANT = datetime(1, 1, 1, tzinfo=UTC)
LAST_INSTANT = datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)
MAX_PRECISION = 38
UNQUALIFIED_NUMERIC = pa.decimal128(28, 6)


@dataclass
class UnrepresentableError(Exception):
    """A value that the raw file's type cannot hold; the table must not go on without it."""

    column: str
    problem: str

    def __str__(self) -> str:
        return f"column {self.column}: {self.problem}"


def arrow_type(column: SourceColumn) -> pa.DataType:
    """The type in a Parquet file."""
    if column.type_id != NUMERIC:
        return PLAIN.get(column.type_id, pa.string())
    if column.modifier < 0:
        return UNQUALIFIED_NUMERIC
    # numeric's modifier packs precision and scale, the latter in 11 bits with a sign.
    packed = column.modifier - 4
    precision, scale = packed >> 16, ((packed & 0x7FF) ^ 0x400) - 0x400
    if 0 <= scale <= precision <= MAX_PRECISION:
        return pa.decimal128(precision, scale)
    return pa.string()


def typed(texts: pa.Array, column: SourceColumn) -> pa.Array:
    """The column's values in its Arrow type, exactly; `texts` is a string array.

    Raises `UnrepresentableError` for a value that the type cannot hold: an infinite instant, a
    numeric NaN, more digits than `DECIMAL(28,6)`.
    """
    target = arrow_type(column)
    try:
        if column.type_id == BOOLEAN:
            return pc.equal(texts, "t")
        if column.type_id == BYTEA:
            values = (
                None if text is None else bytes.fromhex(text[2:]) for text in texts.to_pylist()
            )
            return pa.array(values, target)
        if column.type_id == TIMESTAMP:
            return pc.assume_timezone(texts.cast(pa.timestamp("us")), "UTC")
        return texts if target == pa.string() else texts.cast(target)
    except (pa.ArrowInvalid, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise UnrepresentableError(column.name, f"{target} cannot hold it ({reason})") from error


def held(values: pa.Array, column: SourceColumn) -> pa.Array:
    """The column's values, as ADBC reads those of a `NATIVE` type, in the type of a Parquet file.

    Raises `UnrepresentableError` for what `typed` refuses: bytes that are not UTF-8, and infinite
    days and instants and those that four digits of a year cannot tell.
    """
    target = arrow_type(column)
    if target == pa.string():
        try:
            values.validate(full=True)
        except pa.ArrowInvalid as error:
            raise UnrepresentableError(column.name, f"text that is not UTF-8 ({error})") from error
    elif target in (INSTANT, pa.date32()):
        values = values.view(target)
        first, last = (FIRST_INSTANT, LAST_INSTANT) if target == INSTANT else (FIRST_DAY, LAST_DAY)
        # ADBC lets infinity run over, to thousands of centuries ago.
        bounds = pc.min_max(values)
        if values.null_count < len(values) and not (
            pc.greater_equal(bounds["min"], pa.scalar(first, target)).as_py()
            and pc.less_equal(bounds["max"], pa.scalar(last, target)).as_py()
        ):
            problem = f"{target} cannot hold it (infinite, before the year 1 or after 9999)"
            raise UnrepresentableError(column.name, problem)
    return values


def csv_texts(texts: pa.Array, column: SourceColumn, null: str) -> pa.Array:
    """The column's fields of a CSV file, quoted where RFC 4180 needs it and null as the marker.

    Raises `UnrepresentableError` for an infinite instant, and for text that equals the marker,
    which a reader would take for null.
    """
    if column.type_id == BOOLEAN:
        texts = pc.if_else(typed(texts, column), "true", "false")
    elif column.type_id == BYTEA:
        texts = pc.utf8_slice_codeunits(texts, 2)
    elif column.type_id in (TIMESTAMP, TIMESTAMPTZ):
        texts = pc.strftime(typed(texts, column), format="%Y-%m-%d %H:%M:%S")
    elif pc.any(pc.equal(texts, null)).as_py():
        problem = f"a text equals the null marker {null} of CSV files; replicate as Parquet"
        raise UnrepresentableError(column.name, problem)
    escaped = pc.replace_substring(texts, '"', '""')
    quoted = pc.binary_join_element_wise('"', escaped, '"', "")
    # An empty text is quoted so that no reader takes it for a missing field.
    needs = pc.match_substring_regex(texts, '[,"\r\n]|^$')
    return pc.if_else(pc.is_null(texts), null, pc.if_else(needs, quoted, texts))
