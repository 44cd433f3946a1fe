"""Rows that a plan uses more than once, computed once."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from pyspark.sql import DataFrame

MOST_BYTES = 64 << 20  # a message to the engine may have 128 MiB


@contextmanager
def held(rows: DataFrame) -> Iterator[DataFrame]:
    """The rows, computed by now, while the context lasts.

    An engine computes what a plan names several times as often; Sail knows no cache. Of rows that
    the driver can carry, it is given the result instead. More are left as they are.
    """
    found = rows.toArrow()
    if found.nbytes > MOST_BYTES:
        yield rows
        return
    session, name = rows.sparkSession, f"held_{uuid.uuid4().hex}"
    # As a view they are sent once, however often they are used.
    session.createDataFrame(found, rows.schema).createOrReplaceTempView(name)
    try:
        yield session.table(name)
    finally:
        session.catalog.dropTempView(name)
