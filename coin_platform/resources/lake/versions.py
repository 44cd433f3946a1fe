"""A Delta table as readers of its versions have it: which there are, and the rows of one."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from coin_platform.contracts.model import Table
from coin_platform.errors import PermanentError
from coin_platform.resources.lake.storage import open_filesystem

if TYPE_CHECKING:
    import pyarrow.dataset as ds


@dataclass(frozen=True)
class Commit:
    """A version of a table: when it was made, and by which operation."""

    version: int
    at: datetime
    operation: str


def history(uri: str, options: Mapping[str, str]) -> list[Commit]:
    """The commits that the log still tells of, the newest first."""
    from deltalake import DeltaTable

    return [
        Commit(
            int(commit["version"]),
            datetime.fromtimestamp(commit["timestamp"] / 1000, UTC),
            str(commit.get("operation", "")),
        )
        for commit in DeltaTable(uri, storage_options=dict(options)).history()
    ]


def dataset(
    table: Table, uri: str, options: Mapping[str, str], version: int | None
) -> "ds.Dataset":
    """The table at a version, the newest by default; `PermanentError` for one that is not there."""
    import pyarrow as pa
    import pyarrow.dataset as ds
    from deltalake import DeltaTable
    from deltalake.exceptions import DeltaError
    from pyarrow.fs import SubTreeFileSystem

    try:
        found = DeltaTable(uri, version, dict(options))
        schema = pa.schema(found.schema().to_arrow())
        # A file is told from others by its time. Bounds of the other columns rule out none, since
        # each hour has all coins, and making them takes a millisecond a file.
        placed = [schema.field(table.time_column)] if table.time_column else schema
        # Arrow reads files faster by itself than through the package's handler.
        filesystem, root = open_filesystem(uri, options)
        here = SubTreeFileSystem(root, filesystem)
        files = found.to_pyarrow_dataset(filesystem=here, schema=pa.schema(placed))
    except DeltaError as error:
        if version is None:
            raise
        newest = DeltaTable(uri, storage_options=dict(options)).version()
        raise PermanentError(
            f"{table.id} has no version {version}: the newest is {newest}, and old ones go"
        ) from error
    return ds.FileSystemDataset(list(files.get_fragments()), schema, files.format, files.filesystem)
