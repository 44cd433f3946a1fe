"""The replication task on AWS: DMS, through boto3.

`payloads.py` says what is asked of DMS, `answers.py` what its answers mean, `calls.py` makes the
calls; `setup.py` makes or adopts what a task stands on. `replication.py` is what a replication
instance (`task.py`) and DMS Serverless (`serverless.py`) have in common.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from coin_platform.resources.replication.dms.replication import DmsReplication
    from coin_platform.settings import Settings


def open_dms(settings: "Settings") -> "DmsReplication":
    """The configured task; nothing is reached, made or started by this."""
    from coin_platform.resources.aws.session import client
    from coin_platform.resources.replication.dms.calls import Calls
    from coin_platform.resources.replication.dms.serverless import ServerlessReplication
    from coin_platform.resources.replication.dms.task import TaskReplication

    calls = Calls(lambda: client(settings, "dms"), settings.dms_poll_seconds)
    kind = ServerlessReplication if settings.dms_serverless else TaskReplication
    return kind(settings, calls)
