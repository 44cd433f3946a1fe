"""`coin-platform infra` as a user runs it, with AWS in a box and a command line of the CDK."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from coin_platform.errors import PermanentError
from coin_platform.infrastructure.deployed import read_outputs
from coin_platform.settings import load
from coin_platform_tests.aws.box import PROJECT
from coin_platform_tests.aws.template import chosen, needs_node

MAIN = "from coin_platform.cli import main; main()"
OUTPUTS = {"Env": "aws", "Project": PROJECT, "Region": "us-east-1", "DatabaseHost": "db.example",
           "DatabaseSecret": "coins/database", "DmsRoleArn": "arn:of:role"}  # fmt: skip


def deploy(box, outputs, name="coin-platform"):
    """A stack that tells these outputs; moto skips most resources of the real one."""
    template = {
        "Resources": {"Topic": {"Type": "AWS::SNS::Topic"}},
        "Outputs": {key: {"Value": value} for key, value in outputs.items()},
    }
    box.client("cloudformation").create_stack(StackName=name, TemplateBody=json.dumps(template))


@pytest.fixture
def infra(box, tmp_path):
    """Runs the command in an empty folder, with the variables and programs given."""

    def run(*words, path=None, **variables):
        return subprocess.run(
            [sys.executable, "-c", MAIN, "infra", *words],
            cwd=tmp_path,
            env={
                **os.environ,
                "PATH": os.environ["PATH"] if path is None else str(path),
                "COIN_PLATFORM_HOME": str(tmp_path / "home"),
                "COIN_PLATFORM_PROJECT": PROJECT,
                **variables,
            },
            capture_output=True,
            text=True,
            check=False,
        )

    return run


@pytest.fixture
def cdk(tmp_path):
    """A folder for PATH whose `cdk` writes down how it was called; `code` is how it ends."""

    def make(code=0):
        needs_node()
        folder = tmp_path / "bin"
        folder.mkdir()
        program = folder / "cdk"
        program.write_text(
            f"#!{sys.executable}\nimport json, os, sys\n"
            f"assembly = sys.argv[sys.argv.index('--app') + 1]\n"
            f"open({str(tmp_path / 'called')!r}, 'w').write(json.dumps("
            f"[*sys.argv[1:3], *sys.argv[5:], sorted(os.listdir(assembly))]))\n"
            f"sys.exit({code})\n"
        )
        program.chmod(0o755)
        return f"{folder}{os.pathsep}{os.environ['PATH']}"

    return make


def test_outputs_are_an_env_file_that_the_platform_loads(box, infra, tmp_path, monkeypatch):
    deploy(box, OUTPUTS)
    said = infra("outputs")
    assert said.returncode == 0, said.stderr
    (tmp_path / ".env").write_text(said.stdout)
    monkeypatch.chdir(tmp_path)
    settings = load(home=tmp_path / "home")
    assert (settings.env, settings.project, settings.dms_role_arn) == (
        "aws",
        PROJECT,
        "arn:of:role",
    )
    assert settings.database_host == "db.example"


def test_a_stack_that_is_not_there_is_said(infra):
    said = infra("outputs")
    assert said.returncode == 1
    assert "reading the outputs of stack coin-platform: ValidationError" in said.stderr
    assert "Traceback" not in said.stderr


def test_a_stack_of_somebody_else_is_refused(box, monkeypatch):
    deploy(box, {"Project": PROJECT, "LoadBalancer": "x"})
    with pytest.raises(PermanentError, match="tells load_balancer; name another"):
        read_outputs(chosen(None, region="us-east-1"))


def test_synth_writes_the_template_and_asks_nothing_of_aws(box, infra, tmp_path):
    needs_node()
    box.mend()
    said = infra("synth", "-o", "out")
    assert said.returncode == 0, said.stderr
    template = json.loads((tmp_path / "out" / "coin-platform.template.json").read_text())
    assert "Outputs" in template
    assert box.calls() == []


def test_the_cdk_is_given_the_assembly(infra, cdk, tmp_path):
    said = infra("deploy", "--yes", path=cdk())
    assert said.returncode == 0, said.stderr
    *arguments, files = json.loads((tmp_path / "called").read_text())
    assert arguments == ["deploy", "coin-platform", "--require-approval", "never"]
    assert {"manifest.json", "coin-platform.template.json"} <= set(files)
    assert "coin-platform infra outputs > .env" in said.stdout


def test_a_failure_of_the_cdk_is_a_failure(infra, cdk):
    said = infra("deploy", path=cdk(code=3))
    assert said.returncode == 1
    assert "cdk deploy ended with exit code 3" in said.stderr
    assert "infra outputs" not in said.stdout


def test_what_is_missing_is_named(infra, tmp_path):
    said = infra("synth", path=tmp_path)
    assert said.returncode == 2
    assert "node is not on PATH: install Node.js" in said.stderr
    only_node = tmp_path / "only"
    only_node.mkdir()
    (only_node / "node").symlink_to("/bin/true")
    said = infra("deploy", path=only_node)
    assert said.returncode == 2
    assert "neither cdk nor npx is on PATH" in said.stderr


def test_destroy_is_refused_while_the_stack_is_protected(infra, cdk, tmp_path):
    path = cdk()
    said = infra("destroy", path=path)
    assert said.returncode == 2
    assert "COIN_PLATFORM_INFRA_REMOVABLE=true" in said.stderr
    assert not Path(tmp_path / "called").exists()
    said = infra("destroy", "--yes", path=path, COIN_PLATFORM_INFRA_REMOVABLE="true")
    assert said.returncode == 0, said.stderr
    assert json.loads((tmp_path / "called").read_text())[:3] == [
        "destroy",
        "coin-platform",
        "--force",
    ]


def test_a_wrong_option_is_usage_and_a_misspelt_one_is_told(infra):
    said = infra("synth", COIN_PLATFORM_INFRA_ALLOWED_CIDR="0.0.0.0/0")
    assert said.returncode == 2
    assert "would open port 5432 to 4,294,967,296 addresses" in said.stderr
    said = infra("options", COIN_PLATFORM_INFRA_PROFIL="tutorial")
    assert "is COIN_PLATFORM_INFRA_PROFILE meant?" in said.stderr
    assert "COIN_PLATFORM_INFRA_ALLOWED_CIDR" in said.stdout
