"""The tasks of the double of DMS, on an instance and serverless: states, starts, statistics."""

import itertools
import json

from coin_platform_tests.aws.dms_job import Job
from coin_platform_tests.aws.dms_views import (
    CONFIG,
    check_json,
    described,
    entry_of,
    filtered,
    refuse_start_type,
    refuse_unless,
    replication,
    statistics,
)
from coin_platform_tests.aws.doubles import ApiError

IDLE = ("ready", "stopped", "failed")
PROVISIONING = (
    "initializing", "preparing_metadata_resources", "testing_connection", "fetching_metadata",
    "calculating_capacity", "provisioning_capacity",
)  # fmt: skip


class Tasks:
    """Both kinds of task; `DmsDouble` adds what they stand on."""

    largest_page = 100

    def __init__(self, client, folder, seconds):
        self.client, self.folder, self.seconds = client, folder, seconds
        self.tasks, self.configs = {}, {}
        self.lost = set()
        self._numbers = itertools.count()

    # What a test can do to them

    def fail_task(self, message):
        """Have what runs fail, with this as DMS's message."""
        for job in self.jobs():
            job.fail(message)

    def lose_table(self, name):
        """From the next load on, end as finished without this table."""
        self.lost.add(name)

    def jobs(self):
        return [job for job, _ in self.records()]

    def records(self):
        return [*self.tasks.values(), *self.configs.values()]

    # On a replication instance

    def create_replication_task(self, given):
        name = self._new_name(given["ReplicationTaskIdentifier"], self.tasks)
        self._check_ends(given)
        self.available_instance(given["ReplicationInstanceArn"])
        check_json(given, "TableMappings", "ReplicationTaskSettings")
        record = {key: value for key, value in given.items() if key != "Tags"}
        record["ReplicationTaskArn"] = self._arn("task", given)
        self.tasks[name] = self._job(name, "creating"), record
        return {"ReplicationTask": described(*self.tasks[name])}

    def modify_replication_task(self, given):
        job, record = self._task(given)
        refuse_unless(
            job.status in IDLE,
            "Replication Task, excluding logging severity task settings, cannot be modified while "
            f"it is {job.status} state",
        )
        check_json(given, "TableMappings", "ReplicationTaskSettings")
        record.update(given)
        job.pass_through("modifying")
        return {"ReplicationTask": described(job, record)}

    def describe_replication_tasks(self, given):
        every = [described(*entry) for entry in self.tasks.values()]
        names = {
            "replication-task-id": "ReplicationTaskIdentifier",
            "replication-task-arn": "ReplicationTaskArn",
        }
        found = filtered(every, given, names, "Tasks")
        if given.get("WithoutSettings"):
            found = [{k: v for k, v in one.items() if "Settings" not in k} for one in found]
        return {"ReplicationTasks": found}

    def start_replication_task(self, given):
        job, record = self._task(given)
        refuse_unless(job.status in IDLE, "Replication Task cannot be started, invalid state")
        refuse_start_type(given["StartReplicationTaskType"], job)
        instance = record["ReplicationInstanceArn"]
        refuse_unless(
            all(
                self.is_connected(instance, record[end])
                for end in ("SourceEndpointArn", "TargetEndpointArn")
            ),
            "Test connection for replication instance and endpoint should be successful for "
            "starting the replication task",
        )
        self._start(job, record, given["StartReplicationTaskType"], record["MigrationType"])
        return {"ReplicationTask": described(job, record)}

    def stop_replication_task(self, given):
        job, record = self._task(given)
        refuse_unless(job.status == "running", "Replication Task is not running")
        job.stop()
        return {"ReplicationTask": described(job, record)}

    def delete_replication_task(self, given):
        job, record = self._task(given)
        refuse_unless(job.status in IDLE, "Replication Task cannot be deleted, it is running")
        job.close()
        del self.tasks[record["ReplicationTaskIdentifier"]]
        return {"ReplicationTask": described(job, record)}

    def describe_table_statistics(self, given):
        job, record = self._task(given)
        return {
            "ReplicationTaskArn": record["ReplicationTaskArn"],
            **self._page("TableStatistics", job, given),
        }

    # Serverless

    def create_replication_config(self, given):
        name = self._new_name(given["ReplicationConfigIdentifier"], self.configs)
        self._check_ends(given)
        check_json(given, "TableMappings", "ReplicationSettings")
        record = {key: value for key, value in given.items() if key != "Tags"}
        record["ReplicationConfigArn"] = self._arn("replication-config", given)
        self.configs[name] = self._job(name, "creating"), record
        return {"ReplicationConfig": record}

    def modify_replication_config(self, given):
        job, record = self._config(given)
        refuse_unless(job.status in IDLE, f"Replication is in {job.status.upper()} state")
        check_json(given, "TableMappings", "ReplicationSettings")
        record.update(given)
        job.pass_through("modifying")
        return {"ReplicationConfig": record}

    def describe_replication_configs(self, given):
        every = [record for _, record in self.configs.values()]
        return {"ReplicationConfigs": filtered(every, given, CONFIG, "Replication Configs")}

    def describe_replications(self, given):
        every = [replication(*entry) for entry in self.configs.values()]
        return {"Replications": filtered(every, given, CONFIG, "Replications")}

    def start_replication(self, given):
        job, record = self._config(given)
        name = record["ReplicationConfigIdentifier"]
        refuse_unless(
            job.status in IDLE,
            f"Replication for Replication Config: {name} is in {job.status.upper()} state and "
            "cannot start",
        )
        refuse_start_type(given["StartReplicationType"], job)
        trouble = [
            self.trouble(self.endpoint(record[end]))
            for end in ("SourceEndpointArn", "TargetEndpointArn")
        ]
        if any(trouble):  # it is found while the replication tests its connections
            job.ran, job.failure = True, "; ".join(filter(None, trouble))
        else:
            self._start(job, record, given["StartReplicationType"], record["ReplicationType"])
        job.pass_through(*PROVISIONING)
        return {"Replication": replication(job, record)}

    def stop_replication(self, given):
        job, record = self._config(given)
        refuse_unless(job.status == "running", f"Replication is in {job.status.upper()} state")
        job.stop()
        return {"Replication": replication(job, record)}

    def describe_replication_table_statistics(self, given):
        job, record = self._config(given)
        return {
            "ReplicationConfigArn": record["ReplicationConfigArn"],
            **self._page("ReplicationTableStatistics", job, given),
        }

    # Parts

    def _job(self, name, state):
        folder = self.folder / f"{name}-{next(self._numbers)}"
        job = Job(folder, self.seconds, lambda: self.client("s3"), self.connection)
        job.pass_through(state)
        return job

    def _start(self, job, record, kind, migration_type):
        if kind != "resume-processing":
            job.lost = set(self.lost)
        job.start(
            kind,
            migration_type,
            self.endpoint(record["SourceEndpointArn"]),
            self.endpoint(record["TargetEndpointArn"])["S3Settings"],
            json.loads(record["TableMappings"]),
        )

    def _task(self, given):
        return entry_of(self.tasks, "ReplicationTaskArn", given)

    def _config(self, given):
        return entry_of(self.configs, "ReplicationConfigArn", given)

    def _check_ends(self, given):
        for end in ("source", "target"):
            endpoint = self.endpoint(given[f"{end.title()}EndpointArn"])
            if endpoint["EndpointType"] != end:
                message = f"{endpoint['EndpointIdentifier']} is no {end}"
                raise ApiError("InvalidParameterValueException", message)

    def _page(self, key, job, given):
        rows = job.look()[1]
        size = min(self.largest_page, given.get("MaxRecords", 100))
        first = int(given.get("Marker", 0))
        page = {key: [statistics(row) for row in rows[first : first + size]]}
        return page | ({"Marker": str(first + size)} if first + size < len(rows) else {})
