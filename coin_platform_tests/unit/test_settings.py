"""Settings: where they come from, what is refused, and that secrets stay secret."""

from datetime import UTC, datetime

import pytest
from click.testing import CliRunner

from coin_platform.cli.settings import command
from coin_platform.errors import SettingsError
from coin_platform.settings import environment, load, read_home, write_home


@pytest.fixture(autouse=True)
def _clean(tmp_path, monkeypatch):
    import os

    for name in os.environ:
        if name.startswith(("COIN_PLATFORM_", "COINMARKETCAP_")):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def test_defaults_need_no_environment(tmp_path):
    settings = load()
    assert settings.home == tmp_path / ".coin_platform"
    assert settings.start == datetime(2026, 1, 1, tzinfo=UTC)
    assert settings.source == "simulated"


def test_arguments_win_over_the_environment_and_that_over_the_env_file(tmp_path, monkeypatch):
    (tmp_path / ".env").write_text("COIN_PLATFORM_COINS=10\nCOIN_PLATFORM_SIMULATOR_SEED=3\n")
    monkeypatch.setenv("COIN_PLATFORM_COINS", "20")
    assert (load().coins, load().simulator_seed) == (20, 3)
    assert load(coins=30).coins == 30


def test_every_wrong_setting_is_named_with_what_is_allowed(monkeypatch):
    monkeypatch.setenv("COIN_PLATFORM_SOURCE", "binance")
    monkeypatch.setenv("COIN_PLATFORM_COINS", "0")
    with pytest.raises(SettingsError) as error:
        load()
    assert "COIN_PLATFORM_SOURCE" in str(error.value)
    assert "replay:FILE_OR_DIR" in str(error.value)
    assert "COIN_PLATFORM_COINS" in str(error.value)


def test_an_unknown_deployment_is_refused_with_the_known_ones(monkeypatch):
    monkeypatch.setenv("COIN_PLATFORM_ENV", "moon")
    with pytest.raises(SettingsError, match=r"COIN_PLATFORM_ENV.*'local'"):
        load()


def test_a_grid_that_starts_within_an_hour_is_refused(monkeypatch):
    monkeypatch.setenv("COIN_PLATFORM_START", "2026-01-01T00:30Z")
    with pytest.raises(SettingsError, match="whole UTC hour"):
        load()


def test_the_vendors_sandbox_is_refused(monkeypatch):
    monkeypatch.setenv("COIN_PLATFORM_COINMARKETCAP_URL", "https://sandbox-api.coinmarketcap.com")
    with pytest.raises(SettingsError, match="random noise"):
        load()


def test_a_home_remembers_where_its_grid_starts():
    write_home(load(start=datetime(2021, 6, 28, tzinfo=UTC)))
    assert load().start == datetime(2021, 6, 28, tzinfo=UTC)


def test_the_environment_moves_the_start_of_a_home_that_remembers_another(monkeypatch):
    write_home(load(start=datetime(2021, 6, 28, tzinfo=UTC)))
    monkeypatch.setenv("COIN_PLATFORM_START", "2025-01-01T00:00Z")
    assert load().start == datetime(2025, 1, 1, tzinfo=UTC)


def test_a_home_that_cannot_be_read_says_so():
    settings = load()
    write_home(settings)
    (settings.home / "home.json").write_text("{")
    with pytest.raises(SettingsError, match=r"home\.json cannot be read"):
        read_home(settings.home)


def test_child_processes_get_the_same_settings(monkeypatch):
    monkeypatch.setenv("COINMARKETCAP_API_KEY", "secret-of-the-test")
    settings = load(coins=7, source="coinmarketcap")
    for name, value in environment(settings).items():
        monkeypatch.setenv(name, value)
    assert load() == settings


def test_the_command_lists_every_setting_and_masks_the_key(monkeypatch):
    monkeypatch.setenv("COINMARKETCAP_API_KEY", "secret-of-the-test")
    result = CliRunner().invoke(command)
    assert result.exit_code == 0
    assert "secret-of-the-test" not in result.output
    assert "COINMARKETCAP_API_KEY" in result.output
    assert "COIN_PLATFORM_HOME" in result.output
    assert "secret-of-the-test" not in repr(load())


@pytest.mark.parametrize("folder", ["a b", "hö", "h#sh", "p%20c", "br{x}[y]*"])
def test_a_home_whose_path_the_engine_cannot_handle_is_refused(tmp_path, folder):
    with pytest.raises(SettingsError, match=r"COIN_PLATFORM_HOME.*without spaces"):
        load(home=tmp_path / folder)


def test_a_home_remembers_its_source_and_asks_for_all_coins_of_a_capture(tmp_path):
    write_home(load(source=f"replay:{tmp_path / 'capture.json'}"))
    assert load().source == f"replay:{tmp_path / 'capture.json'}"
    assert load().coins == 10_000
    assert load(source="simulated").coins == 500


def test_a_home_that_cannot_be_written_says_so(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(SettingsError, match="another COIN_PLATFORM_HOME"):
        write_home(load(home=tmp_path / "file" / "home"))


def test_aws_names_all_that_it_lacks_and_what_prints_it(monkeypatch):
    monkeypatch.setenv("COIN_PLATFORM_ENV", "aws")
    with pytest.raises(SettingsError) as error:
        load()
    for name in ("PROJECT", "REGION", "DATABASE_HOST", "DATABASE_SECRET"):
        assert f"COIN_PLATFORM_{name}" in str(error.value)
    assert "infra outputs" in str(error.value)


def on_aws(**given):
    needed = {"project": "coins", "database_host": "db", "database_secret": "s"}
    return load(**{"env": "aws", "region": "eu-west-1", **needed, **given})


def test_aws_asks_the_real_api_unless_told_otherwise(monkeypatch):
    assert on_aws().source == "coinmarketcap"
    assert on_aws(source="simulated").source == "simulated"


def test_the_region_is_that_of_the_aws_tools_where_none_is_set(monkeypatch):
    monkeypatch.setenv("AWS_DEFAULT_REGION", "sa-east-1")
    assert on_aws(region=None).region == "sa-east-1"
    assert on_aws().region == "eu-west-1"


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("project", "My_Project", "small letters, digits and hyphens"),
        ("emr_core", "m7g.xlarge", "type:count"),
        ("emr_primary", "m7g.xlarge:0", "type:count"),
    ],
)
def test_what_aws_would_refuse_is_refused_here(name, value, words):
    with pytest.raises(SettingsError, match=words):
        on_aws(**{name: value})


def test_settings_of_aws_are_shown_when_they_matter():
    assert "EMR_RELEASE" not in CliRunner().invoke(command).output
    assert "EMR_RELEASE" in CliRunner().invoke(command, ["--all"]).output
