"""One connection to a PostgreSQL outbox, whose commits leave a mark.

A connection that is lost during a commit leaves open whether the transaction was stored. So each
transaction that writes something also writes its number on the connection's mark: what the mark
says tells afterwards. (The server's own transaction ids are used again after a crash.)
"""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Callable
from typing import Any

import psycopg

from fhir_backpain.outbox.database import Result
from fhir_backpain.outbox.postgres_address import PostgresAddress
from fhir_backpain.outbox.postgres_session import PostgresSession

Connection = psycopg.Connection[tuple[Any, ...]]

_SETTINGS = {
    "synchronous_commit": "on",
    "lock_timeout": "5s",
    # A worker that stands still within a transaction must not keep its patients from the others.
    "idle_in_transaction_session_timeout": "15s",
    # Of a worker whose machine is gone the server learns within half a minute.
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
}
_MARK = """
INSERT INTO mark (id, number) SELECT ?, ? WHERE pg_current_xact_id_if_assigned() IS NOT NULL
ON CONFLICT (id) DO UPDATE SET number = excluded.number, written = now() RETURNING number
"""
# Waits for a transaction of the lost connection that the server has not ended yet.
_READ_MARK = """
INSERT INTO mark (id, number) VALUES (?, 0)
ON CONFLICT (id) DO UPDATE SET written = now() RETURNING number
"""


class UnsureError(Exception):
    """The connection was lost during a commit; `mark` and `number` tell what became of it."""

    def __init__(self, mark: str, number: int, result: Any) -> None:
        super().__init__()
        self.mark = mark
        self.number = number
        self.result = result


class PostgresLink:
    """A connection, used by one thread at a time. Raises what psycopg raises."""

    def __init__(self, address: PostgresAddress) -> None:
        self._connection = connect(address)
        self._mark = uuid.uuid4().hex
        self._number = 0

    @property
    def is_lost(self) -> bool:
        """True where the connection is of no use any more."""
        return self._connection.closed or self._connection.broken

    def read(self, work: Callable[[PostgresSession], Result]) -> Result:
        """Run `work`, each statement by itself."""
        return work(PostgresSession(self._connection))

    def survey(self, work: Callable[[PostgresSession], Result]) -> Result:
        """Run `work`, which only reads, on the state of one moment."""
        self._connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        try:
            return work(PostgresSession(self._connection))
        finally:
            with contextlib.suppress(psycopg.Error):
                self._connection.execute("ROLLBACK")

    def transact(self, work: Callable[[PostgresSession], Result]) -> Result:
        """Run `work` within a transaction; UnsureError where nobody knows if it was committed."""
        self._connection.execute("BEGIN")
        session = PostgresSession(self._connection)
        self._number += 1
        try:
            result = work(session)
            has_written = session.execute(_MARK, (self._mark, self._number)).fetchone()
        except BaseException:
            with contextlib.suppress(psycopg.Error):
                self._connection.execute("ROLLBACK")
            raise
        try:
            self._connection.execute("COMMIT")
        except psycopg.Error:
            if has_written and self.is_lost:
                raise UnsureError(self._mark, self._number, result) from None
            raise
        return result

    def close(self) -> None:
        """Close the connection."""
        with contextlib.suppress(psycopg.Error):
            self._connection.close()


def was_committed(session: PostgresSession, unsure: UnsureError) -> bool:
    """True where the transaction was committed, once the server knows."""
    (number,) = session.execute(_READ_MARK, (unsure.mark,)).fetchone() or (0,)
    return bool(number == unsure.number)


def connect(address: PostgresAddress, *, autocommit: bool = True) -> Connection:
    """Return a connection whose tables are those of the outbox's schema."""
    connection = psycopg.connect(**address.parts, autocommit=True)
    try:
        quoted = '"' + address.schema.replace('"', '""') + '"'
        settings = {**_SETTINGS, "search_path": quoted}
        connection.execute(
            "SELECT set_config(name, value, false)"
            " FROM unnest(%s::text[], %s::text[]) AS listed (name, value)",
            (list(settings), list(settings.values())),
        )
        connection.autocommit = autocommit
    except BaseException:
        connection.close()
        raise
    return connection
