"""What happens to rows that a rule keeps out: told apart, located in raw, written down.

Few rows take this way, so the driver carries them as Arrow; the many that break nothing never do.
pandas only matches keys: there null equals null, and would equal NaN in a value.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from pyspark.sql import DataFrame

from coin_platform.contracts import processed
from coin_platform.contracts.model import Table
from coin_platform.partitions import Window, instant_text
from coin_platform.resources.lake import Lake, RawFile
from coin_platform.transforms.rules import FAILED, all_broken, is_wrong

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

EXAMPLES = 3
CHANGE = ("commit_timestamp", "change_seq")  # with the key, what says which change a row is


@dataclass(frozen=True)
class Verdicts:
    """The wrong rows of a window: raw columns and `rules`, the ids of all that they broke.

    `stopped` says of hours why nothing of them may be written. `released` are wrong rows that a
    person let through; no row is in both tables, and none is of a stopped hour.
    """

    quarantined: "pa.Table"
    released: "pa.Table"
    stopped: dict[datetime, str]


def verdicts(judged: DataFrame, releases: "pd.DataFrame | None" = None) -> Verdicts:
    """Judge the wrong ones among current rows."""
    wrong = judged.filter(is_wrong()).withColumn("rules", all_broken()).toArrow()
    rows = wrong.select(["snapshot_hour", "coin_id", FAILED]).to_pandas()
    failed = rows[rows[FAILED].notna()]
    stopped = {
        hour.to_pydatetime(): reason(hour.to_pydatetime(), of_hour)
        for hour, of_hour in failed.groupby("snapshot_hour")
    }
    rest = wrong.filter((~rows["snapshot_hour"].isin(failed["snapshot_hour"])).to_numpy())
    if releases is None or releases.empty:
        return Verdicts(rest, rest.slice(0, 0), stopped)
    # A release is for the price and the rules that were looked at.
    seen = [*processed.COIN_QUOTES.key, "price", "rules"]
    matched = rest.select(seen).to_pandas().merge(releases[seen], how="left", indicator="side")
    released = (matched["side"] == "both").to_numpy()
    return Verdicts(rest.filter(~released), rest.filter(released), stopped)


def reason(hour: datetime, rows: "pd.DataFrame") -> str:
    coins = ", ".join(str(coin) for coin in rows["coin_id"].head(EXAMPLES))
    ids = {id_ for broken in rows[FAILED] for id_ in broken.split(",")}
    rules = ", ".join(sorted(ids))
    return f"{instant_text(hour)}: {len(rows)} rows break {rules}, e.g. of coins {coins}"


def located(
    lake: Lake, log: Table, files: Sequence[RawFile], rows: "pa.Table", key: Sequence[str]
) -> "pa.Table":
    """The rows with `source_file` and `source_row`: the first place in raw where each stands."""
    change = [*key, *CHANGE]
    places = rows.select(change).to_pandas().assign(source_file=None, source_row=0)
    for file in files:
        missing = places["source_file"].isna()
        if file.is_load:
            missing &= places["change_seq"].isna()  # rows of a load have none
        if not missing.any():
            continue
        sought = rows.select(change).filter(missing.to_numpy())
        held = candidates(lake.raw_rows(log, [file], change).select(change), sought)
        held = held.to_pandas().drop_duplicates(change)
        found = places[change].merge(held, how="left", on=change)["place"]
        here = missing & found.notna()
        places.loc[here, "source_file"] = file.name
        places.loc[here, "source_row"] = found[here].astype("int64")
    for name in ("source_file", "source_row"):
        rows = rows.append_column(name, [places[name].to_list()])
    return rows


def candidates(held: "pa.Table", sought: "pa.Table") -> "pa.Table":
    """The few rows of a file that may be among those sought, with their `place`, from 1."""
    import numpy as np
    import pyarrow.compute as pc

    held = held.append_column("place", [np.arange(1, held.num_rows + 1)])
    for name in sought.column_names:
        held = held.filter(pc.is_in(held[name], value_set=sought[name].combine_chunks()))
    return held


def write(  # noqa: PLR0913  a table, its rows, and where they come from
    lake: Lake,
    table: Table,
    log: Table,
    files: Sequence[RawFile],
    rows: "pa.Table | None",
    window: Window,
    run_id: str,
) -> None:
    """Make these the quarantine's rows of the window; None for no rows."""
    if rows is not None and rows.num_rows:
        placed = located(lake, log, files, rows, table.key)
        lake.replace_rows(
            table, placed.append_column("run_id", [[run_id] * placed.num_rows]), window
        )
        return
    lake.ensure(table)
    if lake.rows(table, [table.key[0]], window).num_rows:
        lake.remove(table, window)
