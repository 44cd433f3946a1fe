"""`coin-platform sql`: what it prints and writes, how it ends, and the shell on a real terminal."""

import csv
import io
import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import time

import duckdb
import pexpect
import pyarrow.parquet as pq
import pytest

from coin_platform.cli.sql import expressible, write_table
from coin_platform.errors import PermanentError
from coin_platform.query.formats import FORMATS
from coin_platform_tests.integration.cli_support import coin_platform
from coin_platform_tests.integration.served_lake import HOSTILE, PRICES, small_lake

__all__ = ["coin_platform"]

COMMAND = ["-c", "from coin_platform.cli import main; main()", "sql"]
ENDLESS = (
    "SELECT count(*) FROM range(10000000) a, range(10000000) b WHERE a.range * b.range % 7 = 3"
)


@pytest.fixture(scope="module")
def two_days(tmp_path_factory):
    """A home that holds a lake of two days, to be copied."""
    path = tmp_path_factory.mktemp("two_days")
    small_lake(path)
    return path


@pytest.fixture
def sql(coin_platform, two_days, monkeypatch):
    """The command on a home with two days; standard input is no terminal."""
    shutil.copytree(two_days, coin_platform.path)
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    return lambda *arguments: coin_platform("sql", *arguments)


@pytest.fixture
def home(tmp_path, two_days, monkeypatch):
    """A home with two days, for programs of their own."""
    path = shutil.copytree(two_days, tmp_path / "home")
    monkeypatch.setenv("COIN_PLATFORM_HOME", str(path))
    return path


def test_a_query_prints_a_plain_table_of_all_rows_off_a_terminal(sql):
    said = sql("SELECT n.range AS n FROM range(150) n ORDER BY n")
    assert said.code == 0
    assert said.output.splitlines() == ["  n", "---", *(f"{n:3}" for n in range(150))]
    assert said.errors == ""


def test_nothing_of_a_terminal_is_printed_off_one(sql):
    said = sql("FROM daily_coin_prices")
    assert "\x1b" not in said.output
    assert r"\x1b[31m" in said.output


def test_csv_is_for_programs_and_spreadsheets(sql):
    said = sql("SELECT name, close FROM daily_coin_prices ORDER BY coin_id", "--format", "csv")
    rows = list(csv.reader(io.StringIO(said.output)))
    assert rows[0] == ["name", "close"]
    assert rows[3] == [f"'{HOSTILE}", "2e-20"]
    assert {float(row[1]) for row in rows[1:]} == set(PRICES.values())


def test_json_is_one_array(sql):
    said = sql("SELECT name FROM daily_coin_prices WHERE coin_id = 2", "--format", "json")
    assert json.loads(said.output) == [{"name": HOSTILE}] * 2


@pytest.mark.parametrize("name", ["x.csv", "x.json", "x.parquet", "x.txt", "X.CSV"])
def test_the_name_of_the_file_says_its_format(sql, tmp_path, name):
    path = tmp_path / name
    said = sql("FROM top_prices", "-o", str(path))
    assert said.code == 0
    assert said.output == ""
    assert said.errors == f"{2 * len(PRICES)} rows in {path}\n"
    content = path.read_bytes()
    if name == "x.parquet":
        assert pq.read_table(path).num_rows == 2 * len(PRICES)
    else:
        start = {"x.json": b"[\n{", "x.txt": b"day   "}.get(name, b"day,currency,")
        assert content.startswith(start)


def test_a_query_that_fails_leaves_the_file_as_it_was(sql, tmp_path):
    path = tmp_path / "x.csv"
    path.write_text("before")
    said = sql("SELECT (coin_id || 'x')::integer FROM coin_quotes", "-o", str(path))
    assert said.code == 1
    assert path.read_text() == "before"
    assert {p.name for p in tmp_path.iterdir()} == {"home", "x.csv"}


def test_a_query_comes_from_standard_input(sql, monkeypatch):
    for arguments in (["-"], []):
        monkeypatch.setattr("sys.stdin", io.StringIO("SELECT 41 + 1 AS n;\n"))
        assert sql(*arguments).output == " n\n--\n42\n"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["selec"], "LINE 1: selec\n        ^"),
        (["FROM nowhere"], "Table with name nowhere does not exist"),
        (["COPY coins TO 'x'"], "COPY is not run here"),
        (["FROM top_prices", "--format", "parquet"], "name one with --output"),
        (["FROM top_prices", "--format", "xml"], "Invalid value for '--format'"),
        (["FROM top_prices", "-o", "nowhere/x.csv"], "nowhere/x.csv cannot be written"),
        (["FROM top_prices", "-o", "."], "is a directory"),
        ([""], "there is no query"),
        (["-"], "there is no query"),
    ],
)
def test_wrong_usage_ends_with_2_and_a_plain_message(sql, arguments, says):
    said = sql(*arguments)
    assert said.code == 2
    assert says in said.errors
    assert said.output == ""
    assert "Traceback" not in said.errors


def test_a_home_without_tables_says_what_to_do(coin_platform):
    said = coin_platform("sql", "SELECT 1")
    assert said.code == 1
    assert "`coin-platform run`" in said.errors
    assert not coin_platform.path.exists()


