"""Which numbers of a published slice change."""

from typing import TYPE_CHECKING, Any

from coin_platform.contracts.model import Table, Type

if TYPE_CHECKING:
    import pyarrow as pa

NUMBERS = (Type.DOUBLE, Type.INTEGER, Type.BIGINT)


def revisions_between(
    table: Table, former: "pa.Table", present: "pa.Table"
) -> list[dict[str, Any]]:
    """Each changed number: the row's key, `column_name`, `former` and `revised`.

    A row that is gone counts as changed to null. A new row has published nothing that could
    change, and a number that was null was not published.
    """
    key = list(table.key)
    numbers = [c.name for c in table.columns if c.type in NUMBERS and c.name not in key]
    now = {tuple(row[name] for name in key): row for row in present.to_pylist()}
    changes = []
    for row in former.to_pylist():
        place = {name: row[name] for name in key}
        revised = now.get(tuple(place.values()), {})
        changes += [
            {**place, "column_name": name, "former": row[name], "revised": revised.get(name)}
            for name in numbers
            if row[name] is not None and row[name] != revised.get(name)
        ]
    return changes
