"""The raw layer: the database tables as the replication task writes them.

Names of the change columns are the endpoint settings' and the transformation rule's; the order,
`Op`, timestamp, the table's own columns, then added ones, is that of AWS DMS.
"""

from dataclasses import replace

from coin_platform.contracts import database
from coin_platform.contracts.model import Column, Table, Type

OP = Column(
    "Op",
    Type.TEXT,
    "What happened: I insert or full load, U update, D delete (key only).",
    nullable=False,
    values=("I", "U", "D"),
)
COMMIT_TIMESTAMP = Column(
    "commit_timestamp",
    Type.TEXT,
    "Commit time of the change, or start of the full load: `yyyy-MM-dd HH:mm:ss.SSSSSS`, UTC.",
    nullable=False,
)
CHANGE_SEQ = Column(
    "change_seq",
    Type.TEXT,
    "35 digits that order all changes of the task; null for rows of a full load.",
)


def of(table: Table) -> Table:
    """The raw contract of a database table: its columns, nullable, between the change columns.

    A delete carries only the key, so nothing but `Op` and the timestamp can be required.
    """
    columns = (replace(column, nullable=True) for column in table.columns)
    return replace(
        table,
        layer="raw",
        description=(
            f"Change log of `{database.SCHEMA}.{table.name}`, "
            "exactly as the replication task wrote it."
        ),
        columns=(OP, COMMIT_TIMESTAMP, *columns, CHANGE_SEQ),
    )


COINS = of(database.COINS)
COIN_QUOTES = of(database.COIN_QUOTES)

TABLES = (COINS, COIN_QUOTES)
