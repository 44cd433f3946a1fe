"""The only reader of the environment: every setting, validated, with its meaning.

Settings come from, in this order: arguments of the command line, environment variables, a `.env`
file in the working directory, what the platform's home remembers of itself, defaults.
"""

import json
import os
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal, Self

from dotenv import dotenv_values
from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from coin_platform.errors import SettingsError
from coin_platform.partitions import floor_hour, instant_text
from coin_platform.settings_aws import AwsSettings
from coin_platform.settings_infrastructure import infrastructure_variables

PREFIX = "COIN_PLATFORM_"
ENV_FILE = ".env"
HOME_FILE = "home.json"
PLAIN_PATH = re.compile(r"[A-Za-z0-9/._+@-]+")  # Sail percent-encodes all else, and misses it
MOST_COINS = 10_000


class Settings(AwsSettings):
    """What an operator can set. Field descriptions are the documentation."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_file=ENV_FILE, env_ignore_empty=True, extra="ignore", frozen=True
    )

    home: Path = Field(
        Path(".coin_platform"),
        description="Folder of all state: PostgreSQL's data, Dagster's home, the lake.",
    )
    start: datetime = Field(
        datetime(2026, 1, 1, tzinfo=UTC),
        description="First hour of the partition grid, ISO 8601, UTC.",
    )
    source: str = Field(
        "simulated",
        description="Where quotes come from: simulated, coinmarketcap, or replay:FILE_OR_DIR.",
    )
    coins: int = Field(500, ge=1, le=MOST_COINS, description="Coins to ask for, largest cap first.")
    currency: Literal["USD"] = Field("USD", description="Currency of prices.")
    coinmarketcap_api_key: SecretStr | None = Field(
        None,
        validation_alias="COINMARKETCAP_API_KEY",
        description="Key of the CoinMarketCap Pro API; without it the keyless API is used.",
    )
    coinmarketcap_url: str = Field(
        "https://pro-api.coinmarketcap.com", description="Base address of the CoinMarketCap API."
    )
    simulator_seed: int = Field(7, description="Seed of the simulated market.")
    migration_type: Literal["full-load", "full-load-and-cdc", "cdc"] = Field(
        "full-load-and-cdc", description="What the replication task carries."
    )
    raw_format: Literal["parquet", "csv"] = Field(
        "parquet", description="Format of the replication task's files."
    )
    delivery_timeout_seconds: float = Field(
        600, gt=0, description="How long to wait for an hour to be replicated to raw."
    )
    chunk_hours: int = Field(
        24, ge=1, le=168, description="Hours that one step of a backfill holds in memory."
    )
    records_kept_days: int = Field(
        30,
        ge=1,
        description="Days that Dagster keeps events that later ones have superseded.",
    )
    site_days: int = Field(90, ge=1, le=366, description="Days that the market page shows.")
    site_releases: int = Field(
        5, ge=2, le=100, description="Releases of the market page that are kept."
    )

    @field_validator("home")
    @classmethod
    def _absolute(cls, home: Path) -> Path:
        absolute = home.expanduser().absolute()
        if not PLAIN_PATH.fullmatch(str(absolute)):
            message = (
                f"{absolute} has characters that the engine cannot handle in a path; "
                "choose a folder of letters, digits and . _ - + @ only, without spaces"
            )
            raise ValueError(message)
        return absolute

    @field_validator("start")
    @classmethod
    def _whole_utc_hour(cls, start: datetime) -> datetime:
        utc = start.replace(tzinfo=UTC) if start.tzinfo is None else start.astimezone(UTC)
        if utc != floor_hour(utc):
            message = f"the grid starts at a whole UTC hour, not at {start.isoformat()}"
            raise ValueError(message)
        return utc

    @field_validator("source")
    @classmethod
    def _known_source(cls, source: str) -> str:
        kind, _, path = source.partition(":")
        if kind == "replay" and path:
            return f"replay:{Path(path).expanduser().absolute()}"
        if source in ("simulated", "coinmarketcap"):
            return source
        message = f"{source!r} is none of: simulated, coinmarketcap, replay:FILE_OR_DIR"
        raise ValueError(message)

    @field_validator("coinmarketcap_url")
    @classmethod
    def _never_the_sandbox(cls, url: str) -> str:
        if "sandbox" in url:
            message = (
                "the vendor's sandbox answers with random noise, which must not reach the lake"
            )
            raise ValueError(message)
        return url.rstrip("/")

    @model_validator(mode="after")
    def _real_quotes_on_aws(self) -> Self:
        if self.env == "aws" and "source" not in self.model_fields_set:
            self.__dict__["source"] = "coinmarketcap"
        return self

    @model_validator(mode="after")
    def _all_coins_of_a_capture(self) -> Self:
        if self.source_kind == "replay" and "coins" not in self.model_fields_set:
            # It has as many as it has; fewer would delete the rest when an hour is done again.
            self.__dict__["coins"] = MOST_COINS
        return self

    @property
    def source_kind(self) -> str:
        """`simulated`, `coinmarketcap` or `replay`."""
        return self.source.partition(":")[0]

    @property
    def lake_url(self) -> str:
        """Root of a local lake; below it `raw/`, `processed/` and `curated/`."""
        return str(self.home / "lake")

    @property
    def site_folder(self) -> Path:
        """Where the market page is: its releases and the pointer to the current one."""
        return self.home / "site"

    @property
    def dagster_home(self) -> Path:
        return self.home / "dagster"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003  pydantic's signature
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Add what the home remembers, below the environment and above the defaults."""
        return init_settings, env_settings, dotenv_settings, HomeSource(settings_cls)


