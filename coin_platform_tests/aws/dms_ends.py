"""The ends of replication in the double of DMS: endpoints, certificates, and tests of both."""

import json
import time

import psycopg

from coin_platform_tests.aws.dms_views import filtered
from coin_platform_tests.aws.doubles import ApiError


class Ends:
    """Endpoints as they were told, connections as they are: a test reaches what it tests."""

    # Calls

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
            "dbname": told.get("DatabaseName") or source["DatabaseName"],
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
