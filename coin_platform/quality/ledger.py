"""The account of an hour: what raw holds, and where each of its keys went.

Everything is compared by key and by a hash of the values, so that a row replaced by another does
not balance. Written without an engine, and apart from the transforms that it checks.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from coin_platform.contracts import database
from coin_platform.contracts.model import Table, without
from coin_platform.quality.checksum import checksum, row_hashes

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

EXAMPLES = 5
# What can be wrong with a key, in the words of the ledger's examples.
MISSING, UNEXPECTED, TWICE = "in raw only", "not in raw", "written and quarantined"
DIFFERENT, UNLIKE = "with other values", "not as in the database"
CHANGE = ["commit_timestamp", "change_seq"]


@dataclass(frozen=True)
class Account:
    """How the ledger counts a table.

    `key` identifies a row within its hour. A table that is `complete` holds nothing but what the
    hour's raw rows say; a history also keeps what raw no longer has, and the database has moved on
    where later hours changed a row.
    """

    table: Table
    key: tuple[str, ...]
    complete: bool

    @property
    def columns(self) -> list[str]:
        """The columns that every layer has."""
        return [column.name for column in without(self.table.columns, "loaded_at")]


QUOTES = Account(database.COIN_QUOTES, ("coin_id", "currency"), complete=True)
COINS = Account(database.COINS, ("coin_id",), complete=False)
ACCOUNTS = (QUOTES, COINS)


@dataclass(frozen=True)
class Layers:
    """The rows of a window in each layer: `Account.columns`, all with `snapshot_hour`.

    `log` are raw's rows, with `Op` and the columns that order changes.
    """

    database: "pa.Table"
    log: "pa.Table"
    written: "pa.Table"
    quarantined: "pa.Table"


def entries(account: Account, layers: Layers, hours: Sequence[datetime]) -> list[dict[str, Any]]:
    """A row of the ledger for each of the hours."""
    key, values = ["snapshot_hour", *account.key], account.columns
    log = changes(account, layers.log)
    newest = newest_of(log, key)
    current = hashed(newest[newest["Op"] != "D"], layers.log, key, values)
    deleted = newest[newest["Op"] == "D"]
    held = {
        "database": hashed(layers.database, layers.database, key, values),
        "current": current,
        "written": hashed(layers.written, layers.written, key, values),
        "quarantined": hashed(layers.quarantined, layers.quarantined, key, values),
    }
    by_hour = {name: dict(list(rows.groupby("snapshot_hour"))) for name, rows in held.items()}
    deleted_in = deleted.groupby("snapshot_hour").size()
    return [
        entry(
            account,
            hour,
            {name: rows.get(hour, held[name].iloc[:0]) for name, rows in by_hour.items()},
            int(deleted_in.get(hour, 0)),
        )
        for hour in hours
    ]


def changes(account: Account, log: "pa.Table") -> "pd.DataFrame":
    """Keys and order of the change log; of a history, only the changes that make a version."""
    columns = ["snapshot_hour", *account.key, *CHANGE, "Op"]
    rows: pd.DataFrame = log.select(columns).to_pandas()
    return rows if account.complete else rows[rows["Op"] != "D"]


def newest_of(log: "pd.DataFrame", key: list[str]) -> "pd.DataFrame":
    """The last change of each key; rows of a full load come before those with a sequence."""
    if not log.duplicated(key).any():  # as ever, but for hours that were done again
        return log
    ordered = log.sort_values(CHANGE, na_position="first", kind="stable")
    return ordered.drop_duplicates(key, keep="last")


def hashed(
    rows: "pd.DataFrame | pa.Table", source: "pa.Table", key: list[str], values: list[str]
) -> "pd.DataFrame":
    """Keys and `hash` of the rows; a frame's index says which rows of the source they are."""
    import pandas as pd

    taken = source.take(rows.index.to_numpy()) if isinstance(rows, pd.DataFrame) else source
    frame: pd.DataFrame = taken.select(key).to_pandas()
    return frame.assign(hash=row_hashes(taken, values))