def test_the_tables_are_listed_with_columns_types_units_and_meanings(sql):
    said = sql("--tables")
    assert said.code == 0
    assert "curated.daily_coin_prices (8 rows)" in said.output
    assert "processed.ledger (not there yet)" in said.output
    assert "Highest hourly closing price." in said.output
    assert "double not null" in said.output
    assert "[currency]" in said.output
    assert "raw" not in {line.partition(".")[0] for line in said.output.splitlines()}


def test_the_help_gives_examples_a_line_each(sql):
    lines = sql("--help").output.splitlines()
    assert len([line for line in lines if line.startswith("  coin-platform sql ")]) > 5


@pytest.mark.parametrize("format_", ["table", "csv", "json", "parquet"])
def test_every_type_of_duckdb_is_written_or_refused_plainly(format_):
    refused = set()
    found = duckdb.sql("FROM test_all_types()").to_arrow_table()
    for name in found.column_names:
        column, file = found.select([name]), io.BytesIO()
        try:
            with expressible(format_):
                FORMATS.get(format_, write_table)(column.schema, column.to_batches(), file)
        except PermanentError as error:
            refused.add(name)
            assert f"values that {format_} cannot express" in str(error)  # noqa: PT017
    usual = {"bool", "int", "bigint", "hugeint", "double", "varchar", "date", "timestamp_tz"}
    assert refused.isdisjoint(usual | {"dec_18_6", "uuid", "small_enum", "int_array", "struct"})


def test_what_a_format_cannot_express_is_said_and_leaves_no_file(sql, tmp_path):
    said = sql("SELECT INTERVAL 1 DAY AS a", "-o", str(tmp_path / "x.parquet"))
    assert said.code == 1
    assert "values that parquet cannot express" in said.errors
    assert [path.name for path in tmp_path.iterdir()] == ["home"]


def test_a_reader_who_has_had_enough_ends_the_command_quietly(home):
    lines = subprocess.run(
        [
            *("bash", "-o", "pipefail", "-c", '"$0" "$@" | head -3', sys.executable, *COMMAND),
            *("SELECT range FROM range(5000000)", "--format", "csv"),
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    assert lines.stdout == "range\n0\n1\n"
    assert lines.stderr == ""


def test_ctrl_c_ends_the_command_and_leaves_no_file(home, tmp_path):
    query = "SELECT md5(range::text) FROM range(1000000000)"
    process = subprocess.Popen(
        [sys.executable, *COMMAND, query, "-o", str(tmp_path / "x.csv")],
        stderr=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
    )
    while not list(tmp_path.glob(".x.csv.*")):
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "Traceback" not in errors
    assert {path.name for path in tmp_path.iterdir()} == {"home"}


class Shell:
    """The shell on a terminal of its own, typed into as a person would."""

    def __init__(self):
        self.terminal = pexpect.spawn(
            sys.executable,
            COMMAND,
            # Nobody answers here where the cursor is, which the shell would wait for.
            env={**os.environ, "TERM": "xterm", "PROMPT_TOOLKIT_NO_CPR": "1"},
            dimensions=(50, 120),
            encoding="utf-8",
            timeout=60,
        )
        self.terminal.expect("sql>")

    def says(self, line, *expected):
        self.terminal.send(f"{line}\r")
        for text in expected:
            self.terminal.expect_exact(text)

    def leave(self):
        self.terminal.send("\x04")
        self.terminal.expect(pexpect.EOF)
        self.terminal.close()
        return self.terminal.exitstatus


def test_the_shell_answers_survives_mistakes_and_keeps_its_history_to_itself(home):
    shell = Shell()
    shell.says("SELECT count(*) AS quotes\rFROM coin_quotes;", "quotes", "12", "1 row")
    shell.says("selec 1;", "Parser Error", "sql>")
    shell.says("COPY coins TO 'x';", "COPY is not run here", "sql>")
    shell.says("SELECT range FROM range(1000);", "the first 50 rows", "sql>")
    shell.says(".tables", "curated.top_prices", "8 rows", "sql>")
    shell.says(".schema top_prices", "key: day, currency, rank", "sql>")
    shell.says(".nothing", ".nothing is not understood", "sql>")
    assert shell.leave() == 0
    history = home / "sql_history"
    assert stat.S_IMODE(history.stat().st_mode) == 0o600
    assert "+FROM coin_quotes;" in history.read_text()


def test_ctrl_c_cancels_a_query_and_not_the_shell(home):
    shell = Shell()
    shell.terminal.send(f"{ENDLESS};\r")
    history = home / "sql_history"
    while "range(10000000)" not in history.read_text():
        time.sleep(0.01)
    # Until the query is under way, the terminal takes it for a key, which says nothing.
    while shell.terminal.expect_exact(["cancelled", pexpect.TIMEOUT], timeout=0.5):
        shell.terminal.send("\x03")
    shell.says("SELECT 40 + 2 AS n;", "42", "sql>")
    shell.terminal.send("SELECT half of\x03")
    shell.says("SELECT 40 + 3 AS n;", "43", "sql>")
    assert shell.leave() == 0


def test_a_home_that_cannot_be_written_has_a_shell_without_history(home, monkeypatch):
    from coin_platform.cli.shell import kept

    history = kept(home / "nowhere" / "sql_history")
    history.append_string("SELECT 1;")
    assert not (home / "nowhere").exists()
