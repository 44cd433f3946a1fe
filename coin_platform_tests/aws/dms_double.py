"""DMS, played: it moves states as DMS does, refuses what DMS refuses, and copies real rows to S3.

Endpoints and their connections are in `dms_ends.py`, tasks in `dms_tasks.py`, what a task does in
`dms_job.py`. What it does not cover is written in `docs/aws.md`.
"""

import re
import secrets
import threading
import time
import traceback

import botocore.session
from botocore.validate import ParamValidator

from coin_platform_tests.aws.dms_ends import Ends
from coin_platform_tests.aws.dms_tasks import Tasks
from coin_platform_tests.aws.dms_views import as_json, as_tags, filtered
from coin_platform_tests.aws.doubles import ApiError

IDENTIFIER = re.compile(r"[A-Za-z](-?[A-Za-z0-9])*")
MODEL = botocore.session.get_session().get_service_model("dms")


class DmsDouble(Tasks, Ends):
    """DMS for one account.

    `client` gives a client of another service of the same account by its name. The source must
    answer over TLS only with `tls`: the embedded server cannot.
    """

    target = "AmazonDMSv20160101"

    def __init__(self, client, folder, *, seconds=0.03, tls=False):
        super().__init__(client, folder, seconds)
        folder.mkdir(parents=True, exist_ok=True)
        self.tls = tls
        self.instances, self.endpoints, self.certificates = {}, {}, {}
        self.connections = {}
        self.unreachable = {}
        self.tags = {}
        self._lock = threading.RLock()

    # What a test can do to it

    def fail_connection(self, end, message):
        """Have tests of the `source` or `target` endpoint fail from now on."""
        self.unreachable[end] = message

    def break_instance(self, name, state):
        """Have a replication instance be in a state in which nobody can use it."""
        self.instances[name]["broken"] = state

    def mend(self):
        """Nothing fails any more; what was lost comes with the next load."""
        self.unreachable.clear()
        for instance in self.instances.values():
            instance.pop("broken", None)
        self.lost.clear()

    # The service

    def call(self, action, parameters):
        operation = MODEL.operation_model(action)
        report = ParamValidator().validate(dict(parameters), operation.input_shape)
        if report.has_errors():
            raise ApiError("InvalidParameterValueException", report.generate_report())
        method = getattr(self, re.sub(r"(?<!^)(?=[A-Z])", "_", action).lower(), None)
        if method is None:
            raise ApiError("UnknownOperationException", f"this double has no {action}", 404)
        try:
            with self._lock:
                return as_json(method(dict(parameters)))
        except ApiError:
            raise
        except Exception as error:
            text = "".join(traceback.format_exception(error))
            raise ApiError("InternalFailure", text, 500) from error

    def close(self):
        for job in self.jobs():
            job.close()

    def add_tags_to_resource(self, given):
        self.tags.setdefault(given["ResourceArn"], {}).update(as_tags(given["Tags"]))
        return {}

    def create_replication_instance(self, given):
        name = self._new_name(given["ReplicationInstanceIdentifier"], self.instances)
        arn = self._arn("rep", given)
        instance = {key: value for key, value in given.items() if key != "Tags"}
        self.instances[name] = {
            **instance,
            "ReplicationInstanceArn": arn,
            "available_at": time.monotonic() + self.seconds,
        }
        return {"ReplicationInstance": self._instance(name)}

    def describe_replication_instances(self, given):
        names = {
            "replication-instance-id": "ReplicationInstanceIdentifier",
            "replication-instance-arn": "ReplicationInstanceArn",
        }
        every = [self._instance(name) for name in self.instances]
        return {"ReplicationInstances": filtered(every, given, names, "Instances")}

    def available_instance(self, arn):
        for name in self.instances:
            instance = self._instance(name)
            if instance["ReplicationInstanceArn"] == arn:
                if instance["ReplicationInstanceStatus"] != "available":
                    raise ApiError("InvalidResourceStateFault", f"Instance {name} is not available")
                return instance
        raise ApiError("ResourceNotFoundFault", f"Replication instance {arn} not found.")

    # Parts

    def _instance(self, name):
        instance = dict(self.instances[name])
        creating = time.monotonic() < instance.pop("available_at")
        state = instance.pop("broken", "creating" if creating else "available")
        return {**instance, "ReplicationInstanceStatus": state}

    def _new_name(self, name, taken):
        if not IDENTIFIER.fullmatch(name):
            raise ApiError("InvalidParameterValueException", f"Invalid identifier: {name}")
        if name in taken:
            raise ApiError("ResourceAlreadyExistsFault", f"{name} already exists")
        return name

    def _arn(self, kind, given):
        arn = f"arn:aws:dms:us-east-1:123456789012:{kind}:{secrets.token_hex(13).upper()}"
        self.tags[arn] = as_tags(given.get("Tags", ()))
        return arn
