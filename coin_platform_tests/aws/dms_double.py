"""DMS, played: it moves states as DMS does, refuses what DMS refuses, and copies real rows to S3.

Instances, endpoints, certificates and connections are here, tasks in `dms_tasks.py`, what a task
does in `dms_job.py`. What it does not cover is written in `docs/aws.md`.
"""

import json
import re
import secrets
import threading
import time
import traceback
from datetime import datetime

import botocore.session
import psycopg
from botocore.validate import ParamValidator

from coin_platform_tests.aws.dms_tasks import Tasks, filtered
from coin_platform_tests.aws.doubles import ApiError

IDENTIFIER = re.compile(r"[A-Za-z](-?[A-Za-z0-9])*")
MODEL = botocore.session.get_session().get_service_model("dms")


class DmsDouble(Tasks):
    """DMS for one account.

    `client` gives a client of another service of the same account by its name. The source must
    answer over TLS only with `tls`: the embedded server cannot.
    """

    target = "AmazonDMSv20160101"

    def __init__(self, client, folder, *, seconds=0.03, tls=False):
        super().__init__(client, folder, seconds)
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

    def import_certificate(self, given):
        name = self._new_name(given["CertificateIdentifier"], self.certificates)
        if "BEGIN CERTIFICATE" not in given.get("CertificatePem", ""):
            raise ApiError("InvalidCertificateFault", "The certificate was not valid.")
        arn = self._arn("cert", given)
        self.certificates[name] = {
            "CertificateIdentifier": name,
            "CertificateArn": arn,
            "CertificatePem": given["CertificatePem"],
        }
        return {"Certificate": self.certificates[name]}

    def describe_certificates(self, given):
        names = {"certificate-id": "CertificateIdentifier", "certificate-arn": "CertificateArn"}
        every = list(self.certificates.values())
        return {"Certificates": filtered(every, given, names, "Certificates")}

    def create_endpoint(self, given):
        name = self._new_name(given["EndpointIdentifier"], self.endpoints)
        endpoint = {key: value for key, value in given.items() if key not in ("Tags", "Password")}
        self._check_endpoint(given)
        arn = self._arn("endpoint", given)
        self.endpoints[name] = {**endpoint, "EndpointArn": arn, "Status": "active"}
        return {"Endpoint": self.endpoints[name]}

    def modify_endpoint(self, given):
        endpoint = self.endpoint(given.pop("EndpointArn"))
        for job, record in self.records():
            ends = record["SourceEndpointArn"], record["TargetEndpointArn"]
            if endpoint["EndpointArn"] in ends and job.status in ("starting", "running"):
                raise ApiError(
                    "InvalidResourceStateFault",
                    "Endpoint cannot be modified while a replication task that uses it is running",
                )
        if given.get("S3Settings", {}).get("EncryptionMode", "sse-s3") != "sse-s3":
            raise ApiError("InvalidParameterValueException", "SSE_S3 cannot become SSE_KMS")
        for key, value in given.items():
            former = endpoint.get(key)
            endpoint[key] = {**former, **value} if isinstance(former, dict) else value
        self._check_endpoint(endpoint)
        for by in self.connections:
            if by[1] == endpoint["EndpointArn"]:  # DMS tests it by itself
                self._test(*by)
        return {"Endpoint": endpoint}

    def describe_endpoints(self, given):
        names = {"endpoint-id": "EndpointIdentifier", "endpoint-arn": "EndpointArn"}
        every = list(self.endpoints.values())
        return {"Endpoints": filtered(every, given, names, "Endpoints")}

    def test_connection(self, given):
        instance, endpoint = given["ReplicationInstanceArn"], given["EndpointArn"]
        self.available_instance(instance)
        self.endpoint(endpoint)
        former = self.connections.get((instance, endpoint))
        if former and self._connection(former)["Status"] == "testing":
            raise ApiError("InvalidResourceStateFault", "Connection is already being tested")
        return {"Connection": self._connection(self._test(instance, endpoint))}

    def describe_connections(self, given):
        names = {
            "endpoint-arn": "EndpointArn",
            "replication-instance-arn": "ReplicationInstanceArn",
        }
        every = [self._connection(connection) for connection in self.connections.values()]
        return {"Connections": filtered(every, given, names, "Connections")}

    # What tasks ask of it

    def endpoint(self, arn):
        for endpoint in self.endpoints.values():
            if endpoint["EndpointArn"] == arn:
                return endpoint
        raise ApiError("ResourceNotFoundFault", f"Endpoint {arn} not found.")

    def available_instance(self, arn):
        for name in self.instances:
            instance = self._instance(name)
            if instance["ReplicationInstanceArn"] == arn:
                if instance["ReplicationInstanceStatus"] != "available":
                    raise ApiError("InvalidResourceStateFault", f"Instance {name} is not available")
                return instance
        raise ApiError("ResourceNotFoundFault", f"Replication instance {arn} not found.")

    def is_connected(self, instance, endpoint):
        connection = self.connections.get((instance, endpoint))
        return connection and self._connection(connection)["Status"] == "successful"

    def trouble(self, endpoint):
        """Why DMS does not reach an endpoint; None where it does."""
        if endpoint["EndpointType"] in self.unreachable:
            return self.unreachable[endpoint["EndpointType"]]
        try:
            if endpoint["EndpointType"] == "source":
                psycopg.connect(**self.connection(endpoint)).close()
            else:
                self.client("s3").head_bucket(Bucket=endpoint["S3Settings"]["BucketName"])
        except Exception as error:  # noqa: BLE001  whatever it is, it is the test's result
            return f"Test Endpoint failed: Application-Status: 1020912, {error}"
        return None

    def connection(self, source):
        """Arguments to reach the database with, from the endpoint's own secret."""
        told = source["PostgreSQLSettings"]
        text = self.client("secretsmanager").get_secret_value(
            SecretId=told["SecretsManagerSecretId"]
        )["SecretString"]
        secret = json.loads(text)
        missing = {"host", "port", "username", "password"} - set(secret)
        if missing:
            message = f"secret {told['SecretsManagerSecretId']} lacks {', '.join(sorted(missing))}"
            raise ValueError(message)
        arguments = {
            "host": secret["host"],
            "port": secret["port"],
            "user": secret["username"],
            "password": secret["password"],
            "dbname": told["DatabaseName"],
        }
        if self.tls:
            arns = {c["CertificateArn"]: c["CertificatePem"] for c in self.certificates.values()}
            path = self.folder / "trusted.pem"
            path.write_text(arns[source["CertificateArn"]])
            arguments |= {"sslmode": source["SslMode"], "sslrootcert": str(path)}
        return arguments

    # Parts

    def _check_endpoint(self, given):
        if given["EngineName"] == "s3":
            if "ServiceAccessRoleArn" not in given["S3Settings"]:
                raise ApiError("InvalidParameterValueException", "S3 needs a ServiceAccessRoleArn")
            return
        if given.get("SslMode", "none").startswith("verify") and not given.get("CertificateArn"):
            raise ApiError(
                "InvalidParameterCombinationException",
                "A certificate must be provided for SSL mode verify-full",
            )
        told = given.get("PostgreSQLSettings", {})
        if "SecretsManagerSecretId" in told and {"Username", "Password", "ServerName"} & {
            *told,
            *given,
        }:
            raise ApiError(
                "InvalidParameterCombinationException",
                "Secrets Manager settings and clear-text credentials cannot both be given",
            )
        if "SecretsManagerSecretId" in told and not told.get("SecretsManagerAccessRoleArn"):
            raise ApiError(
                "InvalidParameterCombinationException", "SecretsManagerAccessRoleArn is missing"
            )

    def _test(self, instance, endpoint):
        self.connections[instance, endpoint] = {
            "ReplicationInstanceArn": instance,
            "EndpointArn": endpoint,
            "EndpointIdentifier": self.endpoint(endpoint)["EndpointIdentifier"],
            "tested_at": time.monotonic() + self.seconds,
        }
        return self.connections[instance, endpoint]

    def _connection(self, connection):
        if "Status" not in connection and time.monotonic() > connection["tested_at"]:
            trouble = self.trouble(self.endpoint(connection["EndpointArn"]))
            connection["Status"] = "failed" if trouble else "successful"
            if trouble:
                connection["LastFailureMessage"] = trouble
        told = {key: value for key, value in connection.items() if key != "tested_at"}
        return {"Status": "testing", **told}

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


def as_tags(tags):
    return {tag["Key"]: tag["Value"] for tag in tags}


def as_json(value):
    """Instants as seconds since 1970, as the protocol has them; nothing where there is nothing."""
    if isinstance(value, dict):
        return {key: as_json(one) for key, one in value.items() if one is not None}
    if isinstance(value, list):
        return [as_json(one) for one in value]
    return value.timestamp() if isinstance(value, datetime) else value
