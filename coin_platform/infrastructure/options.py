"""What a stack is made from: the platform's settings and those of the account, read together."""

from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from coin_platform.errors import SettingsError
from coin_platform.settings import Settings, load, said
from coin_platform.settings_infrastructure import (
    InfrastructureSettings,
    infrastructure_variable,
)


@dataclass(frozen=True)
class Options:
    """Both, checked."""

    platform: Settings
    account: InfrastructureSettings

    @property
    def project(self) -> str:
        return str(self.platform.project)


def read_options(account: dict[str, Any] | None = None, **platform: Any) -> Options:
    """Read and check them; arguments win over the environment.

    The platform's settings are read as those of a local deployment, because what they need on AWS
    comes of the stack. Raises `SettingsError` that names what is wrong or missing.
    """
    settings = load(**{**platform, "env": "local"})
    if settings.project is None:
        raise SettingsError(
            "COIN_PLATFORM_PROJECT is not set: the names of the buckets are made of it, and no "
            "other AWS account may have them"
        )
    try:
        chosen = InfrastructureSettings(**(account or {}))
    except ValidationError as error:
        wrong = "\n".join(
            f"  {', '.join([*map(infrastructure_variable, problem['loc'][:1]), said(problem)])}"
            for problem in error.errors(include_input=False, include_url=False)
        )
        raise SettingsError(f"settings of the account are not valid:\n{wrong}") from None
    return Options(settings, chosen)
