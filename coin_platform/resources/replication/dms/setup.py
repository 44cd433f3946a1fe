"""What a task stands on: certificate, endpoints and replication instance, made or adopted by name.

Each step finds what an earlier one made, so a start that was cut off anywhere is taken up by the
next. What is there already and differs is changed; where DMS cannot change it, that is said.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from coin_platform.errors import PermanentError, SettingsError
from coin_platform.resources.aws.tags import tag_list
from coin_platform.resources.replication.dms import payloads
from coin_platform.resources.replication.dms.answers import differences
from coin_platform.resources.replication.dms.calls import Calls
from coin_platform.settings import Settings

FIXED = ("EndpointType", "EngineName")
# A task that goes on in another bucket leaves there what it has delivered.
FIXED_ONCE_USED = ("BucketName",)
ONLY_WHEN_MADE = ("EncryptionMode",)  # DMS does not go back on it
USELESS = (
    "failed", "deleting", "storage-full", "incompatible-credentials",
    "incompatible-network",
)  # fmt: skip


@dataclass(frozen=True)
class Endpoints:
    """The ARNs of source and target, and whether one of them is new or was changed."""

    source: str
    target: str
    changed: bool


def endpoints(settings: Settings, calls: Calls, *, used: bool) -> Endpoints:
    """Both endpoints as the settings have them; `used` says that the task has run on them."""
    fixed = FIXED + FIXED_ONCE_USED if used else FIXED
    source = payloads.source_endpoint(settings, _certificate(settings, calls))
    source_arn, source_changed = _endpoint(settings, calls, source, fixed)
    target = payloads.target_endpoint(settings)
    target_arn, target_changed = _endpoint(settings, calls, target, fixed)
    return Endpoints(source_arn, target_arn, source_changed or target_changed)


def instance(settings: Settings, calls: Calls) -> str:
    """The ARN of the replication instance, once it is available.

    One that is there is used as it is: others may use it as well. Raises `PermanentError` if it
    cannot be used.
    """
    name = settings.dms_instance

    def find() -> Mapping[str, Any] | None:
        return calls.find(
            "describe_replication_instances",
            "ReplicationInstances",
            {"replication-instance-id": name},
        )

    if find() is None:
        calls.make(
            f"making replication instance {name}",
            "create_replication_instance",
            **payloads.replication_instance(settings),
        )

    def available() -> str | None:
        there = find()
        state = there["ReplicationInstanceStatus"] if there else "creating"
        if state in USELESS:
            raise PermanentError(
                f"replication instance {name} is {state}: mend or delete it in DMS, or name "
                "another by COIN_PLATFORM_DMS_INSTANCE"
            )
        return there["ReplicationInstanceArn"] if there and state == "available" else None

    return calls.wait(f"making replication instance {name}", available)


def connect(calls: Calls, instance_arn: str, arns: Endpoints, *, anew: bool) -> None:
    """Have DMS reach both ends, also if it once has with `anew`.

    Raises `PermanentError` with DMS's own words where it does not.
    """
    for endpoint in (arns.source, arns.target):
        by = {"endpoint-arn": endpoint, "replication-instance-arn": instance_arn}
        former = _connection(calls, by)
        state = former["Status"] if former else "untested"
        # A change of the endpoint has DMS test it by itself.
        if state != "testing" and (anew or state != "successful"):
            calls.make(
                "testing a connection of DMS",
                "test_connection",
                already="InvalidResourceStateFault",  # it is being tested
                ReplicationInstanceArn=instance_arn,
                EndpointArn=endpoint,
            )
        _await_connection(calls, by)


def _await_connection(calls: Calls, by: Mapping[str, str]) -> None:
    def tested() -> Mapping[str, Any] | None:
        there = _connection(calls, by)
        return None if there is None or there["Status"] == "testing" else there

    connection = calls.wait("testing a connection of DMS", tested)
    if connection["Status"] != "successful":
        raise PermanentError(
            f"DMS does not reach endpoint {connection['EndpointIdentifier']}: "
            f"{connection.get('LastFailureMessage') or connection['Status']}"
        )


def _connection(calls: Calls, by: Mapping[str, str]) -> Mapping[str, Any] | None:
    return calls.find("describe_connections", "Connections", by)


def _certificate(settings: Settings, calls: Calls) -> str:
    """The ARN of the certificates that the database's must be signed by."""
    from coin_platform.resources.database.trust import BUNDLE

    path = Path(settings.database_ca or BUNDLE)
    try:
        text = path.read_text()
    except OSError as error:
        message = f"the certificates in {path} cannot be read ({error.strerror}): set "
        raise SettingsError(message + "COIN_PLATFORM_DATABASE_CA to a file that can") from error
    name = payloads.certificate_name(text)

    def find() -> Mapping[str, Any] | None:
        return calls.find("describe_certificates", "Certificates", {"certificate-id": name})

    if find() is None:
        calls.make(
            f"importing the certificates in {path}",
            "import_certificate",
            CertificateIdentifier=name,
            CertificatePem=text,
            Tags=tag_list(settings),
        )
    arn: str = calls.wait(f"importing the certificates in {path}", find)["CertificateArn"]
    return arn


