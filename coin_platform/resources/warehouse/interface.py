"""What the platform asks of a warehouse."""

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from coin_platform.contracts.model import Table
from coin_platform.partitions import Window

if TYPE_CHECKING:
    import pyarrow as pa


class Warehouse(ABC):
    """Where analysts query the curated tables beside data of other origin."""

    @abstractmethod
    def publish(self, table: Table, rows: "pa.Table", window: Window) -> int:
        """Make these the table's rows of the days, and give how many it then has of them.

        All or nothing, and again the same. Raises `PermanentError` or `TransientError` in the
        warehouse's own words; what it held before is then still what it holds.
        """
