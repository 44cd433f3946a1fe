"""The CDK's command line: found, given our template, and its failure told."""

import os
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

from coin_platform.errors import PermanentError, SettingsError
from coin_platform.infrastructure.options import Options

VERSION = "2.1148.1"  # of npm's aws-cdk; it takes the templates of aws-cdk-lib 2.275
NODE = "Node.js 22 or newer (https://nodejs.org)"


def check_library() -> None:
    """Raise `SettingsError` that says what is missing to make a template."""
    if find_spec("aws_cdk") is None:
        raise SettingsError(
            "aws-cdk-lib is not installed: `pip install 'coin-platform[infra]'`, in a clone "
            "`.venv/bin/python -m pip install -e '.[infra]'`"
        )
    if shutil.which("node") is None:
        raise SettingsError(f"node is not on PATH: install {NODE}; aws-cdk-lib runs in it")


def command() -> list[str]:
    """The CDK's command line: an installed one, or npm's, which downloads it the first time.

    Raises `SettingsError` where there is neither.
    """
    if found := shutil.which("cdk"):
        return [found]
    if found := shutil.which("npx"):
        return [found, "--yes", f"aws-cdk@{VERSION}"]
    raise SettingsError(
        f"neither cdk nor npx is on PATH: install {NODE}, or the CDK by "
        f"`npm install --global aws-cdk@{VERSION}`"
    )


def run(action: str, options: Options, assembly: Path, *more: str) -> None:
    """Have the CDK do something with what was synthesized to `assembly`.

    It asks on the terminal what it wants to have confirmed, and prints what it does. Raises
    `PermanentError` when it fails.
    """
    words = [*command(), action, options.account.stack, "--app", str(assembly), *more]
    environment = {**os.environ, "CDK_DISABLE_VERSION_CHECK": "1"}
    if options.platform.region:
        environment |= {"AWS_REGION": options.platform.region}
    code = subprocess.run(words, check=False, env=environment).returncode
    if code:
        raise PermanentError(
            f"cdk {action} ended with exit code {code}; what it printed above says why. A stack "
            "that was left half-made is taken up by the next deploy"
        )
