"""Committed changes out of PostgreSQL's log into the raw layer's change files."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks import server
from benchmarks.data import FIRST_HOUR, quotes
from benchmarks.work import Case, Goal, Sizes, Work
from coin_platform.partitions import HOUR

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
    with catalog.connect(server.parameters(case.shared)) as connection, case.timed():
        try:
            Stream(connection, journals, journal, "parquet", pace, heard).follow()
        except AllDeliveredError:
            pass
    return outcome(case, journals.folder / "coin_quotes", asdict(journal.tables["coin_quotes"]))


def outcome(case: Case, folder: Path, counted: dict[str, Any]) -> dict[str, Any]:
    """What the files tell: nothing twice, and in the end the rows that the table has."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from benchmarks import checksum

    changes = pa.concat_tables([pq.read_table(path) for path in sorted(folder.iterdir())])
    operations = changes["Op"].value_counts().to_pylist()
    last = changes.filter(pa.compute.equal(changes["Op"], "U"))
    names = [name for name in changes.column_names[2:-1]]
    with server.connect(case.shared) as connection, connection.cursor() as cursor:
        cursor.execute(
            f"SELECT count(*), sum(price) FROM {TABLE} WHERE snapshot_hour >= %s",
            [FIRST_HOUR + HOUR * server.hours(case.sizes)],
        )
    return {
        "operations": sorted((o["values"], o["counts"]) for o in operations),
        "sequences": len(changes["change_seq"].unique()),
        "rows": checksum.of_rows(last.select(names)),
        "counted": [counted[name] for name in ("inserts", "updates", "deletes")],
    }
