"""Opening an outbox by its place: a PostgreSQL database by its URL, a SQLite file by its path."""

from __future__ import annotations

from pathlib import Path

from fhir_backpain.outbox.act import Via
from fhir_backpain.outbox.postgres_address import PostgresAddress, ensure_driver, is_postgres
from fhir_backpain.outbox.sql_store import SqlStore
from fhir_backpain.outbox.sqlite import SqliteStore


def open_store(place: Path | str, via: Via = "library") -> SqlStore:
    """Return the outbox at a place, made where there is none; close it after use.

    `via` is how the audit trail says that it was used.

    Raises OutboxError where it cannot be used, or where PostgreSQL's driver is not installed;
    SettingsError where a URL cannot be read.
    """
    if not is_postgres(str(place)):
        return SqliteStore(place, via=via)
    ensure_driver()
    from fhir_backpain.outbox.postgres import PostgresStore

    return PostgresStore(str(place), via=via)


def has_store(place: Path | str) -> bool:
    """True where there is an outbox, or a database in which opening makes one."""
    return is_postgres(str(place)) or Path(place).exists()


def shown_place(place: Path | str) -> str:
    """Return the name of a place that may be shown: without a password."""
    return str(PostgresAddress(str(place))) if is_postgres(str(place)) else str(place)
