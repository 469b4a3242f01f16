"""The SQLite file that says how far a pull has come; one process at a time uses it."""

from __future__ import annotations

import contextlib
import fcntl
import os
import sqlite3
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import IO

from fhir_backpain.errors import OutboxError
from fhir_backpain.pull.messages import STATE_IN_USE, STATE_UNUSABLE

_APPLICATION = 0x46425055  # "FBPU"
_SCHEMA = 1


class StateFile:
    """An open state file, made where there is none. Raises OutboxError where it cannot be used."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with self._translated():
            self._lock = _locked(path)
            try:
                self._connection = self._open()
            except BaseException:
                self._lock.close()
                raise

    @contextlib.contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Give the connection within a transaction, on disk when the block is left."""
        with self._translated():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                with contextlib.suppress(sqlite3.Error):
                    self._connection.execute("ROLLBACK")
                raise

    @contextlib.contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Give the connection for queries."""
        with self._translated():
            yield self._connection

    def close(self) -> None:
        """Close the file and let others use it."""
        self._connection.close()
        self._lock.close()

    @contextlib.contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise self._unusable(str(error)) from error

    def _unusable(self, why: str) -> OutboxError:
        return OutboxError(STATE_UNUSABLE.issue(f"The state {self.path} failed: {why}."))

    def _open(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, isolation_level=None)
        try:
            connection.execute("PRAGMA synchronous = FULL")
            self._prepare(connection)
            connection.execute("PRAGMA journal_mode = WAL")
        except BaseException:
            connection.close()
            raise
        return connection

    def _prepare(self, connection: sqlite3.Connection) -> None:
        """Check the file, or make it whole in one transaction where it is empty."""
        application = connection.execute("PRAGMA application_id").fetchone()[0]
        schema = connection.execute("PRAGMA user_version").fetchone()[0]
        if application == 0 and schema == 0 and self._is_empty(connection):
            script = files("fhir_backpain.pull").joinpath("sql/001_pull.sql").read_text("utf-8")
            connection.executescript(
                f"BEGIN IMMEDIATE; {script} PRAGMA application_id = {_APPLICATION};"
                f"PRAGMA user_version = {_SCHEMA}; COMMIT;"
            )
        elif application != _APPLICATION:
            raise self._unusable("it is a database, but not the state of a pull")
        elif schema > _SCHEMA:
            raise self._unusable(f"its schema {schema} is newer than this program")
        elif connection.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok":
            raise self._unusable("it does not pass SQLite's check")

    @staticmethod
    def _is_empty(connection: sqlite3.Connection) -> bool:
        found = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        return bool(found[0] == 0)


def _locked(path: Path) -> IO[bytes]:
    """Return the lock of a state file, held until it is closed; the system frees a dead one's."""
    try:
        descriptor = os.open(f"{path}.lock", os.O_CREAT | os.O_RDWR, 0o600)
        # The state holds records of patients: for its owner alone.
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError as error:
        text = f"The state {path} cannot be opened ({error.strerror})."
        raise OutboxError(STATE_UNUSABLE.issue(text)) from error
    lock = os.fdopen(descriptor, "r+b")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        lock.close()
        raise OutboxError(STATE_IN_USE.issue(f"The state {path} is in use.")) from error
    return lock
