"""RDS: TLS that is verified, a password that is rotated, a token in place of one."""

import json
import logging

import dagster as dg
import pytest

from coin_platform import home, rds_storage
from coin_platform.contracts.database import COIN_QUOTES
from coin_platform.errors import PermanentError, TransientError
from coin_platform.resources.coinmarketcap.factory import api_key
from coin_platform.resources.database import open_database
from coin_platform.resources.database.rds import RdsEndpoint
from coin_platform.resources.database.trust import BUNDLE
from coin_platform.settings import environment, load
from coin_platform_tests.aws.conftest import SECRET


def new_password(box, rds):
    value = {"username": rds.user, "password": rds.rotate()}
    box.client("secretsmanager").put_secret_value(SecretId=SECRET, SecretString=json.dumps(value))


def test_the_database_is_created_migrated_and_answers_over_tls(on_rds):
    database = open_database(on_rds())
    assert database.migrate()
    assert database.columns(COIN_QUOTES)
    with database.connect() as connection:
        [encrypted] = connection.execute(
            "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"
        ).fetchone()
    assert encrypted
    assert "database coins" in database.probe()


def test_a_certificate_of_another_authority_is_refused(on_rds):
    database = open_database(on_rds(database_ca=str(BUNDLE)))
    with pytest.raises(PermanentError, match=r"certificate verify failed.*DATABASE_CA"):
        database.probe()


def test_a_certificate_of_another_host_is_refused(on_rds):
    database = open_database(on_rds(database_host="127.0.0.1"))
    with pytest.raises(PermanentError, match=r"does not match host name.*DATABASE_HOST"):
        database.probe()


def test_the_packaged_bundle_is_what_is_trusted_by_default(aws_settings):
    import ssl

    context = ssl.create_default_context(cafile=str(BUNDLE))
    names = [dict(part[0] for part in cert["subject"]) for cert in context.get_ca_certs()]
    assert sum("RDS" in name.get("commonName", "") for name in names) > 50
    assert RdsEndpoint(aws_settings(), "coins").settings.database_ca is None


def test_a_rotated_password_is_read_anew_by_all_who_use_it(box, rds, on_rds):
    database = open_database(on_rds())
    database.migrate()
    new_password(box, rds)
    assert database.columns(COIN_QUOTES)
    new_password(box, rds)
    assert "database coins" in database.probe()


def test_a_wrong_password_is_refused_and_not_printed(box, rds, on_rds, caplog, capfd):
    caplog.set_level(logging.DEBUG)
    value = {"username": rds.user, "password": "the-wrong-one"}
    box.client("secretsmanager").put_secret_value(SecretId=SECRET, SecretString=json.dumps(value))
    with pytest.raises(PermanentError, match="authentication failed") as refusal:
        open_database(on_rds()).probe()
    out, err = capfd.readouterr()
    assert "the-wrong-one" not in f"{refusal.value}{out}{err}"


def test_no_setting_and_no_child_is_given_the_password(rds, on_rds):
    settings = on_rds()
    open_database(settings).migrate()
    assert rds.password not in "".join(environment(settings).values())


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"database_secret": "no/such"}, "reading secret no/such: ResourceNotFoundException"),
        ({"database_port": 1}, "failed 3 times.*Connection refused"),
    ],
)
def test_what_is_wrong_is_said(on_rds, given, words):
    with pytest.raises((PermanentError, TransientError), match=words):
        open_database(on_rds(**given)).probe()


def test_a_secret_without_a_password_names_what_it_lacks(box, on_rds):
    box.client("secretsmanager").put_secret_value(SecretId=SECRET, SecretString='{"user": "x"}')
    with pytest.raises(PermanentError, match=r"coins/database has none of the fields password"):
        open_database(on_rds()).probe()


def test_with_iam_a_signed_token_of_this_host_port_and_user_is_the_password(on_rds):
    settings = on_rds(database_auth="iam", database_user="platform", database_secret=None)
    user, token = RdsEndpoint(settings, "coins").login()
    assert user == "platform"
    assert token.startswith(f"{settings.database_host}:{settings.database_port}/?")
    assert "DBUser=platform" in token
    assert "X-Amz-Signature=" in token


def test_the_key_of_the_api_comes_from_its_secret(box, aws_settings):
    box.client("secretsmanager").create_secret(Name="cmc", SecretString='{"api_key": "k-1"}')
    settings = aws_settings(coinmarketcap_secret="cmc")
    assert api_key(settings) == "k-1"
    assert "k-1" not in "".join(environment(settings).values())


@pytest.fixture
def instance(on_rds, monkeypatch):
    """The Dagster instance of a platform whose storage is on RDS."""
    settings = on_rds()
    for name, value in environment(settings).items():
        monkeypatch.setenv(name, value)
    rds_storage.endpoint.cache_clear()
    assert load() == settings
    with home.in_use(settings), home.open_instance(settings) as instance:
        yield instance
    rds_storage.endpoint.cache_clear()


@dg.asset
def something() -> int:
    return 1


def test_dagster_keeps_its_records_on_rds_and_no_file_holds_the_password(
    box, rds, instance, tmp_path
):
    assert dg.materialize([something], instance=instance).success
    new_password(box, rds)
    instance.event_log_storage._engine.dispose()
    assert dg.materialize([something], instance=instance).success
    assert instance.get_runs_count() == 2
    with rds.connect("dagster") as connection:
        [runs] = connection.execute("SELECT count(*) FROM runs").fetchone()
    assert runs == 2
    for path in (tmp_path / "home").rglob("*.yaml"):
        assert rds.password not in path.read_text()


def test_a_step_that_writes_a_layer_holds_the_only_slot_of_its_pool(instance):
    from coin_platform.defs.curated.assets import POOL

    seen = []

    @dg.asset(pool=POOL)
    def written(context) -> None:
        found = context.instance.event_log_storage.get_concurrency_info(POOL)
        seen.append((found.slot_count, found.active_slot_count))

    assert dg.materialize([written], instance=instance).success
    assert seen == [(1, 1)]
    assert instance.event_log_storage.get_concurrency_info(POOL).active_slot_count == 0
