"""The platform's code on S3: once for each version, and whole."""

import io
import subprocess
import zipfile

from coin_platform.resources.engine.emr.package import ENTRY, Package
from coin_platform_tests.aws.box import PROJECT

BUCKET = f"platform-{PROJECT}"


def test_the_archive_is_the_same_bytes_for_the_same_code():
    assert Package().archive() == Package().archive()


def test_the_archive_holds_every_module():
    with zipfile.ZipFile(io.BytesIO(Package().archive())) as archive:
        names = set(archive.namelist())
    assert {"coin_platform/__init__.py", "coin_platform/transforms/jobs.py"} <= names
    assert all(name.startswith("coin_platform/") and name.endswith(".py") for name in names)


def test_other_code_has_another_address():
    changed = Package()
    changed.files["coin_platform/errors.py"] += b"\n"
    assert changed.code_key != Package().code_key
    assert changed.bootstrap_key == Package().bootstrap_key


def test_other_requirements_have_another_bootstrap_action():
    changed = Package()
    changed.__dict__["requirements"] = ("deltalake==0.1",)
    assert changed.bootstrap_key != Package().bootstrap_key
    assert changed.code_key == Package().code_key


def test_a_version_is_uploaded_once(box):
    s3 = box.client("s3")
    uploaded = Package().upload(s3, BUCKET)
    box.mend()
    assert Package().upload(s3, BUCKET) == uploaded
    assert ("s3", "PUT") not in box.calls()
    entry = s3.get_object(Bucket=BUCKET, Key=Package().entry_key)["Body"].read()
    assert entry == ENTRY.read_bytes()
    assert uploaded.entry == f"s3://{BUCKET}/{Package().entry_key}"


def test_the_bootstrap_action_is_a_script_that_a_shell_can_read():
    checked = subprocess.run(["bash", "-n"], input=Package().bootstrap, check=False)
    assert checked.returncode == 0
    assert b"REQUIREMENTS" not in Package().bootstrap
