"""The command of a step, given to Spark's own `spark-submit`, on a JVM as EMR has it.

There are neither Delta's jars nor those for S3 here, so that files are local and the job ends where
it writes a Delta table. All that comes before is as on a cluster: the archive as the Python path of
Spark, the classic session in UTC, reading raw, and a failure that is reported through Pipes.
"""

import os
import shutil
import subprocess
import sys
import uuid
from pathlib import Path

import pyspark
import pytest

from coin_platform.resources.engine.emr.messages import Channel, Report
from coin_platform.resources.engine.emr.package import ENTRY, Package
from coin_platform.resources.engine.emr.pipes import arguments, session
from coin_platform.resources.engine.emr.runner import Script
from coin_platform.resources.engine.emr.steps import spark_submit
from coin_platform.resources.engine.orders import RUN, Orders
from coin_platform.resources.lake import Lake
from coin_platform_tests.aws.box import PROJECT, REGION
from coin_platform_tests.aws.emr_support import HOUR_WINDOW, QUOTES, market

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        shutil.which("java") is None, reason="JVM Spark needs Java; none is on PATH"
    ),
]
SUBMIT = str(Path(pyspark.__file__).parent / "bin" / "spark-submit")


def test_spark_submit_takes_the_command_and_the_script_reports_from_a_jvm(box, tmp_path):
    lake = Lake(str(tmp_path / "lake"))
    market(lake)
    archive = tmp_path / "coin_platform.zip"
    archive.write_bytes(Package().archive())
    entry = shutil.copy(ENTRY, tmp_path)
    channel = Channel(box.client("s3"), f"platform-{PROJECT}", uuid.uuid4().hex)
    orders = Orders.given(RUN, QUOTES.id, HOUR_WINDOW, "run-1", lake, channel.bucket)
    # A session on Sail leaves variables in this process, by which Spark would want to connect.
    others = {k: v for k, v in os.environ.items() if not k.startswith(("SPARK_", "PYSPARK_"))}
    told = []
    with session(channel, orders, told.append, None) as hear:
        words = ("--region", REGION, *arguments(channel))
        _, *rest = spark_submit(Script("run it", str(entry), str(archive), words))
        done = subprocess.run(
            [SUBMIT, "--master", "local[1]", "--conf=spark.ui.enabled=false",
             *[word.replace("python3.11", sys.executable) for word in rest]],
            cwd=tmp_path,
            env={**others, "SPARK_LOCAL_IP": "127.0.0.1"},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        report = Report()
        for message in channel.read():
            report.hear(message)
            hear(message)
    assert report.opened, (done.returncode, done.stdout, done.stderr)
    assert report.closed
    assert any("on Spark 4" in line for line in told)
    assert report.outcome is None
    assert "delta" in str(report.failure).lower()
    assert done.returncode == 1
