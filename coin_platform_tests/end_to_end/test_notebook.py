"""The notebook of `examples/`: run as a reader runs it, on a home that the platform filled."""

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from coin_platform.errors import PermanentError, SettingsError
from coin_platform.notebook import open_reader
from coin_platform_tests.end_to_end.support import Home

NOTEBOOK = Path(__file__).parents[2] / "examples" / "first_hour.ipynb"
HOURS, COINS = 26, 20


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A home of a little more than a day."""
    home = Home(tmp_path_factory.mktemp("notebook") / "home")
    home.run("--hours", str(HOURS), "--coins", str(COINS))
    yield home
    home.call("stop", "--force")


def test_the_notebook_is_kept_without_results():
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    for cell in notebook.cells:
        assert not cell.get("outputs")
        assert cell.get("execution_count") is None


@pytest.mark.slow
def test_every_cell_of_the_notebook_works_and_shows_what_it_says(home, monkeypatch):
    monkeypatch.setenv("COIN_PLATFORM_HOME", str(home.path))
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    folder = {"metadata": {"path": str(NOTEBOOK.parent)}}
    NotebookClient(notebook, timeout=120, kernel_name="python3", resources=folder).execute()
    shown = {
        cell.source: "".join(
            output.get("text", "") or output.get("data", {}).get("text/plain", "")
            for output in cell.outputs
        )
        for cell in notebook.cells
        if cell.cell_type == "code"
    }

    def of(part):
        [found] = [text for source, text in shown.items() if part in source]
        return found

    assert "processed.coin_quotes" in of("lake.tables()")
    assert "simulated" in of('quotes["source"].unique()')
    assert f"0 of {HOURS} hours are missing" in of("hours are missing")
    assert f"of {HOURS * COINS} quotes carry a warning" in of("carry a warning")
    newest = HOURS % 24  # a day at a time was written
    assert f"brought {newest} hours and +{newest * COINS} rows" in of("brought")
    assert "True" in of('["balanced"].all()')
    assert not [name for name in shown.values() if "Traceback" in name]


def test_a_reader_has_the_tables_of_its_home_and_nothing_of_raw(home):
    lake = open_reader(home.path)
    for read in (lake.pandas, lake.spark, lake.columns, lake.history):
        for name in ("raw.coin_quotes", "market.coin_quotes", "releases", "processed.releases"):
            with pytest.raises(SettingsError, match=f"no table {name}"):
                read(name)
    with pytest.raises(SettingsError):
        lake.sql("FROM raw.coin_quotes")
    assert {name.partition(".")[0] for name in lake.tables().index} == {"processed", "curated"}


def test_hours_are_picked_from_one_to_before_another(home):
    lake = open_reader(home.path)
    hours = sorted(lake.pandas("coin_quotes", ["snapshot_hour"])["snapshot_hour"].unique())
    assert len(hours) == HOURS
    first, last = hours[3], hours[7]
    picked = lake.pandas("coin_quotes", ["snapshot_hour"], since=str(first), until=str(last))
    assert sorted(picked["snapshot_hour"].unique()) == hours[3:7]
    day = last.date()
    assert set(lake.pandas("daily_coin_prices", ["day"], since=day)["day"]) >= {day}
    assert day not in set(lake.pandas("daily_coin_prices", ["day"], until=day)["day"])
    with pytest.raises(ValueError, match="no time to pick by"):
        lake.pandas("coins", since=day)


def test_pandas_spark_and_sql_read_the_same_rows_now_and_of_the_past(home):
    lake = open_reader(home.path)
    count = HOURS * COINS
    assert len(lake.pandas("coin_quotes")) == lake.spark("coin_quotes").count() == count
    assert lake.sql("SELECT count(*) AS n FROM coin_quotes")["n"].tolist() == [count]
    assert len(lake.pandas("coin_quotes", version=0)) == 0
    assert lake.spark("coin_quotes", version=0).count() == 0
    with pytest.raises(PermanentError, match="no version 99"):
        lake.pandas("coin_quotes", version=99)
