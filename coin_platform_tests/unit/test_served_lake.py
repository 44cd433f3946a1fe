"""Who reads through serving sees processed and curated, and nothing of raw or the database."""

import pytest

from coin_platform.contracts import curated, database, processed, raw
from coin_platform.errors import PermanentError
from coin_platform.resources.lake import Lake
from coin_platform.resources.lake.served import ServedLake


@pytest.mark.parametrize("table", [*raw.TABLES, *database.TABLES, *processed.SIDE_TABLES])
def test_what_is_not_served_is_refused_by_every_way_of_reading(table, tmp_path):
    lake = ServedLake(Lake(str(tmp_path)))
    for read in (lake.exists, lake.detail, lambda of: lake.rows(of, of.column_names)):
        with pytest.raises(PermanentError, match=f"{table.id} is not served"):
            read(table)


def test_only_tables_that_exist_are_named(tmp_path):
    lake = Lake(str(tmp_path))
    lake.ensure(curated.TOP_PRICES)
    lake.ensure(processed.LEDGER)
    assert ServedLake(lake).tables() == [processed.LEDGER, curated.TOP_PRICES]
