"""What DMS says, read; and what is asked of it, held against the model of its API."""

import json
from datetime import UTC, datetime

import botocore.session
import pytest
from botocore.validate import ParamValidator
from hypothesis import given
from hypothesis import strategies as st

from coin_platform.errors import PermanentError
from coin_platform.resources.replication.assessment import next_start_type
from coin_platform.resources.replication.dms import answers, payloads
from coin_platform.resources.replication.interface import Task
from coin_platform.settings import load

AT = datetime(2026, 5, 1, tzinfo=UTC)
LATER = datetime(2026, 5, 2, tzinfo=UTC)
TASK = {
    "ReplicationTaskArn": "arn:task",
    "ReplicationTaskIdentifier": "task-01",
    "Status": "stopped",
    "MigrationType": "full-load-and-cdc",
}
REPLICATION = {
    "ReplicationConfigArn": "arn:config",
    "ReplicationConfigIdentifier": "task-01",
    "Status": "created",
    "ReplicationType": "full-load-and-cdc",
}
MODEL = botocore.session.get_session().get_service_model("dms")


def aws(**given):
    return load(
        env="aws",
        project="coins",
        region="us-east-1",
        database_host="db",
        database_secret="coins/database",
        dms_role_arn="arn:aws:iam::123456789012:role/raw",
        dms_secret_role_arn="arn:aws:iam::123456789012:role/secret",
        **given,
    )


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("created", "ready"),
        ("initializing", "starting"),
        ("provisioning_capacity", "starting"),
        ("replication_starting", "starting"),
        ("running", "running"),
        ("failed", "failed"),
        ("resting", "modifying"),
    ],
)
def test_the_states_of_serverless_are_read_as_those_of_a_task(said, meant):
    assert answers.serverless({**REPLICATION, "Status": said}).task.status == meant


def test_a_replication_that_gave_its_capacity_back_has_run():
    back = {**REPLICATION, "Status": "ready", "ReplicationLastStopTime": AT}
    found = answers.serverless(back)
    assert (found.task.status, found.task.stopped_at) == ("stopped", AT)


def test_all_messages_of_a_failed_replication_are_told():
    failed = {**REPLICATION, "Status": "failed", "FailureMessages": ["no route", "no bucket"]}
    assert "no route; no bucket" in answers.serverless(failed).task.last_failure_message


def test_a_state_that_nobody_knows_starts_nothing():
    found = answers.task({**TASK, "Status": "pondering"})
    assert next_start_type(found.task) is None


def test_the_latest_start_is_that_of_the_statistics_where_there_are_any():
    early = {**TASK, "ReplicationTaskStartDate": AT}
    assert answers.task(early).task.started_at == AT
    late = {**early, "ReplicationTaskStats": {"StartDate": LATER}}
    assert answers.task(late).task.started_at == LATER


@pytest.mark.parametrize(
    ("stats", "start"),
    [
        ({"FullLoadProgressPercent": 100}, "reload-target"),
        ({"FullLoadFinishDate": AT}, "resume-processing"),
    ],
)
def test_a_failed_task_is_resumed_only_if_its_load_came_to_its_end(stats, start):
    failed = {
        **TASK,
        "Status": "failed",
        "LastFailureMessage": "why",
        "ReplicationTaskStats": stats,
    }
    found = answers.task(failed)
    assert found.task.last_failure_message.startswith("why")
    assert next_start_type(found.task) == start


def test_a_lost_table_says_where_dms_tells_why():
    row = {"SchemaName": "market", "TableName": "coins", "TableState": "Table error"}
    assert answers.table(row, "dms-tasks-x").last_error.endswith("dms-tasks-x")
    completed = {**row, "TableState": "Table completed", "FullLoadRows": 3}
    assert answers.table(completed, "x").last_error is None
    assert answers.table(completed, "x").full_load_rows == 3


TYPES = st.sampled_from(["full-load", "full-load-and-cdc", "cdc"])


@given(
    TYPES,
    TYPES,
    st.sampled_from(["stopped", "failed", "failed-move"]),
    st.booleans(),
    st.sampled_from(["Stop Reason NORMAL", "Stop Reason FULL_LOAD_ONLY_FINISHED", None]),
)
def test_no_start_resumes_where_rows_would_be_left_out(former, wanted, status, loaded, reason):
    there = answers.Found("arn", Task("task-01", status, former, stop_reason=reason), loaded)
    only_loads = former == "full-load" or reason == "Stop Reason FULL_LOAD_ONLY_FINISHED"
    if wanted == "cdc" and only_loads:
        with pytest.raises(PermanentError):
            answers.start_needed(there, wanted, "resume-processing")
        return
    needed = answers.start_needed(there, wanted, "resume-processing")
    goes_on = former == wanted == "full-load-and-cdc" and loaded and not only_loads
    assert (needed == "resume-processing") is (wanted == "cdc" or goes_on)
    assert answers.start_needed(there, wanted, "reload-target") == "reload-target"


LEAVES = st.one_of(st.booleans(), st.integers(), st.text("abc-_", max_size=5))
OBJECTS = st.recursive(
    st.dictionaries(st.text("xyz", min_size=1, max_size=3), LEAVES, min_size=1, max_size=4),
    lambda inner: st.dictionaries(st.text("uvw", min_size=1, max_size=3), inner, max_size=3),
    max_leaves=8,
)


@given(OBJECTS, st.dictionaries(st.text("DEF", min_size=1), LEAVES))
def test_what_dms_adds_is_no_difference_and_what_lacks_is(wanted, added):
    assert answers.differences(wanted, wanted | added) == []
    assert (
        answers.differences({"Settings": json.dumps(wanted)}, {"Settings": json.dumps(wanted)})
        == []
    )
    lacking = answers.differences({**wanted, "Missing": 1}, wanted)
    assert lacking == ["Missing is None, not 1"]


@pytest.mark.parametrize("raw_format", ["parquet", "csv"])
@pytest.mark.parametrize("auth", ["secret", "iam"])
@pytest.mark.parametrize("groups", ["", "sg-1, sg-2"])
def test_everything_asked_for_is_as_the_model_of_the_api_has_it(raw_format, auth, groups):
    settings = aws(
        raw_format=raw_format,
        database_auth=auth,
        dms_security_groups=groups,
        dms_subnet_group="subnets",
    )
    for action, asked in {
        "CreateReplicationInstance": payloads.replication_instance(settings),
        "CreateReplicationTask": payloads.task(settings, "s", "t", "i"),
        "CreateReplicationConfig": payloads.replication_config(settings, "s", "t"),
    }.items():
        check(action, asked)
    for asked in (payloads.source_endpoint(settings, "c"), payloads.target_endpoint(settings)):
        check("CreateEndpoint", asked)
    instance = payloads.replication_instance(settings)
    assert instance.get("VpcSecurityGroupIds") == (["sg-1", "sg-2"] if groups else None)


def check(action, asked):
    shape = MODEL.operation_model(action).input_shape
    assert not ParamValidator().validate(asked, shape).has_errors()
    assert set(shape.required_members) <= set(asked)
    for name, value in asked.items():
        allowed = getattr(shape.members[name], "enum", None)
        assert not allowed or value in allowed
    for name, value in asked.get("S3Settings", {}).items():
        allowed = getattr(shape.members["S3Settings"].members[name], "enum", None)
        assert not allowed or value in allowed