def _endpoint(
    settings: Settings, calls: Calls, wanted: Mapping[str, Any], fixed: tuple[str, ...]
) -> tuple[str, bool]:
    """An endpoint's ARN, and whether it is new or was changed."""
    name = wanted["EndpointIdentifier"]

    def find() -> Mapping[str, Any] | None:
        return calls.find("describe_endpoints", "Endpoints", {"endpoint-id": name})

    there = find()
    if there is None:
        made = calls.make(f"making endpoint {name}", "create_endpoint", **wanted)
        there = calls.wait(f"making endpoint {name}", find)
        if made:
            return there["EndpointArn"], True
    different = differences(_without(wanted, "Tags", *ONLY_WHEN_MADE), _told(there))
    _refuse(name, [text for text in different if text.startswith(fixed)], there)
    tag(settings, calls, there["EndpointArn"])
    if different:
        parameters = _without(wanted, "Tags", "EndpointIdentifier", *FIXED, *ONLY_WHEN_MADE)
        calls(
            f"changing endpoint {name} ({'; '.join(different)})",
            "modify_endpoint",
            EndpointArn=there["EndpointArn"],
            **parameters,
        )
    return there["EndpointArn"], bool(different)


def _told(there: Mapping[str, Any]) -> dict[str, Any]:
    """An endpoint with its database where the settings of its kind have it, as ours do."""
    database = {"DatabaseName": there.get("DatabaseName")}
    return {**there, "PostgreSQLSettings": database | dict(there.get("PostgreSQLSettings") or {})}


def _refuse(name: str, fixed: list[str], there: Mapping[str, Any]) -> None:
    """Raise `PermanentError` if there are differences that cannot or must not be changed."""
    folder = (there.get("S3Settings") or {}).get("BucketFolder")
    if folder:
        fixed.append(f"BucketFolder is {folder}, where raw has none")
    if fixed:
        raise PermanentError(
            f"endpoint {name} is not ours to use: {'; '.join(fixed)}. Delete it in DMS, or name "
            "another by COIN_PLATFORM_DMS_SOURCE_ENDPOINT or COIN_PLATFORM_DMS_TARGET_ENDPOINT"
        )


def tag(settings: Settings, calls: Calls, arn: str) -> None:
    """Tag what somebody else made, so that its costs are found."""
    calls(f"tagging {arn}", "add_tags_to_resource", ResourceArn=arn, Tags=tag_list(settings))


def _without(wanted: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """The same without these, also where they are nested."""
    return {
        key: _without(value, *names) if isinstance(value, Mapping) else value
        for key, value in wanted.items()
        if key not in names
    }
