"""Committed changes out of PostgreSQL's log into the raw layer's change files."""

from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks import server, tables
from benchmarks.data import FIRST_HOUR, quotes
from benchmarks.work import Case, Goal, Sizes, Work
from coin_platform.contracts.database import COIN_QUOTES
from coin_platform.partitions import HOUR, Window
from coin_platform.resources.replication import slot

TABLE = "market.coin_quotes"
PREPARED, OWN = "prepared", "contender"
START = "start.json"


class AllDeliveredError(Exception):
    """The log is read to its end; what would go on waiting for more stops."""


def prepare(sizes: Sizes, folder: Path) -> None:
    """A slot, and after it an hour's quotes in each transaction: inserts, and then updates."""
    import json

    server.start(folder, sizes)
    first = server.hours(sizes)
    with server.connect(folder) as connection:
        connection.execute(f"CREATE PUBLICATION {OWN} FOR TABLES IN SCHEMA market")
        connection.execute(f"SELECT pg_create_logical_replication_slot('{PREPARED}', 'pgoutput')")
        before = position(connection)
        left, hour = sizes.changes, first
        while left > 0:
            rows = quotes(sizes.coins, FIRST_HOUR + HOUR * hour).slice(0, left)
            server.copy_into(connection, TABLE, rows)
            left, hour = left - rows.num_rows, hour + 1
        for updated in range(first, hour):
            connection.execute(
                f"UPDATE {TABLE} SET price = price * 1.01, loaded_at = now() "
                "WHERE snapshot_hour = %s",
                [FIRST_HOUR + HOUR * updated],
            )
        until = {"before": before, "after": position(connection)}
    (folder / START).write_text(json.dumps(until))
    server.settle(folder, "VACUUM ANALYZE")


def position(connection: Any) -> int:
    return int(
        connection.execute("SELECT pg_current_wal_flush_lsn() - '0/0'::pg_lsn").fetchone()[0]
    )


def fresh_slot(folder: Path) -> dict[str, int]:
    """A copy of the prepared slot for one contender, and the positions of the log to read."""
    import json

    with server.connect(folder) as connection:
        connection.execute(
            "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots "
            "WHERE slot_name = %s",
            [OWN],
        )
        connection.execute("SELECT pg_copy_logical_replication_slot(%s, %s)", [PREPARED, OWN])
    server.settle(folder)
    found: dict[str, int] = json.loads((folder / START).read_text())
    return found


def ours(case: Case) -> object:
    """The stream of a task, as its worker runs it, until everything is delivered and confirmed."""
    from coin_platform.resources.replication import catalog
    from coin_platform.resources.replication.journal import Journal, JournalFile
    from coin_platform.resources.replication.stream import Pace, Stream

    log = fresh_slot(case.shared)
    journals = JournalFile(case.own / "journal.json", case.own / "lake", ".staged")
    journals.staging.mkdir(parents=True)
    journal = Journal(OWN, loaded=True, position=log["before"])
    wanted = 2 * case.sizes.changes

    def heard() -> None:
        if sum(table.inserts + table.updates for table in journal.tables.values()) >= wanted:
            raise AllDeliveredError

    pace = Pace(poll_seconds=0.0, gather_seconds=0.0)
    at = server.parameters(case.shared)
    with (
        catalog.connect(at) as connection,
        catalog.connect(at) as reader,
        case.timed(),
        suppress(AllDeliveredError),
    ):
        Stream(connection, reader, journals, journal, "parquet", pace, heard).follow()
    compare(case, journals.folder / "coin_quotes")
    return asdict(journal.tables["coin_quotes"])


def compare(case: Case, folder: Path) -> None:
    """Each row must have come once and been changed once, and be in the end what the table has."""
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    changes = pa.concat_tables([pq.read_table(path) for path in sorted(folder.iterdir())])
    assert len(changes["change_seq"].unique()) == 2 * case.sizes.changes, "not every change once"
    first = FIRST_HOUR + HOUR * server.hours(case.sizes)
    window = Window(first, first + HOUR * (case.sizes.changes // case.sizes.coins + 1))
    rows = server.database(case.shared).rows(COIN_QUOTES, window, tuple(COIN_QUOTES.column_names))
    for operation, hidden in (("I", ["price", "loaded_at"]), ("U", [])):
        found = changes.filter(pc.equal(changes["Op"], operation)).select(rows.column_names)
        expected = tables.of_rows(rows.drop_columns(hidden))
        assert tables.of_rows(found.drop_columns(hidden)) == expected, f"other rows for {operation}"


PEEK = (
    "FROM pg_logical_slot_peek_binary_changes("
    "%s, %s::pg_lsn, NULL, 'proto_version', '1', 'publication_names', %s)"
)


def peek(case: Case) -> object:
    """The same messages received, and thrown away undecoded."""
    log = fresh_slot(case.shared)
    arguments = [OWN, slot.lsn_text(log["after"]), OWN]
    with (
        server.connect(case.shared) as connection,
        connection.cursor(binary=True) as cursor,
        case.timed(),
    ):
        messages = len(cursor.execute(f"SELECT data {PEEK}", arguments).fetchall())
    assert messages > 2 * case.sizes.changes, f"the log holds {messages} messages"
    return None


def peek_at_home(case: Case) -> object:
    """The same messages counted where they are made."""
    log = fresh_slot(case.shared)
    arguments = [OWN, slot.lsn_text(log["after"]), OWN]
    with server.connect(case.shared) as connection, case.timed():
        connection.execute(f"SELECT count(*), sum(octet_length(data)) {PEEK}", arguments)
    return None


LIMIT, AT_HOME = "peek, received", "peek, counted in the server"

WORK = Work(
    title="Change capture",
    data="50,000 inserts and then 50,000 updates of quotes, an hour of 5,000 in a transaction, "
    "from the log into gzip Parquet change files, fsynced, moved into place and confirmed.",
    contenders={
        "coin_platform": ours,
        LIMIT: peek,
        AT_HOME: peek_at_home,
    },
    limits=(LIMIT, AT_HOME),
    goals=[Goal("coin_platform", LIMIT, 1.5)],
    note="Messages are taken a run at a time, cut into columns by NumPy for a row group, and "
    "written in a thread while the server sends the next; to ask for them by FETCH took 8 % "
    "longer. PostgreSQL decodes a batch before it gives the first message of it, 0.1 s for "
    "50,000, so writing overlaps with the transfer only: for two fifths of the time the "
    "server works alone. Switching Python's collector off, other sizes of pieces and COPY in "
    "place of SELECT gave nothing, another way to cut the columns 2 %. A walsender's stream "
    "would overlap decoding and writing; it holds the slot all the time, and a server that "
    "shuts down waits until all is confirmed.",
    prepare=prepare,
    clean_up=server.stop,
)
