"""The Delta tables themselves: created from their contracts, compared with them, kept in order.

Works through the `deltalake` package on the table's log, without an engine. Rows are read and
written in `frames.py`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from coin_platform.contracts.model import Column, Table, Type
from coin_platform.contracts.render import arrow_schema, arrow_type
from coin_platform.contracts.schema import Schema
from coin_platform.errors import AccessError
from coin_platform.partitions import Window
from coin_platform.resources.lake import delta_schema
from coin_platform.resources.lake.storage import open_filesystem

if TYPE_CHECKING:
    import pyarrow as pa
    from deltalake import DeltaTable

DENIED = "403 Forbidden"  # as S3 says it, through `deltalake`
LOG_RETENTION = "interval 7 days"  # of its versions, and of files no longer used (`upkeep.py`)


@dataclass(frozen=True)
class TableDetail:
    """A table's newest version, and the live files, their bytes and rows."""

    version: int
    files: int
    bytes: int
    rows: int


def configuration(table: Table) -> dict[str, str]:
    """Statistics of all columns but doubles: those leave NaN out, and Sail goes by them."""
    names = [column.name for column in table.columns if column.type is not Type.DOUBLE]
    return {
        "delta.dataSkippingStatsColumns": ",".join(names),
        "delta.logRetentionDuration": LOG_RETENTION,
    }


def exists(uri: str, options: Mapping[str, str]) -> bool:
    """Whether there is a table. Raises `AccessError` where we may not know."""
    from deltalake import DeltaTable

    try:
        return bool(DeltaTable.is_deltatable(uri, dict(options)))
    except OSError as error:
        if DENIED in str(error):
            raise AccessError(f"the role that we have may not read {uri}") from error
        raise


def ensure(
    table: Table, uri: str, options: Mapping[str, str], beyond: Sequence[Column] = ()
) -> list[Column]:
    """Create the table, or bring it up to its contract where that only adds nullable columns.

    `beyond` are added as well. Returns all columns that the table has beyond its contract.
    Raises `PermanentError` that names every other difference but new columns to live with.
    """
    from deltalake import DeltaTable
    from deltalake import Schema as DeltaSchema

    if not exists(uri, options):
        DeltaTable.create(
            uri,
            DeltaSchema([delta_schema.field(column) for column in table.columns]),
            mode="ignore",
            name=table.id,
            description=table.description,
            configuration=configuration(table),
            storage_options=dict(options),
        )
    found = DeltaTable(uri, storage_options=dict(options))
    there = delta_schema.columns(found)
    added = delta_schema.reconcile(table, there, uri)
    added += [column for column in beyond if column.name not in there]
    if added:
        found.alter.add_columns([delta_schema.field(column) for column in added])
        there = delta_schema.columns(found)
    return delta_schema.beyond(table, there)


def columns(uri: str, options: Mapping[str, str]) -> Schema:
    """The table's columns in order; none where there is no table."""
    from deltalake import DeltaTable

    if not exists(uri, options):
        return {}
    return delta_schema.columns(DeltaTable(uri, storage_options=dict(options)))


def detail(uri: str, options: Mapping[str, str]) -> TableDetail | None:
    """What the log says of the table; None where there is none."""
    import pyarrow as pa
    import pyarrow.compute as pc
    from deltalake import DeltaTable

    if not exists(uri, options):
        return None
    found = DeltaTable(uri, storage_options=dict(options))
    files = pa.table(found.get_add_actions(flatten=True))

    def total(column: str) -> int:
        return pc.sum(files[column]).as_py() or 0

    return TableDetail(found.version(), files.num_rows, total("size_bytes"), total("num_records"))


def version(uri: str, options: Mapping[str, str]) -> int | None:
    """The table's newest version; None where there is no table."""
    from deltalake import DeltaTable

    if not exists(uri, options):
        return None
    return DeltaTable(uri, storage_options=dict(options)).version()


