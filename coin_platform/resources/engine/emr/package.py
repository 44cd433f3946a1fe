"""The platform's code as steps get it: uploaded once for each content, under the content's hash.

The archive is reproducible, so that a run finds what an earlier one uploaded. The Python packages
that the steps import are pinned to the versions of this environment; a cluster installs them by the
bootstrap action, whose address changes with them.
"""

import hashlib
import io
import shlex
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any

from coin_platform.resources.aws.errors import explained

ROOT = Path(__file__).parents[3]
ENTRY = ROOT / "transforms" / "step.py"
NEEDED = ("boto3", "dagster-pipes", "deltalake", "pandas", "pyarrow")
PYTHON = "python3.11"
HASH_LENGTH = 16
EPOCH = (1980, 1, 1, 0, 0, 0)  # of zip files

BOOTSTRAP = f"""#!/bin/bash
# The Python packages of coin_platform's steps, on every node.
set -euo pipefail
sudo {PYTHON} -m pip --version >/dev/null 2>&1 || sudo dnf install -y {PYTHON}-pip
sudo {PYTHON} -m pip install --no-input --disable-pip-version-check --ignore-installed \\
    REQUIREMENTS
"""


@dataclass(frozen=True)
class Uploaded:
    """The S3 addresses of the entry script and of the code."""

    entry: str
    code: str


class Package:
    """The code of this installation, and the packages that it needs on a cluster."""

    @cached_property
    def files(self) -> dict[str, bytes]:
        """The Python modules by their path in the archive, sorted."""
        return {
            str(path.relative_to(ROOT.parent)): path.read_bytes()
            for path in sorted(ROOT.rglob("*.py"))
        }

    @cached_property
    def requirements(self) -> tuple[str, ...]:
        return tuple(f"{name}=={version(name)}" for name in NEEDED)

    @property
    def code_key(self) -> str:
        return f"package/{digest(self.files)}/coin_platform.zip"

    @property
    def entry_key(self) -> str:
        return f"package/{digest(self.files)}/step.py"

    @property
    def bootstrap(self) -> bytes:
        """The bootstrap action of a cluster."""
        wanted = " ".join(map(shlex.quote, self.requirements))
        return BOOTSTRAP.replace("REQUIREMENTS", wanted).encode()

    @property
    def bootstrap_key(self) -> str:
        return f"package/bootstrap/{digest({'bootstrap': self.bootstrap})}/install.sh"

    def archive(self) -> bytes:
        """The modules as a zip file, the same bytes for the same modules."""
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in self.files.items():
                entry = zipfile.ZipInfo(name, EPOCH)
                entry.compress_type = zipfile.ZIP_DEFLATED
                entry.external_attr = 0o644 << 16
                archive.writestr(entry, content)
        return buffer.getvalue()

    def upload(self, s3: Any, bucket: str) -> Uploaded:
        """Upload what is not there yet, and say where it is."""
        put_once(s3, bucket, self.code_key, self.archive)
        put_once(s3, bucket, self.entry_key, ENTRY.read_bytes)
        return Uploaded(f"s3://{bucket}/{self.entry_key}", f"s3://{bucket}/{self.code_key}")

    def upload_bootstrap(self, s3: Any, bucket: str) -> str:
        """As `upload`, of the bootstrap action."""
        put_once(s3, bucket, self.bootstrap_key, lambda: self.bootstrap)
        return f"s3://{bucket}/{self.bootstrap_key}"


def digest(contents: Mapping[str, bytes]) -> str:
    """A hash of names and contents."""
    found = hashlib.sha256()
    for part in parts(contents):
        found.update(f"{len(part)}:".encode() + part)
    return found.hexdigest()[:HASH_LENGTH]


def parts(contents: Mapping[str, bytes]) -> Iterator[bytes]:
    for name, content in contents.items():
        yield name.encode()
        yield content


def put_once(s3: Any, bucket: str, key: str, content: Any) -> None:
    """Put the object, whose name says what is in it, unless it is there."""
    with explained(f"uploading s3://{bucket}/{key}"):
        found = s3.list_objects_v2(Bucket=bucket, Prefix=key, MaxKeys=1)
        if not found["KeyCount"]:
            s3.put_object(Bucket=bucket, Key=key, Body=content())
