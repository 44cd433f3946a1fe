"""A home: the folder that holds all state of a local platform, and the Dagster instance in it.

On AWS it holds Dagster's configuration and what can be made anew; nothing of the rest applies.

Knows what belongs to whom: the kind of data a home may hold, Dagster's configuration, and which
services to stop. PostgreSQL and the replication worker start when they are first needed; the last
process that uses a home stops them (`stop_if_unused`).
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Thread
from typing import TYPE_CHECKING

import click

from coin_platform.errors import SettingsError
from coin_platform.settings import Settings, read_home, remembered, write_home

if TYPE_CHECKING:
    import dagster as dg

    from coin_platform.resources.database.embedded import EmbeddedPostgres

LOCAL_STORAGE = """\
run_storage:
  module: dagster_postgres.run_storage
  class: PostgresRunStorage
  config: &storage
    postgres_url: "{storage_url}"
event_log_storage:
  module: coin_platform.event_log
  class: EventLog
  config: *storage
schedule_storage:
  module: dagster_postgres.schedule_storage
  class: PostgresScheduleStorage
  config: *storage
"""
AWS_STORAGE = """\
run_storage:
  module: coin_platform.rds_storage
  class: Runs
event_log_storage:
  module: coin_platform.rds_storage
  class: Events
schedule_storage:
  module: coin_platform.rds_storage
  class: Schedules
compute_logs:
  module: dagster_aws.s3
  class: S3ComputeLogManager
  config:
    bucket: "{bucket}"
    prefix: "logs/dagster"
    region: "{region}"
    local_dir: "{dagster_home}/compute_logs"
    upload_interval: 30
"""
# A local lake is locked by itself (`Lake.writing`), in S3 nothing is.
AWS_POOLS = """\
  pools:
    default_limit: 1
"""
DAGSTER_YAML = """\
# Written by coin-platform at each start; changes made here do not last.
{storage}local_artifact_storage:
  module: dagster.core.storage.root
  class: LocalArtifactStorage
  config:
    base_dir: "{dagster_home}"
concurrency:
  runs:
    max_concurrent_runs: 2
{pools}run_monitoring:
  enabled: true
  free_slots_after_run_end_seconds: 60
run_retries:
  enabled: true
  retry_on_asset_or_op_failure: false
retention:
  schedule:
    purge_after_days: 30
  sensor:
    purge_after_days: {{skipped: 2, failure: 30, success: 30}}
python_logs:
  python_log_level: INFO
telemetry:
  enabled: false
nux:
  enabled: false
"""


def claim(settings: Settings) -> None:
    """Make the home this source's, or find that it is.

    Raises `SettingsError` when it holds data of another kind: a table never mixes simulated and
    real quotes.
    """
    held = held_source(settings)
    if held not in (None, settings.source_kind):
        raise SettingsError(
            f"{settings.home} holds {held} data, and {settings.source_kind} was asked for: "
            "set COIN_PLATFORM_HOME to another folder for it"
        )
    if read_home(settings.home) != remembered(settings):
        write_home(settings)


def configure_dagster(settings: Settings) -> None:
    """Write the instance's `dagster.yaml`, and start PostgreSQL for it where it is local.

    The file holds no password.
    """
    settings.dagster_home.mkdir(parents=True, exist_ok=True)
    text = dagster_yaml(settings)
    path = settings.dagster_home / "dagster.yaml"
    if not path.exists() or path.read_text() != text:
        temporary = path.with_suffix(".tmp")
        temporary.write_text(text)
        temporary.replace(path)


def dagster_yaml(settings: Settings) -> str:
    """What the instance's configuration is to be; starts PostgreSQL where it is local."""
    if settings.env == "aws":
        storage = AWS_STORAGE.format(
            bucket=settings.bucket("platform"),
            region=settings.region,
            dagster_home=settings.dagster_home,
        )
    else:
        from coin_platform.resources.database import dagster_storage_url

        storage = LOCAL_STORAGE.format(storage_url=dagster_storage_url(settings))
    pools = AWS_POOLS if settings.env == "aws" else ""
    return DAGSTER_YAML.format(storage=storage, pools=pools, dagster_home=settings.dagster_home)


def open_instance(settings: Settings) -> "dg.DagsterInstance":
    """The home's Dagster instance, on its PostgreSQL."""
    import dagster as dg

    configure_dagster(settings)
    instance = dg.DagsterInstance.from_config(str(settings.dagster_home))
    # By default the storage connects anew several times for each event, which is most of the time
    # of a short run; this is how the webserver has it pool connections.
    instance.optimize_for_webserver(statement_timeout=0, pool_recycle=3600, max_overflow=10)
    return instance


def held_source(settings: Settings) -> str | None:
    """The kind of data the home holds; None for a new one."""
    source = read_home(settings.home).get("source")
    return None if source is None else str(source).partition(":")[0]


@contextmanager
def in_use(settings: Settings) -> Iterator[None]:
    """Count as a user of the home's services; the last user stops them on leaving.

    PostgreSQL starts at once, beside what the caller does next. On AWS the services are not ours
    to start or to stop.
    """
    if settings.env == "aws":
        yield
        return
    from coin_platform.resources.database import embedded_server, leases

    server = embedded_server(settings)
    server.folder.create()
    leases.hold(server.folder.lease)
    starting = Thread(target=start_early, args=[server], name="start-postgres")
    starting.start()
    try:
        try:
            yield
        finally:
            starting.join()
    finally:
        leave(settings)


def start_early(server: "EmbeddedPostgres") -> None:
    """Start the server. Where it fails, its first use fails as well and says why."""
    with suppress(Exception):
        server.ensure_running()


def leave(settings: Settings) -> None:
    """Stop what nobody uses any more.

    What cannot be stopped is told on stderr: it must hide neither a result nor another error.
    """
    try:
        stop_if_unused(settings)
    except Exception as error:  # noqa: BLE001  whatever it is, the work is done
        click.echo(
            f"services of {settings.home} may still run: {error}; `coin-platform stop` ends them",
            err=True,
        )


def stop_if_unused(settings: Settings, *, force: bool = False) -> list[str] | None:
    """Stop the replication worker and PostgreSQL unless another process uses them.

    Returns what was stopped, None when the home is still in use. With `force` others lose them. On
    AWS nothing is stopped.
    """
    if settings.env == "aws":
        return []
    from coin_platform.resources.database import embedded_server, leases
    from coin_platform.resources.replication import open_replication

    server = embedded_server(settings)
    with leases.sole_user(server.folder.lease) as unused:
        if not (unused or force):
            return None
        stopped = []
        try:
            replication = open_replication(settings)
            if replication.describe().status in ("starting", "running", "stopping"):
                replication.stop()
                stopped.append("the replication task")
        finally:  # a task that cannot be read keeps no server up
            if server.folder.alive():
                server.stop()
                stopped.append("PostgreSQL")
        return stopped
