"""What `coin-platform doctor` looks at on AWS, beside what both deployments have.

Nothing is made or changed but one object, which is removed again. No account number and no secret
is printed.
"""

import json
from collections.abc import Callable
from typing import Any
from uuid import uuid4

from coin_platform.errors import PlatformError
from coin_platform.resources.aws.errors import explained, unless
from coin_platform.resources.aws.objects import Objects
from coin_platform.resources.aws.session import client
from coin_platform.settings import Settings

DEPLOY = "`coin-platform infra deploy` makes it"
BLOCKS = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
GONE = {"NoSuchEntity", "EntityNotFoundException", "ResourceNotFoundFault", "404", "NoSuchBucket"}


def check_identity(settings: Settings) -> str:
    with explained("asking who we are to AWS"):
        arn = client(settings, "sts").get_caller_identity()["Arn"]
    return f"{arn.rpartition(':')[2]} in {settings.region}"


def bucket_check(layer: str) -> Callable[[Settings], str]:
    """The look at a layer's bucket."""

    def check(settings: Settings) -> str:
        bucket, s3 = settings.bucket(layer), client(settings, "s3")
        if asked(f"looking for {bucket}", s3.head_bucket, Bucket=bucket) is None:
            raise PlatformError(f"there is no bucket {bucket}: {DEPLOY}")
        with explained(f"listing {bucket}"):
            s3.list_objects_v2(Bucket=bucket, MaxKeys=1)
        if layer == "platform":
            objects, name = Objects(settings, f"s3://{bucket}/doctor"), uuid4().hex
            objects.put(name, b"written by coin-platform doctor")
            objects.delete([name])
        open_to_all = not all(blocks_of(s3, bucket).get(name) for name in BLOCKS)
        if open_to_all:
            raise PlatformError(
                f"{bucket} does not block public access: `aws s3api put-public-access-block` with "
                f"all four of {', '.join(BLOCKS)}, or {DEPLOY}"
            )
        written = ", can be written to" if layer == "platform" else ""
        return f"{bucket} can be listed{written}, and is closed to the public"

    return check


def blocks_of(s3: Any, bucket: str) -> dict[str, bool]:
    """What of public access the bucket blocks."""
    with explained(f"asking whether {bucket} is public"):
        answer = unless(
            {"NoSuchPublicAccessBlockConfiguration"}, s3.get_public_access_block, Bucket=bucket
        )
    found: dict[str, bool] = answer["PublicAccessBlockConfiguration"] if answer else {}
    return found


def check_secrets(settings: Settings) -> str:
    from coin_platform.resources.aws.secrets import read_secret

    names = [settings.database_secret, settings.coinmarketcap_secret]
    known = [name for name in names if name]
    for name in known:
        read_secret(settings, name)
    return f"{len(known)} can be read" if known else "none is needed"


def check_tls(settings: Settings) -> str:
    from coin_platform.resources.database import open_database

    query = "SELECT version, cipher FROM pg_stat_ssl WHERE pid = pg_backend_pid()"
    with open_database(settings).connect() as connection:
        version, cipher = connection.execute(query).fetchone() or (None, None)
    return f"{version}, {cipher}, and the certificate of {settings.database_host} is verified"


def check_connections(settings: Settings) -> str:
    """Whether DMS reached both its ends when it last tried."""
    dms = client(settings, "dms")
    told = []
    for name in (settings.dms_source_endpoint, settings.dms_target_endpoint):
        by_name = [{"Name": "endpoint-id", "Values": [name]}]
        found = asked(f"looking for endpoint {name}", dms.describe_endpoints, Filters=by_name)
        if not found or not found["Endpoints"]:
            told.append(f"{name} is not there yet: the first start of the task makes it")
            continue
        by_arn = [{"Name": "endpoint-arn", "Values": [found["Endpoints"][0]["EndpointArn"]]}]
        with explained(f"asking whether DMS reaches {name}"):
            connections = dms.describe_connections(Filters=by_arn)["Connections"]
        failed = [one for one in connections if one["Status"] == "failed"]
        if failed:
            raise PlatformError(
                f"DMS does not reach {name}: {failed[0].get('LastFailureMessage', 'no message')}; "
                "mend that, then `coin-platform replication start` tests it anew"
            )
        state = connections[0]["Status"] if connections else "not tested yet"
        told.append(f"{name}: {state}")
    return "; ".join(told)


def check_roles(settings: Settings) -> str:
    """Whether the roles that services take exist, and trust the service."""
    wanted = {
        settings.emr_service_role: "elasticmapreduce.amazonaws.com",
        **{
            arn.rpartition("/")[2]: "dms."
            for arn in (settings.dms_role_arn, settings.dms_secret_role_arn)
            if arn
        },
    }
    if settings.emr_mode == "serverless" and settings.emr_execution_role_arn:
        name = settings.emr_execution_role_arn.rpartition("/")[2]
        wanted = {**wanted, name: "emr-serverless.amazonaws.com"}
    iam = client(settings, "iam")
    for name, service in wanted.items():
        found = asked(f"looking for role {name}", iam.get_role, RoleName=name)
        if found is None:
            raise PlatformError(f"there is no role {name}: {DEPLOY}")
        if service not in json.dumps(found["Role"]["AssumeRolePolicyDocument"]):
            raise PlatformError(f"role {name} does not trust {service}: {DEPLOY}")
    profile = settings.emr_instance_profile
    if settings.emr_mode == "cluster":
        doing = f"looking for instance profile {profile}"
        if asked(doing, iam.get_instance_profile, InstanceProfileName=profile) is None:
            raise PlatformError(f"there is no instance profile {profile}: {DEPLOY}")
    return f"{', '.join(wanted)} exist and trust their services"


def check_catalog(settings: Settings) -> str:
    glue = client(settings, "glue")
    told = []
    for layer in ("processed", "curated"):
        name = settings.glue_database(layer)
        found = asked(f"looking for Glue database {name}", glue.get_database, Name=name)
        told.append(name if found else f"{name} is made by the first run")
    return ", ".join(told)


def asked(doing: str, call: Callable[..., Any], **parameters: Any) -> Any:
    """The answer, or None where what is asked for is not there."""
    with explained(doing):
        return unless(GONE, call, **parameters)


CHECKS: dict[str, Callable[[Settings], str]] = {
    "identity": check_identity,
    **{f"bucket-{layer}": bucket_check(layer) for layer in ("raw", "processed", "curated")},
    "bucket-platform": bucket_check("platform"),
    "secrets": check_secrets,
    "tls": check_tls,
    "dms": check_connections,
    "roles": check_roles,
    "catalog": check_catalog,
}
