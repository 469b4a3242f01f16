"""The SQLite file of an outbox: made whole or not at all, checked when opened, never remade."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
import uuid
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from fhir_backpain.errors import OutboxError
from fhir_backpain.outbox.database import Result
from fhir_backpain.outbox.messages import (
    BUSY,
    CLOSED,
    CORRUPT,
    FULL,
    NOT_AN_OUTBOX,
    UNWRITABLE,
)
from fhir_backpain.outbox.migration import VERSION_TABLE, is_current, upgrade_sqlite
from fhir_backpain.outbox.sqlite_session import SqliteSession
from fhir_backpain.outcome import Message

APPLICATION = 0x4642504F  # "FBPO"
_BASELINE = "0001"
"""The schema of files that were made before there was a version table."""

_MESSAGES: dict[int, Message] = {
    sqlite3.SQLITE_BUSY: BUSY,
    sqlite3.SQLITE_LOCKED: BUSY,
    sqlite3.SQLITE_FULL: FULL,
    sqlite3.SQLITE_CORRUPT: CORRUPT,
    sqlite3.SQLITE_NOTADB: CORRUPT,
}


class SqliteDatabase:
    """An open outbox file. One connection, which one thread at a time uses; another to survey."""

    def __init__(self, path: Path, busy_seconds: float) -> None:
        self.path = path
        self._busy_seconds = busy_seconds
        self._lock, self._survey_lock = threading.RLock(), threading.Lock()
        with translated(path):
            if not path.exists():
                _create(path)
            self._connection: sqlite3.Connection | None = _open(path, busy_seconds)

    def write(self, work: Callable[[SqliteSession], Result]) -> Result:
        """Run `work` within a transaction, on disk when this returns."""
        with self._lock, translated(self.path):
            connection = self._opened()
            connection.execute("BEGIN IMMEDIATE")
            try:
                result = work(SqliteSession(connection))
                connection.execute("COMMIT")
            except BaseException:
                with contextlib.suppress(sqlite3.Error):  # SQLite may have rolled back by itself
                    connection.execute("ROLLBACK")
                raise
            return result

    def read(self, work: Callable[[SqliteSession], Result]) -> Result:
        """Run `work`, which only reads."""
        with self._lock, translated(self.path):
            return work(SqliteSession(self._opened()))

    def survey(self, work: Callable[[SqliteSession], Result]) -> Result:
        """Run `work`, which reads at length, beside all others: on a connection of its own."""
        with self._survey_lock, translated(self.path):
            with self._lock:
                self._opened()
            connection = _connect(self.path, self._busy_seconds)
            try:
                connection.execute("PRAGMA query_only = ON")
                connection.execute("BEGIN")
                return work(SqliteSession(connection))
            finally:
                connection.close()

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
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute(f"PRAGMA application_id = {APPLICATION}")
        finally:
            connection.close()
        _upgrade(made, 0.0)
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
    connection = _connect(path, busy_seconds)
    try:
        _check(connection, path)
        if not is_current(_revision(connection) or _BASELINE, str(path)):
            _upgrade(path, busy_seconds)
    except BaseException:
        connection.close()
        raise
    return connection


def _connect(path: Path, busy_seconds: float) -> sqlite3.Connection:
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=rw",
        uri=True,
        timeout=busy_seconds,
        isolation_level=None,
        check_same_thread=False,
    )
    try:
        _ensure_ours(connection, path)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA fullfsync = ON")
        connection.execute("PRAGMA foreign_keys = ON")
    except BaseException:
        connection.close()
        raise
    return connection


def _ensure_ours(connection: sqlite3.Connection, path: Path) -> None:
    if connection.execute("PRAGMA application_id").fetchone()[0] != APPLICATION:
        text = f"{path} is a database, but no outbox of fhir-backpain."
        raise OutboxError(NOT_AN_OUTBOX.issue(text))


def _check(connection: sqlite3.Connection, path: Path) -> None:
    found = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    if found != "ok":
        raise OutboxError(CORRUPT.issue(f"{path} does not pass SQLite's check."))


def _upgrade(path: Path, busy_seconds: float) -> None:
    def baseline(connection: sqlite3.Connection) -> str | None:
        if _has(connection, VERSION_TABLE) or not _has(connection, "entry"):
            return None
        return _BASELINE

    upgrade_sqlite(partial(_connect, path, busy_seconds), baseline)


def _revision(connection: sqlite3.Connection) -> str | None:
    if not _has(connection, VERSION_TABLE):
        return None
    row = connection.execute(f"SELECT version_num FROM {VERSION_TABLE}").fetchone()  # noqa: S608
    return str(row[0]) if row else None


def _has(connection: sqlite3.Connection, table: str) -> bool:
    return (
        connection.execute(
            "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?", (table,)
        ).fetchone()
        is not None
    )
