"""The outbox in PostgreSQL: for many workers, on as many machines as there are."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

from fhir_backpain.outbox.act import Via, actor_of_process
from fhir_backpain.outbox.clock import Clock
from fhir_backpain.outbox.postgres_address import SCHEMA, PostgresAddress
from fhir_backpain.outbox.postgres_database import PostgresDatabase
from fhir_backpain.outbox.postgres_presence import PostgresPresence
from fhir_backpain.outbox.shared_clock import SharedClock
from fhir_backpain.outbox.sql_store import SqlStore


class PostgresStore(SqlStore):
    """A store in a database, made where it does not exist; see `Store` for what it promises.

    `url` is what libpq takes; a password is better left to PGPASSWORD or PGPASSFILE. The tables
    are in the schema `schema`. A server that goes away is waited for up to `busy_seconds`.
    Connections need a session of their own: no pooler that shares them among transactions.
    """

    def __init__(
        self,
        url: str,
        *,
        clock: Clock | None = None,
        busy_seconds: float = 5.0,
        schema: str = SCHEMA,
        via: Via = "library",
    ) -> None:
        self.address = PostgresAddress(url, schema)
        self._postgres = PostgresDatabase(self.address, busy_seconds)
        shared = clock or SharedClock(self._postgres)
        actor = actor_of_process(via)
        super().__init__(self._postgres, shared, lambda: PostgresPresence(self._postgres), actor)

    def watch(self, server: str, wake: Callable[[], None]) -> AbstractContextManager[None]:
        """Call `wake`, on a thread of its own, when work for a server was stored anywhere.

        A call can be lost, or come for nothing: look again after a while in any case.
        """
        presence = self._present()
        assert isinstance(presence, PostgresPresence)
        return presence.watch(server, wake)

    def __repr__(self) -> str:
        return f"PostgresStore({str(self.address)!r})"