def rows(
    table: Table,
    uri: str,
    options: Mapping[str, str],
    columns: Sequence[str],
    window: Window | None,
) -> "pa.Table":
    """Those columns of the window's rows, as Arrow; files that cannot hold any are not opened.

    `to_pyarrow_table` prepares every file of the table, so that an hour of it would cost more each
    hour. Here the log's statistics say which files there is any need to look at.
    """
    from deltalake import DeltaTable

    found = DeltaTable(uri, storage_options=dict(options))
    return rows_of(found, table, uri, options, columns, window)


def rows_of(  # noqa: PLR0913  as `rows`, and the version
    found: "DeltaTable",
    table: Table,
    uri: str,
    options: Mapping[str, str],
    columns: Sequence[str],
    window: Window | None,
) -> "pa.Table":
    """As `rows`, of the version that is open."""
    import pyarrow as pa
    import pyarrow.dataset as ds

    if window is None or table.time_column is None:
        return found.to_pyarrow_table(columns=list(columns))
    daily = table.column(table.time_column).type is Type.DATE
    start, end = (bound.date() if daily else bound for bound in (window.start, window.end))
    filters = [(table.time_column, ">=", start), (table.time_column, "<", end)]
    if found.protocol().min_reader_version > 1:  # with deletion vectors, files tell too much
        return found.to_pyarrow_table(columns=list(columns), filters=filters)
    filesystem, root = open_filesystem(uri, options)
    held = ds.dataset(
        [f"{root}/{path}" for path in holding(found, table.time_column, start, end)],
        schema=pa.schema(found.schema().to_arrow()),
        format="parquet",
        filesystem=filesystem,
    )
    time = ds.field(table.time_column)
    return held.to_table(columns=list(columns), filter=(time >= start) & (time < end))


def holding(found: "DeltaTable", column: str, start: date, end: date) -> list[str]:
    """The files whose statistics do not rule out a value of the column in `[start, end)`."""
    import pyarrow as pa
    import pyarrow.compute as pc

    files = pa.table(found.get_add_actions(flatten=True))
    if f"min.{column}" not in files.column_names:
        return [*files["path"].to_pylist()]
    least, greatest = files[f"min.{column}"], files[f"max.{column}"]
    start, end = (pa.scalar(bound, least.type) for bound in (start, end))
    outside = pc.or_kleene(pc.greater_equal(least, end), pc.less(greatest, start))
    return [*files["path"].filter(pc.invert(pc.fill_null(outside, False))).to_pylist()]


def predicate(table: Table, window: Window) -> str:
    """SQL that is true of the rows of a window, for the `deltalake` package.

    Bounds are texts, which it casts: it does not compare an instant with a TIMESTAMP literal.
    """
    if table.time_column is None:
        raise ValueError(f"{table.id} is not on the partition grid: it has no slice of a window")
    daily = table.column(table.time_column).type is Type.DATE
    form = "%Y-%m-%d" if daily else "%Y-%m-%dT%H:%M:%SZ"
    start, end = (bound.strftime(form) for bound in (window.start, window.end))
    return f"{table.time_column} >= '{start}' AND {table.time_column} < '{end}'"


def replace_rows(  # noqa: PLR0913  a table, its rows, and which of them they replace
    table: Table,
    uri: str,
    options: Mapping[str, str],
    rows: "pa.Table",
    where: str,
    beyond: Sequence[Column] = (),
) -> None:
    """Make these rows, all of which `where` is true of, the ones of which it is; in one commit.

    `beyond` are columns that the Delta table has after its contract's; they become null.
    """
    import pyarrow as pa
    from deltalake import write_deltalake

    conformed = rows.select(table.column_names).cast(arrow_schema(table))
    for column in beyond:
        nulls = pa.nulls(rows.num_rows, arrow_type(column.type))
        conformed = conformed.append_column(column.name, nulls)
    write_deltalake(
        uri, conformed, mode="overwrite", predicate=where, storage_options=dict(options)
    )


def remove(uri: str, options: Mapping[str, str], where: str) -> None:
    """Delete the rows of which `where` is true."""
    from deltalake import DeltaTable

    DeltaTable(uri, storage_options=dict(options)).delete(where)
