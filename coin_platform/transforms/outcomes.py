"""What a job reports of the table it wrote."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from coin_platform.contracts.model import Table
from coin_platform.partitions import Window
from coin_platform.resources.engine.interface import Outcome
from coin_platform.resources.lake import Lake, RawFile
from coin_platform.transforms.partition import label_of, labels, time_of


def outcome(lake: Lake, table: Table, window: Window, files: Sequence[RawFile] = ()) -> Outcome:
    """Rows by partition as they now are in the table, and what an operator wants to know."""
    counts = dict.fromkeys(labels(table, window), 0)
    sources = set()
    for (partition, source), rows in rows_by_source(lake, table, window).items():
        counts[partition] += rows
        sources.add(source)
    facts: dict[str, Any] = {"sources": ", ".join(sorted(sources))}
    if files:
        facts |= {"files_read": len(files), "last_file_read": files[-1].name}
    detail = lake.detail(table)
    if detail is not None:
        facts |= {
            "table_version": detail.version,
            "table_files": detail.files,
            "table_bytes": detail.bytes,
            "table_rows": detail.rows,
        }
    return Outcome(counts, facts)


def rows_by_source(lake: Lake, table: Table, window: Window) -> Counter[tuple[str, str]]:
    """How many rows each partition of the window has of each source.

    Two narrow columns: quicker read here than asked of an engine.
    """
    time = time_of(table)
    rows = lake.rows(replace(table, time_column=time), [time, "source"], window)
    counted: Counter[tuple[str, str]] = Counter()
    for row in rows.group_by([time, "source"]).aggregate([([], "count_all")]).to_pylist():
        counted[label_of(table, row[time]), row["source"]] += row["count_all"]
    return counted
