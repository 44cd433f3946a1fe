"""How the double of DMS says what it has, and how it refuses."""

import json
from datetime import datetime

from coin_platform_tests.aws.doubles import ApiError

RESTARTS = ("resume-processing", "reload-target")
CONFIG = {
    "replication-config-id": "ReplicationConfigIdentifier",
    "replication-config-arn": "ReplicationConfigArn",
}


def filtered(every, given, names, called):
    """What the filters let through; DMS finds nothing at all an error."""
    for condition in given.get("Filters", ()):
        if condition["Name"] not in names:
            raise ApiError("InvalidParameterValueException", f"Invalid filter {condition['Name']}")
        key = names[condition["Name"]]
        every = [one for one in every if one[key] in condition["Values"]]
    if not every:
        raise ApiError("ResourceNotFoundFault", f"No {called} found matching provided filters")
    return every


def refuse_unless(allowed, message):
    if not allowed:
        raise ApiError("InvalidResourceStateFault", message)


def refuse_start_type(kind, job):
    if kind not in ("start-replication", *RESTARTS):
        raise ApiError("InvalidParameterValueException", f"Invalid start type {kind}")
    if (kind == "start-replication") is job.ran:
        name = kind.upper().replace("-", "_")
        when = "tasks running for the first time" if job.ran else "tasks that ran before"
        raise ApiError(
            "InvalidParameterCombinationException", f"Start Type : {name}, valid only for {when}"
        )


def check_json(given, *names):
    for name in names:
        try:
            json.loads(given.get(name, "{}"))
        except ValueError as error:
            raise ApiError("InvalidParameterValueException", f"{name}: {error}") from error


def entry_of(entries, key, given):
    for job, record in entries.values():
        if record[key] == given[key]:
            return job, record
    raise ApiError("ResourceNotFoundFault", f"{given[key]} not found.")


def stats(task, loaded_at):
    return {
        "FullLoadProgressPercent": task.full_load_progress_percent,
        "TablesLoaded": task.tables_loaded,
        "TablesErrored": task.tables_errored,
        "StartDate": task.started_at,
        "StopDate": task.stopped_at,
        "FullLoadFinishDate": loaded_at,
    }


def described(job, record):
    task, _, loaded_at = job.look()
    return {
        **record,
        "Status": task.status,
        "StopReason": task.stop_reason,
        "LastFailureMessage": task.last_failure_message,
        "ReplicationTaskStats": stats(task, loaded_at) if job.ran else None,
    }


def replication(job, record):
    task, _, loaded_at = job.look()
    status = {"ready": "created", "starting": "replication_starting"}.get(task.status, task.status)
    return {
        **{key: value for key, value in record.items() if key in REPLICATION},
        "Status": status,
        "StopReason": task.stop_reason,
        "FailureMessages": [task.last_failure_message] if task.last_failure_message else [],
        "ReplicationStats": stats(task, loaded_at) if job.ran else None,
    }


REPLICATION = (
    "ReplicationConfigIdentifier", "ReplicationConfigArn", "SourceEndpointArn", "TargetEndpointArn",
    "ReplicationType",
)  # fmt: skip


def statistics(row):
    return {
        "SchemaName": row.schema_name,
        "TableName": row.table_name,
        "TableState": row.table_state,
        "Inserts": row.inserts,
        "Updates": row.updates,
        "Deletes": row.deletes,
        "Ddls": row.ddls,
        "FullLoadRows": row.full_load_rows,
        "FullLoadErrorRows": row.full_load_error_rows,
    }


def as_tags(tags):
    return {tag["Key"]: tag["Value"] for tag in tags}


def as_json(value):
    """Instants as seconds since 1970, as the protocol has them; nothing where there is nothing."""
    if isinstance(value, dict):
        return {key: as_json(one) for key, one in value.items() if one is not None}
    if isinstance(value, list):
        return [as_json(one) for one in value]
    return value.timestamp() if isinstance(value, datetime) else value