class HomeSource(PydanticBaseSettingsSource):
    """What a home says of itself: where its grid starts, which a replay moves, and its source."""

    def get_field_value(self, _field: Any, field_name: str) -> tuple[Any, str, bool]:
        return None, field_name, False

    def __call__(self) -> dict[str, Any]:
        home = self.current_state.get("home") or Settings.model_fields["home"].default
        held = read_home(Path(home))
        return {name: held[name] for name in ("start", "source") if name in held}


def read_home(home: Path) -> dict[str, Any]:
    """What the home remembers; empty for a new home. Raises `SettingsError` if it is unreadable."""
    path = home.expanduser() / HOME_FILE
    try:
        return {**json.loads(path.read_text())}
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, ValueError, TypeError) as error:  # the last: it holds no JSON object
        message = f"{path} cannot be read ({error}); restore it or use another COIN_PLATFORM_HOME"
        raise SettingsError(message) from error


def remembered(settings: Settings) -> dict[str, str]:
    """What the settings' home is to remember."""
    return {"start": instant_text(settings.start), "source": settings.source}


def write_home(settings: Settings) -> None:
    """Make the home remember its grid and the kind of its data, whole or not at all."""
    path = settings.home / HOME_FILE
    temporary = path.with_suffix(f".{os.getpid()}.tmp")
    try:
        settings.home.mkdir(parents=True, exist_ok=True)
        temporary.write_text(json.dumps(remembered(settings)) + "\n")
        temporary.replace(path)
    except OSError as error:
        raise SettingsError(
            f"{settings.home} cannot be written ({error.strerror}): "
            "choose another COIN_PLATFORM_HOME"
        ) from error


def load(**overrides: Any) -> Settings:
    """Read and validate the settings; arguments win over the environment.

    Raises `SettingsError` that names each wrong setting, its value and what is allowed.
    """
    try:
        return Settings(**{key: value for key, value in overrides.items() if value is not None})
    except ValidationError as error:
        wrong = "\n".join(
            f"  {': '.join([*map(variable_name, map(str, problem['loc'][:1])), said(problem)])}"
            for problem in error.errors(include_input=False, include_url=False)
        )
        message = f"settings are not valid:\n{wrong}\nSee `coin-platform settings` for all of them."
        raise SettingsError(message) from None


def said(problem: Mapping[str, Any]) -> str:
    """What a validator says; of one that looks at several settings there is no name beside it."""
    return str(problem["msg"]).removeprefix("Value error, ")


def variable_name(field: str) -> str:
    """The environment variable of a field."""
    info = Settings.model_fields.get(field)
    alias = info.validation_alias if info else None
    return (
        alias if isinstance(alias, str) else f"{PREFIX}{field.upper()}".replace(PREFIX * 2, PREFIX)
    )


def unknown_variables() -> dict[str, str]:
    """Variables of the environment and of `.env` that look like settings and are none.

    Each with the name of the setting that it resembles most. Values are not looked at.
    """
    names = (*map(variable_name, Settings.model_fields), *infrastructure_variables())
    known = {name.removeprefix(PREFIX): name for name in names}
    given = {name.upper() for name in (*os.environ, *dotenv_values(ENV_FILE, interpolate=False))}
    return {
        name: known[get_close_matches(name.removeprefix(PREFIX), known, n=1, cutoff=0)[0]]
        for name in sorted(given - set(known.values()))
        if name.startswith((PREFIX, "COINMARKETCAP_"))
    }


def environment(settings: Settings) -> Mapping[str, str]:
    """The settings as environment variables, for child processes. Holds secrets: never log it."""
    values = {}
    for field in Settings.model_fields:
        value = getattr(settings, field)
        if isinstance(value, SecretStr):
            value = value.get_secret_value()
        elif isinstance(value, datetime):
            value = instant_text(value)
        if value is not None:
            values[variable_name(field)] = str(value)
    return values
