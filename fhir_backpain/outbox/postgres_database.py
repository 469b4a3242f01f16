"""The PostgreSQL database of an outbox: connections that come back, commits that are certain."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from hashlib import sha256

import psycopg

from fhir_backpain.errors import OutboxError
from fhir_backpain.outbox.database import Result
from fhir_backpain.outbox.messages import BUSY, CLOSED, UNREACHABLE
from fhir_backpain.outbox.migration import VERSION_TABLE, is_current, upgrade_postgresql
from fhir_backpain.outbox.postgres_address import PostgresAddress
from fhir_backpain.outbox.postgres_fault import (
    connection_error,
    is_ending,
    is_worth_another_try,
    outbox_error,
)
from fhir_backpain.outbox.postgres_link import (
    Connection,
    PostgresLink,
    UnsureError,
    connect,
    was_committed,
)
from fhir_backpain.outbox.postgres_session import PostgresSession
from fhir_backpain.telemetry.event import log

_MOST_CONNECTIONS = 8
_PAUSE = 0.05
_logger = logging.getLogger(__name__)


class PostgresDatabase:
    """An open outbox in a schema of its own, made where it does not exist.

    Where the server goes away, it is waited for up to `patience` seconds. Raises OutboxError
    where that is not enough: nothing of the step was stored then, unless its text says that
    nobody knows.
    """

    def __init__(self, address: PostgresAddress, patience: float) -> None:
        self.address = address
        self._patience = patience
        self._idle: list[PostgresLink] = []
        self._lock = threading.Lock()
        self._slots = threading.Semaphore(_MOST_CONNECTIONS)
        self._closed = False
        try:
            self._upgrade()
            self.write(_forget_old_marks)
        except BaseException:
            self.close()
            raise

    def write(self, work: Callable[[PostgresSession], Result]) -> Result:
        """Run `work` within a transaction, on the server's disk when this returns."""
        until = time.monotonic() + self._patience
        while True:
            try:
                return self._use(lambda link: link.transact(work), until)
            except UnsureError as unsure:
                if self._was_committed(unsure):
                    result: Result = unsure.result
                    return result

    def read(self, work: Callable[[PostgresSession], Result]) -> Result:
        """Run `work`, which only reads."""
        until = time.monotonic() + self._patience
        return self._use(lambda link: link.read(work), until)

    def survey(self, work: Callable[[PostgresSession], Result]) -> Result:
        """Run `work`, which reads at length, on the state of one moment."""
        until = time.monotonic() + self._patience
        return self._use(lambda link: link.survey(work), until)

    def connect(self) -> Connection:
        """Return a connection of one's own, tried for once; OutboxError where there is none."""
        try:
            return connect(self.address)
        except psycopg.Error as error:
            raise connection_error(error, str(self.address)) from None

    def close(self) -> None:
        """Close the connections; closing twice is no error."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for link in idle:
            link.close()

    def _use(self, use: Callable[[PostgresLink], Result], until: float) -> Result:
        if not self._slots.acquire(timeout=max(0.0, until - time.monotonic())):
            raise OutboxError(BUSY.issue("All connections to PostgreSQL are in use."))
        try:
            while True:
                link = self._take(until)
                try:
                    return use(link)
                except psycopg.Error as error:
                    again = link.is_lost or is_ending(error) or is_worth_another_try(error)
                    if not again or time.monotonic() >= until:
                        raise outbox_error(error, str(self.address)) from None
                finally:
                    self._give_back(link)
                time.sleep(_PAUSE)
        finally:
            self._slots.release()

    def _take(self, until: float) -> PostgresLink:
        """Return an idle connection or a new one, waiting for the server where it is away."""
        with self._lock:
            if self._closed:
                raise OutboxError(CLOSED.issue(f"The outbox {self.address} was closed."))
            if self._idle:
                return self._idle.pop()
        while True:
            try:
                return PostgresLink(self.address)
            except psycopg.Error as error:
                if time.monotonic() >= until:
                    raise connection_error(error, str(self.address)) from None
            time.sleep(_PAUSE)

    def _give_back(self, link: PostgresLink) -> None:
        unusable = [link]
        with self._lock:
            if link.is_lost:
                # What was opened before the server went away is of no use either.
                unusable += self._idle
                self._idle = []
                log(_logger, logging.WARNING, "connection-lost", outbox=str(self.address))
            elif not self._closed:
                self._idle.append(link)
                return
        for one in unusable:
            one.close()

    def _was_committed(self, unsure: UnsureError) -> bool:
        """Ask the server what became of a transaction; OutboxError where it cannot be asked."""
        until = time.monotonic() + self._patience
        try:
            return self._use(
                lambda link: link.transact(lambda session: was_committed(session, unsure)), until
            )
        except (OutboxError, UnsureError):
            text = "The connection was lost during a commit; nobody knows whether it was stored."
            raise OutboxError(
                UNREACHABLE.issue(text, next_step="Do the same again: nothing is stored twice.")
            ) from None

    def _upgrade(self) -> None:
        revision = self.read(_revision)
        if revision is not None and is_current(revision, str(self.address)):
            return
        schema = self.address.schema
        lock = int.from_bytes(sha256(schema.encode()).digest()[:8], signed=True)
        try:
            upgrade_postgresql(lambda: connect(self.address, autocommit=False), schema, lock)
        except psycopg.Error as error:
            raise outbox_error(error, str(self.address)) from None


def _revision(session: PostgresSession) -> str | None:
    """Return the schema's revision, None where there is none yet."""
    if session.execute("SELECT to_regclass(?)", (VERSION_TABLE,)).fetchone() == (None,):
        return None
    row = session.execute(f"SELECT version_num FROM {VERSION_TABLE}").fetchone()  # noqa: S608
    return str(row[0]) if row else None


def _forget_old_marks(session: PostgresSession) -> None:
    session.execute("DELETE FROM mark WHERE written < now() - interval '7 days'")
