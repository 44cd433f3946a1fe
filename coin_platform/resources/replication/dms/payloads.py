"""What is asked of DMS: endpoints, the task's settings and table mappings. Pure functions.

The files that come of it are those that `docs/replication.md` describes and `contracts/raw.py`
expects. No password is in any of it: DMS reads the database's secret by itself.
"""

import json
from hashlib import sha256
from typing import Any

from coin_platform.contracts.database import SCHEMA
from coin_platform.contracts.raw import CHANGE_SEQ, COMMIT_TIMESTAMP
from coin_platform.errors import SettingsError
from coin_platform.resources.aws.tags import tag_list
from coin_platform.resources.database import COINS_DATABASE
from coin_platform.resources.replication.layout import CSV_NULL, Format
from coin_platform.settings import Settings, variable_name

LOB_KILOBYTES = 64  # PostgreSQL's text is a LOB to DMS; a longer one fails the task
SEQUENCE_DIGITS = 35
CDC_SECONDS = 60  # longest that a change waits for others to share its file

TASK_SETTINGS: dict[str, Any] = {
    "TargetMetadata": {
        "SupportLobs": True,
        "FullLobMode": False,
        "LimitedSizeLobMode": True,
        "LobMaxSize": LOB_KILOBYTES,
        "BatchApplyEnabled": False,
    },
    "FullLoadSettings": {"TargetTablePrepMode": "DROP_AND_CREATE"},
    "Logging": {"EnableLogging": True},
    "ErrorBehavior": {
        "FailOnNoTablesCaptured": True,
        # By default DMS logs a row that it cannot carry, and goes on without it.
        "DataErrorPolicy": "SUSPEND_TABLE",
        "DataTruncationErrorPolicy": "SUSPEND_TABLE",
        "TableErrorPolicy": "SUSPEND_TABLE",
    },
    # Otherwise a TRUNCATE or DROP in the database deletes what raw has of the table.
    "ChangeProcessingDdlHandlingPolicy": {
        "HandleSourceTableTruncated": False,
        "HandleSourceTableDropped": False,
        "HandleSourceTableAltered": True,
    },
}

FORMATS: dict[Format, dict[str, Any]] = {
    "parquet": {
        "DataFormat": "parquet",
        "CompressionType": "gzip",
        "ParquetVersion": "parquet-1-0",
        "ParquetTimestampInMillisecond": False,
        "EnableStatistics": True,  # by which readers skip files
    },
    "csv": {"DataFormat": "csv", "CompressionType": "none"},
}


def table_mappings() -> dict[str, Any]:
    """All tables of the schema, each with the change sequence as its last column."""
    tables = {"schema-name": SCHEMA, "table-name": "%"}
    return {
        "rules": [
            {
                "rule-type": "selection",
                "rule-id": "1",
                "rule-name": "1",
                "object-locator": tables,
                "rule-action": "include",
            },
            {
                "rule-type": "transformation",
                "rule-id": "2",
                "rule-name": "2",
                "rule-target": "column",
                "object-locator": tables,
                "rule-action": "add-column",
                "value": CHANGE_SEQ.name,
                "expression": "$AR_H_CHANGE_SEQ",
                "data-type": {"type": "string", "length": SEQUENCE_DIGITS},
            },
        ]
    }


def replication_instance(settings: Settings) -> dict[str, Any]:
    """A replication instance that only the network of its subnet group reaches."""
    return {
        "ReplicationInstanceIdentifier": settings.dms_instance,
        "ReplicationInstanceClass": settings.dms_instance_class,
        "EngineVersion": settings.dms_engine_version,
        "AutoMinorVersionUpgrade": True,
        "PubliclyAccessible": False,
        **network(settings, "ReplicationSubnetGroupIdentifier"),
        "Tags": tag_list(settings),
    }


def network(settings: Settings, subnet_group: str) -> dict[str, Any]:
    """Subnet group and security groups, where the settings name them."""
    groups = [name.strip() for name in settings.dms_security_groups.split(",") if name.strip()]
    return {
        **({subnet_group: settings.dms_subnet_group} if settings.dms_subnet_group else {}),
        **({"VpcSecurityGroupIds": groups} if groups else {}),
    }


def certificate_name(pem: str) -> str:
    """By its content, so that new certificates are imported beside those that tasks still use."""
    return f"coin-platform-{sha256(pem.encode()).hexdigest()[:16]}"


