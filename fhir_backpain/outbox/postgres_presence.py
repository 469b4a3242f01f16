"""Which workers of a PostgreSQL outbox are alive, and what they are told of new work.

Each worker has a connection of its own that holds an advisory lock: the server lets go of the
lock when the worker's process ends. The same connection listens for notifications. A worker whose
connection was cut comes back at once, so its lock must be missing for a while before its leases
are taken over; a worker that stands still keeps its lock, and its leases run out.
"""

from __future__ import annotations

import contextlib
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence

import psycopg

from fhir_backpain.errors import OutboxError
from fhir_backpain.outbox.database import Session
from fhir_backpain.outbox.postgres_database import PostgresDatabase
from fhir_backpain.outbox.postgres_link import Connection
from fhir_backpain.outbox.postgres_session import CHANNEL, signal_of

_GRACE = 2.0
_PAUSE = 0.2
_POLL = 1.0
_LEFT = ""
"""The holder of leases that their worker gave up when it left."""

_ALIVE = """
SELECT ((classid::bigint << 32) | objid::bigint)::text FROM pg_locks
WHERE locktype = 'advisory' AND objsubid = 1 AND granted
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


class PostgresPresence:
    """The proof that this worker is alive, for as long as it is open; `id` names the worker."""

    def __init__(
        self, database: PostgresDatabase, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._database = database
        self._monotonic = monotonic
        self._number = uuid.uuid4().int >> 65
        self.id = str(self._number)
        self._missing: dict[str, float] = {}
        self._wakes: list[tuple[str, Callable[[], None]]] = []
        self._closing = threading.Event()
        self._connection: Connection | None = self._hold()
        self._thread = threading.Thread(target=self._listen, name="outbox-listener", daemon=True)
        self._thread.start()

    def gone(self, session: Session, holders: Sequence[str]) -> list[str]:
        """Return those of some workers that have left, or whose locks are missing for a while."""
        if not holders:
            return []
        alive = {number for (number,) in session.execute(_ALIVE).fetchall()} | {self.id}
        now = self._monotonic()
        self._missing = {
            holder: self._missing.get(holder, now) for holder in holders if holder not in alive
        }
        return [
            holder
            for holder, since in self._missing.items()
            if holder == _LEFT or now - since >= _GRACE
        ]

    @contextlib.contextmanager
    def watch(self, server: str, wake: Callable[[], None]) -> Iterator[None]:
        """Call `wake`, on a thread of its own, when work for a server was stored anywhere."""
        watcher = (signal_of(server), wake)
        self._wakes.append(watcher)
        try:
            yield
        finally:
            self._wakes.remove(watcher)

    def close(self) -> None:
        """Leave; the leases of this worker are free from now on."""
        self._closing.set()

        def leave(session: Session) -> None:
            session.execute("UPDATE patient SET holder = ? WHERE holder = ?", (_LEFT, self.id))
            session.execute("SELECT pg_notify(?, ?)", (CHANNEL, self.id))  # wakes the thread

        with contextlib.suppress(OutboxError):
            self._database.write(leave)
        self._thread.join()

    def _hold(self) -> Connection:
        connection = self._database.connect()
        try:
            connection.execute("SELECT pg_advisory_lock(%s)", (self._number,))
            connection.execute(f"LISTEN {CHANNEL}")
        except BaseException:
            connection.close()
            raise
        return connection

    def _listen(self) -> None:
        while not self._closing.is_set():
            try:
                if self._connection is None:
                    self._connection = self._hold()
                    self._wake(None)  # what was said meanwhile was not heard
                for notice in self._connection.notifies(timeout=_POLL, stop_after=1):
                    self._wake(notice.payload)
            except (psycopg.Error, OutboxError):
                self._drop()
                self._closing.wait(_PAUSE)
        self._drop()

    def _wake(self, signal: str | None) -> None:
        for wanted, wake in list(self._wakes):
            if signal in (None, wanted):
                wake()

    def _drop(self) -> None:
        if self._connection is not None:
            with contextlib.suppress(psycopg.Error):
                self._connection.close()
            self._connection = None