def entry(
    account: Account, hour: datetime, held: dict[str, "pd.DataFrame"], deleted: int
) -> dict[str, Any]:
    """One row of the ledger, from the keys and hashes of one hour."""
    key = list(account.key)
    current, written = held["current"], held["written"]
    quarantined, source = held["quarantined"], held["database"]
    if not account.complete:
        # A version made by an earlier change stands beside a quarantined one of the same hour;
        # versions that raw no longer has are not this hour's business.
        kept = keys_in(current, quarantined, key)
        written = written[keys_in(written, current[~kept], key)]
    troubles: dict[str, pd.DataFrame] = {}
    if len(quarantined) or not alike(current, written, source):
        troubles = troubles_of(account, current, concat(written, quarantined), source)
    off = {words: len(rows) for words, rows in troubles.items()}
    balanced = not any(off.values())
    compared = source if account.complete else source[keys_in(source, current, key)]
    return {
        "snapshot_hour": hour,
        "table_name": account.table.name,
        "database_rows": len(source),
        "raw_keys": len(current) + deleted,
        "current": len(current),
        "deleted": deleted,
        "written": len(written),
        "quarantined": len(quarantined),
        "missing": off.get(MISSING, 0),
        "unexpected": off.get(UNEXPECTED, 0) + off.get(TWICE, 0),
        "different": off.get(DIFFERENT, 0),
        "unlike_database": off.get(UNLIKE, 0),
        "database_checksum": checksum(compared["hash"].to_numpy()),
        "raw_checksum": checksum(current["hash"].to_numpy()),
        "written_checksum": checksum(written["hash"].to_numpy()),
        "quarantined_checksum": checksum(quarantined["hash"].to_numpy()),
        "balanced": balanced,
        "examples": None if balanced else examples(troubles, key),
    }


def alike(current: "pd.DataFrame", *others: "pd.DataFrame") -> bool:
    """Whether all hold the same rows. The hashes tell: they are of keys as well as of values."""
    hashes = np.sort(current["hash"].to_numpy())
    return all(np.array_equal(hashes, np.sort(other["hash"].to_numpy())) for other in others)


def troubles_of(
    account: Account, current: "pd.DataFrame", went: "pd.DataFrame", source: "pd.DataFrame"
) -> "dict[str, pd.DataFrame]":
    """The keys of an hour that do not balance, by what is wrong with them."""
    key = list(account.key)
    both = current.merge(went, on=key, suffixes=("", "_went"))
    return {
        MISSING: current[~keys_in(current, went, key)],
        UNEXPECTED: went[~keys_in(went, current, key)],
        TWICE: went[went.duplicated(key)],
        DIFFERENT: both[both["hash"] != both["hash_went"]],
        UNLIKE: unlike_of(source, current, key, complete=account.complete),
    }


def unlike_of(
    source: "pd.DataFrame", current: "pd.DataFrame", key: list[str], *, complete: bool
) -> "pd.DataFrame":
    """Keys that the database and raw do not hold with the same values."""
    sides = source.merge(current, how="outer" if complete else "left", on=key, indicator="side",
                         suffixes=("", "_raw"))  # fmt: skip
    return sides[(sides["side"] != "both") | (sides["hash"] != sides["hash_raw"])]


def keys_in(rows: "pd.DataFrame", others: "pd.DataFrame", key: list[str]) -> Any:
    """Which rows' keys are among the others', shape (rows,)."""
    merged = rows[key].merge(others[key].drop_duplicates(), how="left", on=key, indicator="side")
    return (merged["side"] == "both").to_numpy()


def concat(*frames: "pd.DataFrame") -> "pd.DataFrame":
    import pandas as pd

    held = [frame for frame in frames if len(frame)]
    return pd.concat(held, ignore_index=True) if held else frames[0]


def examples(troubles: dict[str, "pd.DataFrame"], key: list[str]) -> str:
    """Some keys of each trouble, in words."""
    parts = []
    for words, rows in troubles.items():
        if len(rows):
            shown = rows[key].head(EXAMPLES).itertuples(index=False)
            keys = ", ".join("/".join(map(str, values)) for values in shown)
            parts.append(f"{words}: {', '.join(key)} {keys}")
    return "; ".join(parts)
