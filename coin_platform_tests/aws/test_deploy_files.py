"""The files by which Dagster runs elsewhere, read by what reads them there, as far as can be.

No container engine runs here. What can be: the Dockerfile is linted and its files are looked for,
compose's file is held against its specification, Dagster opens the instances and the workspace.
"""

import json
import os
import re
import subprocess
import sysconfig
from pathlib import Path

import dagster as dg
import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from coin_platform import home, rds_storage
from coin_platform.infrastructure.dagster import CODE, DAEMON, WEBSERVER, WRITABLE
from coin_platform.infrastructure.pins import base_dependencies
from coin_platform.resources.database import dagster_storage_url
from coin_platform.settings import environment, load
from coin_platform_tests.aws.box import PROJECT

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text()
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yaml").read_text())


def test_hadolint_finds_nothing():
    hadolint = Path(sysconfig.get_path("scripts")) / "hadolint"
    linted = subprocess.run(
        [hadolint, ROOT / "Dockerfile"], capture_output=True, text=True, check=False
    )
    assert (linted.stdout, linted.returncode) == ("", 0)


def test_what_the_image_copies_is_there_and_is_not_ignored():
    kept = {line[1:] for line in (ROOT / ".dockerignore").read_text().split() if line[0] == "!"}
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, flags=re.MULTILINE)
    assert copied
    for name in " ".join(copied).split():
        assert (ROOT / name).exists(), name
        assert Path(name).parts[0] in kept, name


def test_the_image_is_of_a_fixed_python_and_does_not_run_as_root():
    bases = set(re.findall(r"^FROM (\S+)", DOCKERFILE, flags=re.MULTILINE))
    assert len(bases) == 1
    assert re.fullmatch(r"python:3\.11\.\d+-slim-bookworm", bases.pop())
    [user] = re.findall(r"^USER (\S+)", DOCKERFILE, flags=re.MULTILINE)
    assert int(user) > 0


def test_what_the_tasks_write_to_is_a_volume_of_the_image_and_so_the_users_own():
    [volumes] = re.findall(r"^VOLUME (.+)$", DOCKERFILE, flags=re.MULTILINE)
    assert set(json.loads(volumes)) == set(WRITABLE.values())


def test_every_dependency_has_a_pin_within_its_bounds():
    lines = (ROOT / "deploy" / "requirements.txt").read_text().splitlines()[1:]
    pins = {}
    for line in lines:
        name, version = line.split("==")
        pins[name] = version
    for needed in base_dependencies():
        assert needed.specifier.contains(pins[canonicalize_name(needed.name)]), needed
    assert all(Requirement(line).specifier for line in lines)


def test_compose_keeps_to_its_specification(tmp_path):
    from compose_spec import models

    models.ComposeSpecification.model_validate(COMPOSE)
    spoilt = {**COMPOSE, "services": {"code": {"command": {"no": "command"}}}}
    with pytest.raises(ValueError, match="command"):
        models.ComposeSpecification.model_validate(spoilt)


def test_compose_publishes_the_ui_to_this_machine_alone():
    ports = [port for service in COMPOSE["services"].values() for port in service.get("ports", [])]
    assert ports == ["127.0.0.1:3000:3000"]


def test_compose_and_the_stack_run_the_same_programs():
    services = COMPOSE["services"]
    for name, command in (("code", CODE), ("webserver", WEBSERVER), ("daemon", DAEMON)):
        there = [word.replace("0.0.0.0", "127.0.0.1") for word in services[name]["command"]]
        assert there == list(command)


def instance_of(path, tmp_path, monkeypatch, **changed):
    """Dagster's instance by a file of `deploy/`, with its writable folder moved to ours."""
    text = path.read_text().replace("/var/lib/coin_platform", str(tmp_path))
    folder = tmp_path / "instance"
    folder.mkdir()
    (folder / "dagster.yaml").write_text(text)
    for name, value in changed.items():
        monkeypatch.setenv(name, value)
    return dg.DagsterInstance.from_config(str(folder))


@dg.asset
def something() -> int:
    return 1


def test_the_instance_on_aws_keeps_records_on_rds_and_logs_in_s3(
    box, on_rds, tmp_path, monkeypatch
):
    settings = on_rds()
    for name, value in environment(settings).items():
        monkeypatch.setenv(name, value)
    rds_storage.endpoint.cache_clear()
    assert load() == settings
    bucket = f"platform-{PROJECT}"
    with instance_of(
        ROOT / "deploy" / "dagster.yaml", tmp_path, monkeypatch, DAGSTER_LOGS_BUCKET=bucket
    ) as instance:
        done = dg.materialize([something], instance=instance)
        assert done.success
        assert instance.get_runs_count() == 1
        kept = box.client("s3").list_objects_v2(Bucket=bucket, Prefix="logs/dagster/")
        assert any(done.run_id in one["Key"] for one in kept["Contents"])
        assert type(instance.run_launcher).__name__ == "EcsRunLauncher"
        assert type(instance.run_coordinator).__name__ == "QueuedRunCoordinator"
        assert instance.run_monitoring_enabled
        assert instance.run_retries_enabled
        assert instance.global_op_concurrency_default_limit == 1
    rds_storage.endpoint.cache_clear()


def test_the_instance_on_one_machine_keeps_records_in_its_postgres(tmp_path, monkeypatch):
    """That of compose, whose address is put in the place of the container's."""
    settings = load(home=tmp_path / "home", env="local")
    with home.in_use(settings):
        url = dagster_storage_url(settings)
        path = tmp_path / "dagster.yaml"
        written = yaml.safe_load((ROOT / "deploy" / "compose" / "dagster.yaml").read_text())
        assert written["run_storage"]["config"]["postgres_db"]["hostname"] in COMPOSE["services"]
        for storage in ("run_storage", "event_log_storage", "schedule_storage"):
            written[storage]["config"] = {"postgres_url": url}
        path.write_text(yaml.safe_dump(written))
        with instance_of(path, tmp_path, monkeypatch, DAGSTER_POSTGRES_PASSWORD="x") as instance:
            assert dg.materialize([something], instance=instance).success
            assert instance.get_runs_count() == 1


def test_the_workspace_names_the_code_location_where_the_variable_says(monkeypatch):
    from dagster._core.workspace.load import location_origins_from_yaml_paths

    monkeypatch.setenv("DAGSTER_CODE_HOST", "code")
    [origin] = location_origins_from_yaml_paths([str(ROOT / "deploy" / "workspace.yaml")])
    assert (origin.host, origin.port, origin.location_name) == ("code", 4000, "coin_platform")
    assert os.fspath(WEBSERVER[-1]).endswith("deploy/workspace.yaml")
