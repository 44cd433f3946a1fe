"""SQL over the lake in buckets: of what the role may read, and no more."""

import pytest
from click.testing import CliRunner

from coin_platform.cli.sql import command
from coin_platform.contracts import curated
from coin_platform.partitions import Window
from coin_platform.resources.lake import open_lake
from coin_platform.settings import environment
from coin_platform_tests.aws.box import PROJECT
from coin_platform_tests.aws.test_lake_s3 import LEDGER, H, entries


@pytest.fixture
def sql(aws_settings, monkeypatch):
    settings = aws_settings()
    for name, value in environment(settings).items():
        monkeypatch.setenv(name, value)
    lake = open_lake(settings)
    lake.replace_rows(LEDGER, entries(H, 7), Window.of_hour(H))
    lake.ensure(curated.TOP_PRICES)
    return lambda text: CliRunner().invoke(command, [text, "--format", "csv"])


def test_a_query_reads_the_buckets(sql):
    answer = sql("select count(*) as n from processed.ledger")
    assert answer.output.split() == ["n", "1"]


def test_who_may_not_read_a_layer_is_told_so_and_still_reads_the_others(box, sql):
    denied = {"status": 403, "code": "AccessDenied", "message": "Access Denied"}
    box.fail("s3", 1_000, path=f"/processed-{PROJECT}", **denied)
    assert sql("select count(*) as n from curated.top_prices").output.split() == ["n", "0"]
    refusal = sql("select count(*) from processed.ledger").exception
    assert "or your role may not read it" in str(refusal)
