"""Secrets in AWS Secrets Manager: read when needed, kept in memory only."""

import json
from typing import TYPE_CHECKING

from coin_platform.errors import PermanentError
from coin_platform.resources.aws.errors import explained
from coin_platform.resources.aws.session import client

if TYPE_CHECKING:
    from coin_platform.settings import Settings


def read_secret(settings: "Settings", name: str) -> dict[str, str]:
    """The secret's fields; one that is plain text is the field `value`.

    Raises `PermanentError` when it is not there or we may not read it.
    """
    with explained(f"reading secret {name}"):
        text = (
            client(settings, "secretsmanager").get_secret_value(SecretId=name).get("SecretString")
        )
    if not text:
        raise PermanentError(f"secret {name} holds no text: give it one, or name another")
    try:
        fields = json.loads(text)
    except ValueError:
        return {"value": text}
    return (
        {str(key): str(value) for key, value in fields.items()}
        if isinstance(fields, dict)
        else {"value": text}
    )


def field_of(secret: dict[str, str], names: tuple[str, ...], name: str) -> str:
    """The first of these fields that the secret has; `PermanentError` that names them otherwise."""
    for field in names:
        if secret.get(field):
            return secret[field]
    raise PermanentError(f"secret {name} has none of the fields {', '.join(names)}")
