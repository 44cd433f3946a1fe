"""A column of a source table; apart from what is done with it, since a journal is read often."""

from typing import NamedTuple


class SourceColumn(NamedTuple):
    """A column as the catalogue describes it: name, type id, type modifier (-1: none)."""

    name: str
    type_id: int
    modifier: int
