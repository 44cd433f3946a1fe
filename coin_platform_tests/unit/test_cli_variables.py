"""Variables that look like settings and are none: named, with the setting that is meant."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coin_platform.cli import main
from coin_platform.settings import Settings, load, unknown_variables, variable_name
from coin_platform.settings_infrastructure import infrastructure_variables

NAMES = [variable_name(field) for field in Settings.model_fields]


@pytest.fixture(autouse=True)
def clean_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.startswith(("COIN_PLATFORM_", "COINMARKETCAP_")):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def test_every_setting_and_the_variables_of_others_are_known(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("coin_platform_coins", "5")
    monkeypatch.setenv("DAGSTER_HOME", "/tmp/of-another")
    Path(".env").write_text("".join(f"{name}=\n" for name in NAMES) + "PGUSER=somebody\n")
    assert unknown_variables() == {}
    assert load().coins == 5


@pytest.mark.parametrize(
    ("given_name", "meant"),
    [
        ("COIN_PLATFORM_SORUCE", "COIN_PLATFORM_SOURCE"),
        ("COIN_PLATFORM_COIN", "COIN_PLATFORM_COINS"),
        ("COIN_PLATFORM_COINMARKETCAP_API_KEY", "COINMARKETCAP_API_KEY"),
        ("COINMARKETCAP_KEY", "COINMARKETCAP_API_KEY"),
        ("coin_platform_migration", "COIN_PLATFORM_MIGRATION_TYPE"),
    ],
)
def test_a_misspelt_variable_is_named_with_the_setting_that_is_meant(
    given_name: str, meant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(given_name, "x")
    assert unknown_variables() == {given_name.upper(): meant}


@given(st.from_regex(r"COIN_PLATFORM_[A-Z_]{1,20}", fullmatch=True))
def test_whatever_the_name_some_setting_is_nearest(name: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(name, "1")
        known = {*NAMES, *infrastructure_variables()}
        assert all(meant in known for meant in unknown_variables().values())
        assert (name in unknown_variables()) == (name not in known)


def test_the_command_warns_once_on_stderr_and_goes_on_without_showing_values(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    Path(".env").write_text("COINMARKETCAP_APIKEY=secret-of-the-test\n")
    monkeypatch.setattr("sys.argv", ["coin-platform", "settings"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 0
    output, errors = capfd.readouterr()
    assert errors == (
        "COINMARKETCAP_APIKEY is no setting and has no effect; is COINMARKETCAP_API_KEY meant?\n"
    )
    assert "secret-of-the-test" not in output
    assert output.startswith("setting")


def test_settings_are_listed_one_a_line_where_nobody_looks(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["coin-platform", "settings", "--all"])
    with pytest.raises(SystemExit):
        main()
    lines = capfd.readouterr().out.splitlines()[1:]
    said = {line.split()[0]: line for line in lines}
    assert len(lines) == len(said)
    assert set(said) == set(NAMES)
    for name, field in Settings.model_fields.items():
        assert str(field.description) in said[variable_name(name)]
