"""Names in the raw layer as AWS DMS chooses them, and the null of its CSV files.

Standard library only: readers of the raw layer use it as well as its writer. What is inside a
file is said in `files.py`.
"""

import re
from datetime import UTC, datetime, timedelta
from typing import Literal

Format = Literal["parquet", "csv"]

# DMS's own default, `NULL`, is the name of a coin.
CSV_NULL = "__null__"

LOAD_FILE = re.compile(r"LOAD[0-9A-F]{8}\.(csv|parquet)(\.gz)?")
CHANGE_FILE = re.compile(r"\d{8}-\d{9,10}\.(csv|parquet)(\.gz)?")

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def load_file(number: int, file_format: Format) -> str:
    """Name of a table's full-load file; numbers start at 1 and are written in hex."""
    return f"LOAD{number:08X}.{file_format}"


def change_file(milliseconds: int, file_format: Format) -> str:
    """Name of a change file, `yyyyMMdd-HHmmssSSS`, from milliseconds since 1970 UTC."""
    instant = EPOCH + timedelta(milliseconds=milliseconds)
    return f"{instant:%Y%m%d-%H%M%S}{milliseconds % 1000:03d}.{file_format}"


def commit_text(microseconds: int) -> str:
    """`yyyy-MM-dd HH:mm:ss.SSSSSS`, the timestamp column, from microseconds since 1970 UTC."""
    return f"{EPOCH + timedelta(microseconds=microseconds):%Y-%m-%d %H:%M:%S.%f}"


def change_prefix(microseconds: int) -> str:
    """The first 16 digits of a change sequence, `yyyyMMddHHmmss` and hundredths of a second."""
    instant = EPOCH + timedelta(microseconds=microseconds)
    return f"{instant:%Y%m%d%H%M%S}{instant.microsecond // 10_000:02d}"
