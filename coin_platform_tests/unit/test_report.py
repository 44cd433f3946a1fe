"""What a run says of itself afterwards."""

from types import SimpleNamespace

from coin_platform.errors import PermanentError
from coin_platform.running.report import Page, Report, layers, reason_of


def error(message, cause=None):
    return SimpleNamespace(message=message, cause=cause)


def failure(error, description=None):
    data = SimpleNamespace(description=description) if description else None
    return SimpleNamespace(error=error, user_failure_data=data)


def test_the_platforms_own_words_win_over_the_engines():
    ours = error(
        f"{PermanentError.__module__}.PermanentError: processed/coins: no such table\n",
        error("pyspark.errors.SparkRuntimeException: Invalid table location\n"),
    )
    assert reason_of(failure(error("dagster.DagsterExecutionStepExecutionError: …", ours))) == (
        "processed/coins: no such table"
    )


def test_a_failure_says_its_description():
    assert reason_of(failure(error("dagster.Failure"), "the slot was lost")) == "the slot was lost"


def test_an_interruption_says_how_to_go_on():
    interrupted = error("dagster._core.errors.DagsterExecutionInterruptedError\n")
    assert "run the same command again" in reason_of(failure(interrupted))


def test_the_json_of_a_run_with_nothing_to_do_names_every_table():
    told = Report(present=[]).as_json()
    assert told["hours"] == []
    assert told["tables"]["raw/coin_quotes"] == {"rows": 0}
    assert told["checks"] == {"passed": 0, "failed": 0, "failures": []}


def test_layers_come_in_the_order_of_the_datas_way():
    assert layers(Report(present=[]).tables) == [
        "database",
        "raw",
        "processed",
        "curated",
        "serving",
    ]


def test_a_run_whose_page_is_held_has_not_succeeded():
    report = Report(present=[])
    report.page = Page("index.html", "a-release", [])
    assert report.succeeded
    report.page = Page("index.html", "a-release", ["prices differ"])
    assert not report.succeeded
    assert report.as_json()["page"] == {
        "path": "index.html",
        "release": "a-release",
        "held": ["prices differ"],
    }
