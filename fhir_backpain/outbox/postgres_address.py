"""Where a PostgreSQL outbox is. Its password stays inside: no text of it ever shows one."""

from __future__ import annotations

from typing import Any

from fhir_backpain.errors import OutboxError, SettingsError
from fhir_backpain.outbox.messages import DRIVER_MISSING, WRONG_ADDRESS

SCHEMES = ("postgresql://", "postgres://")
SCHEMA = "fhir_backpain_outbox"


class PostgresAddress:
    """A database, and the schema in it that is the outbox's own.

    `url` is what libpq takes; what it leaves open (PGPASSWORD, PGPASSFILE, PGHOST and so on)
    libpq takes from the environment. Raises SettingsError where it cannot be read, OutboxError
    where the driver is not installed; neither shows the URL.
    """

    def __init__(self, url: str, schema: str = SCHEMA) -> None:
        ensure_driver()
        import psycopg
        from psycopg.conninfo import conninfo_to_dict

        try:
            self._parts: dict[str, Any] = {
                "connect_timeout": 5,
                "keepalives_idle": 10,
                "keepalives_interval": 5,
                "keepalives_count": 3,
                "application_name": "fhir-backpain",
                **conninfo_to_dict(url),
            }
        except psycopg.Error:
            text = "The address of the PostgreSQL outbox is not one that libpq can read."
            raise SettingsError(WRONG_ADDRESS.issue(text)) from None
        self.schema = schema

    @property
    def parts(self) -> dict[str, Any]:
        """What psycopg connects with; holds the password where the URL does."""
        return dict(self._parts)

    def __str__(self) -> str:
        host = self._parts.get("host") or "(this machine)"
        port = f":{self._parts['port']}" if self._parts.get("port") else ""
        return f"postgresql {host}{port}/{self._parts.get('dbname', '')}"

    def __repr__(self) -> str:
        return f"PostgresAddress({str(self)!r})"


def is_postgres(place: str) -> bool:
    """True where an outbox's place is a PostgreSQL database and no file."""
    return place.startswith(SCHEMES)


def ensure_driver() -> None:
    """Raise OutboxError where psycopg is not installed."""
    try:
        import psycopg  # noqa: F401
    except ImportError as error:
        text = f"psycopg cannot be loaded ({type(error).__name__})."
        raise OutboxError(DRIVER_MISSING.issue(text)) from None