def source_endpoint(settings: Settings, certificate: str) -> dict[str, Any]:
    """The database, over TLS that is verified against the certificate's ARN.

    With a secret, DMS takes address and port from it as well: it must have the fields `host`,
    `port`, `username` and `password`.
    """
    role = required(settings, "dms_secret_role_arn", "DMS signs in to the database")
    if settings.database_auth == "iam":
        access: dict[str, Any] = {
            "AuthenticationMethod": "iam",
            "ServiceAccessRoleArn": role,
            "ServerName": settings.database_host,
            "Port": settings.database_port,
            "Username": settings.database_user,
        }
    else:
        access = {
            "SecretsManagerAccessRoleArn": role,
            "SecretsManagerSecretId": settings.database_secret,
        }
    return {
        "EndpointIdentifier": settings.dms_source_endpoint,
        "EndpointType": "source",
        "EngineName": "postgres",
        "SslMode": "verify-full",
        "CertificateArn": certificate,
        "PostgreSQLSettings": {
            **access,
            "DatabaseName": COINS_DATABASE,
            # Needs no extension in the server, as pglogical does.
            "PluginName": "test-decoding",
            # Moves the slot on while nothing changes; RDS would keep its log for it.
            "HeartbeatEnable": True,
            "MapBooleanAsBoolean": True,
            "FailTasksOnLobTruncation": True,
        },
        "Tags": tag_list(settings),
    }


def target_endpoint(settings: Settings) -> dict[str, Any]:
    """The raw bucket, with files in the form that raw has everywhere."""
    return {
        "EndpointIdentifier": settings.dms_target_endpoint,
        "EndpointType": "target",
        "EngineName": "s3",
        "S3Settings": {
            "ServiceAccessRoleArn": required(
                settings, "dms_role_arn", "DMS writes to the raw bucket"
            ),
            "BucketName": settings.bucket("raw"),
            **FORMATS[settings.raw_format],
            "AddColumnName": True,
            "CsvNullValue": CSV_NULL,
            "Rfc4180": True,
            "IncludeOpForFullLoad": True,
            "TimestampColumnName": COMMIT_TIMESTAMP.name,
            "UseTaskStartTimeForFullLoadTimestamp": True,
            "CdcInsertsOnly": False,
            "CdcInsertsAndUpdates": False,
            "DatePartitionEnabled": False,
            "PreserveTransactions": False,
            "CdcMaxBatchInterval": CDC_SECONDS,
            "EncryptionMode": "sse-s3",
        },
        "Tags": tag_list(settings),
    }


def task(settings: Settings, source: str, target: str, instance: str) -> dict[str, Any]:
    """The task on a replication instance; the last three are ARNs."""
    return {
        "ReplicationTaskIdentifier": settings.dms_task,
        "SourceEndpointArn": source,
        "TargetEndpointArn": target,
        "ReplicationInstanceArn": instance,
        "MigrationType": settings.migration_type,
        "TableMappings": json.dumps(table_mappings()),
        "ReplicationTaskSettings": json.dumps(TASK_SETTINGS),
        "Tags": tag_list(settings),
    }


def replication_config(settings: Settings, source: str, target: str) -> dict[str, Any]:
    """The same for DMS Serverless, which finds its own capacity up to a bound."""
    return {
        "ReplicationConfigIdentifier": settings.dms_task,
        "SourceEndpointArn": source,
        "TargetEndpointArn": target,
        "ReplicationType": settings.migration_type,
        "TableMappings": json.dumps(table_mappings()),
        "ReplicationSettings": json.dumps(TASK_SETTINGS),
        "ComputeConfig": {
            "MinCapacityUnits": 1,
            "MaxCapacityUnits": settings.dms_capacity_units,
            "MultiAZ": False,
            **network(settings, "ReplicationSubnetGroupId"),
        },
        "Tags": tag_list(settings),
    }


def required(settings: Settings, field: str, why: str) -> str:
    """A setting that may be left out elsewhere. Raises `SettingsError` that says what it is for."""
    value = getattr(settings, field)
    if not value:
        raise SettingsError(
            f"{variable_name(field)} is not set: it is the role with which {why}; "
            "`coin-platform infra outputs` prints it"
        )
    return str(value)
