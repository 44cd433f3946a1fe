"""Clients of AWS services, by boto3's ordinary credential chain.

`AWS_ENDPOINT_URL` moves them elsewhere, as boto3 itself has it. A client tries a call again when a
service throttles or fails for a moment; what is left then is told by `errors.py`.
"""

from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from coin_platform.settings import Settings

ATTEMPTS = 5
CONNECT_SECONDS, READ_SECONDS = 10, 60


def client(settings: "Settings", service: str) -> Any:
    """A client of the service in the settings' region; the same one when asked for again."""
    return client_in(settings.region, service)


@cache
def client_in(region: str | None, service: str) -> Any:
    """A client in a region; that of boto3's chain where none is named."""
    import boto3
    from botocore.config import Config

    config = Config(
        retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
        connect_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
        user_agent_extra="coin-platform",
    )
    return boto3.session.Session().client(service, region_name=region, config=config)
