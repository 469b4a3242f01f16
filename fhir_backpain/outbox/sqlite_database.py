"""The SQLite file of an outbox: made whole or not at all, checked when opened, never remade."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
import uuid
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

from fhir_backpain.errors import OutboxError
from fhir_backpain.outbox.messages import (
    BUSY,
    CLOSED,
    CORRUPT,
    FULL,
    NEWER_SCHEMA,
    NOT_AN_OUTBOX,
    UNWRITABLE,
)
from fhir_backpain.outcome import Message

APPLICATION = 0x4642504F  # "FBPO"
SCHEMA = 1

_MESSAGES: dict[int, Message] = {
    sqlite3.SQLITE_BUSY: BUSY,
    sqlite3.SQLITE_LOCKED: BUSY,
    sqlite3.SQLITE_FULL: FULL,
    sqlite3.SQLITE_CORRUPT: CORRUPT,
    sqlite3.SQLITE_NOTADB: CORRUPT,
}


class SqliteDatabase:
    """An open outbox file. One connection, which one thread at a time uses."""

    def __init__(self, path: Path, busy_seconds: float) -> None:
        self.path = path
        self._lock = threading.RLock()
        with translated(path):
            if not path.exists():
                _create(path)
            self._connection: sqlite3.Connection | None = _open(path, busy_seconds)

    @contextlib.contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Give the connection within a transaction, on disk when the block is left."""
        with self._lock, translated(self.path):
            connection = self._opened()
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                with contextlib.suppress(sqlite3.Error):  # SQLite may have rolled back by itself
                    connection.execute("ROLLBACK")
                raise

    @contextlib.contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Give the connection for queries."""
        with self._lock, translated(self.path):
            yield self._opened()

    def close(self) -> None:
        """Close the file; closing twice is no error."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _opened(self) -> sqlite3.Connection:
        if self._connection is None:
            raise OutboxError(CLOSED.issue(f"The outbox {self.path} was closed."))
        return self._connection


@contextlib.contextmanager
def translated(path: Path) -> Iterator[None]:
    """Turn what SQLite and the file system raise into an OutboxError about `path`."""
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", None)
        message = UNWRITABLE if code is None else _MESSAGES.get(code & 0xFF, UNWRITABLE)
        raise OutboxError(message.issue(f"The outbox {path} failed: {error}.")) from error
    except OSError as error:
        raise OutboxError(
            UNWRITABLE.issue(f"The outbox {path} failed: {error.strerror}.")
        ) from error


def _create(path: Path) -> None:
    """Make the file under another name and link it in, so that nobody sees half an outbox."""
    log = Path(f"{path}-wal")
    if log.exists():
        text = f"{path} is missing, but its log {log} is there."
        raise OutboxError(CORRUPT.issue(text))
    made = path.with_name(f"{path.name}.{uuid.uuid4().hex}.new")
    try:
        os.close(os.open(made, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        connection = sqlite3.connect(made, isolation_level=None)
        try:
            script = files("fhir_backpain.outbox").joinpath("sql/001_outbox.sql").read_text()
            connection.executescript(
                f"PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
                f"PRAGMA application_id = {APPLICATION}; PRAGMA user_version = {SCHEMA};"
                f"BEGIN;{script};COMMIT;"
            )
        finally:
            connection.close()
        with contextlib.suppress(FileExistsError):  # another process was quicker
            os.link(made, path)
    finally:
        made.unlink(missing_ok=True)
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    with contextlib.suppress(OSError):  # not every file system can
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _open(path: Path, busy_seconds: float) -> sqlite3.Connection:
    if path.stat().st_size == 0:
        raise OutboxError(CORRUPT.issue(f"{path} is empty: an outbox is never empty."))
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=rw",
        uri=True,
        timeout=busy_seconds,
        isolation_level=None,
        check_same_thread=False,
    )
    try:
        _check(connection, path)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA fullfsync = ON")
        connection.execute("PRAGMA foreign_keys = ON")
    except BaseException:
        connection.close()
        raise
    return connection


def _check(connection: sqlite3.Connection, path: Path) -> None:
    if connection.execute("PRAGMA application_id").fetchone()[0] != APPLICATION:
        text = f"{path} is a database, but no outbox of fhir-backpain."
        raise OutboxError(NOT_AN_OUTBOX.issue(text))
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version > SCHEMA:
        text = f"{path} has schema {version}; this program knows schemas up to {SCHEMA}."
        raise OutboxError(NEWER_SCHEMA.issue(text))
    found = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    if found != "ok":
        raise OutboxError(CORRUPT.issue(f"{path} does not pass SQLite's check."))
