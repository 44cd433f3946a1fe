"""RDS for PostgreSQL: TLS that is verified, and a password that is never written down."""

from threading import Lock
from typing import TYPE_CHECKING, Any

from coin_platform.resources.database.endpoint import create_database
from coin_platform.resources.database.trust import BUNDLE

if TYPE_CHECKING:
    from coin_platform.settings import Settings

CONNECT_SECONDS = 10


class RdsEndpoint:
    """A database of the configured RDS instance; created when first used if it is to be."""

    def __init__(self, settings: "Settings", database: str, *, create: bool = False) -> None:
        self.settings = settings
        self.database = database
        self._missing = create
        self._guard = Lock()
        self._secret: dict[str, str] | None = None

    def parameters(self) -> dict[str, Any]:
        if self._missing:
            create_database(self._keywords("postgres"), self.database)
            self._missing = False
        return self._keywords(self.database)

    def renewed(self) -> bool:
        """Read the secret anew: a rotation changes the password while we hold the former one."""
        if self.settings.database_auth != "secret":
            return False
        with self._guard:
            former, self._secret = self._secret, None
        self.login()
        return self._secret != former

    def login(self) -> tuple[str, str]:
        """The user, and the password or IAM token to log in with now."""
        settings = self.settings
        if settings.database_auth == "iam":
            return settings.database_user, self._token()
        from coin_platform.resources.aws.secrets import field_of, read_secret

        name = str(settings.database_secret)
        with self._guard:
            if self._secret is None:
                self._secret = read_secret(settings, name)
            secret = self._secret
        password = field_of(secret, ("password", "value"), name)
        return secret.get("username") or settings.database_user, password

    def _token(self) -> str:
        """Signed here, without a call; valid for 15 minutes from now."""
        from coin_platform.resources.aws.errors import explained
        from coin_platform.resources.aws.session import client

        with explained("signing a token for the database"):
            token: str = client(self.settings, "rds").generate_db_auth_token(
                DBHostname=self.settings.database_host,
                Port=self.settings.database_port,
                DBUsername=self.settings.database_user,
                Region=self.settings.region,
            )
        return token

    def _keywords(self, database: str) -> dict[str, Any]:
        user, password = self.login()
        return {**location(self.settings, database), "user": user, "password": password}


def location(settings: "Settings", database: str) -> dict[str, Any]:
    """Where the database is, without who asks: keywords of libpq."""
    return {
        "host": settings.database_host,
        "port": settings.database_port,
        "dbname": database,
        "connect_timeout": CONNECT_SECONDS,
        "sslmode": "verify-full",
        "sslrootcert": settings.database_ca or str(BUNDLE),
        "gssencmode": "disable",
    }
