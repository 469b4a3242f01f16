"""The versions of every resource in one SQLite database: one writer, many readers."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
import tempfile
import threading
import weakref
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any

from fhir_backpain.errors import SettingsError
from fhir_backpain.fhir.json_text import dump
from fhir_backpain.sandbox.digest import content_digest
from fhir_backpain.sandbox.messages import INVALID_DATABASE
from fhir_backpain.sandbox.search_index import index_rows

Clock = Callable[[], datetime]

_APPLICATION = 0x46425053  # "FBPS"
_SCHEMA = 1
_CURRENT = 2**63 - 1
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_COLUMNS = "type, id, number, instant, method, content"


def utc_now() -> datetime:
    """Return the time of the machine in UTC."""
    return datetime.now(UTC)


def to_instant(moment: datetime) -> int:
    """Return milliseconds since 1970 for an aware datetime."""
    return (moment - _EPOCH) // timedelta(milliseconds=1)


def from_instant(instant: int) -> datetime:
    """Return the aware UTC datetime of milliseconds since 1970."""
    return _EPOCH + timedelta(milliseconds=instant)


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a resource; `content` is its JSON text, None where it was deleted."""

    type: str
    id: str
    number: int
    instant: int
    method: str
    content: str | None

    @property
    def deleted(self) -> bool:
        """True for the version that a delete left behind."""
        return self.content is None

    @property
    def etag(self) -> str:
        """The weak ETag, such as ``W/"3"``."""
        return f'W/"{self.number}"'

    @property
    def version_id(self) -> str:
        """meta.versionId: the number as text."""
        return str(self.number)

    @property
    def last_updated(self) -> str:
        """meta.lastUpdated: an instant in UTC with milliseconds."""
        return format_instant(self.instant)

    @property
    def location(self) -> str:
        """The URL of the version, relative to the base of the server."""
        return f"{self.type}/{self.id}/_history/{self.number}"


def format_instant(instant: int) -> str:
    """Return a FHIR instant in UTC with milliseconds."""
    return from_instant(instant).strftime("%Y-%m-%dT%H:%M:%S.") + f"{instant % 1000:03d}Z"


class Session:
    """What one database transaction can do: read versions, append versions."""

    def __init__(self, connection: sqlite3.Connection, clock: Clock) -> None:
        self._connection = connection
        self._clock = clock

    def rows(self, sql: str, arguments: list[Any] | tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        """Return all rows of a query."""
        return self._connection.execute(sql, arguments).fetchall()

    def now(self) -> int:
        """Return the clock of the server in milliseconds since 1970."""
        return to_instant(self._clock())

    def latest(self) -> int:
        """Return the instant of the newest version, 0 in an empty database."""
        return int(self.rows("SELECT ifnull(max(instant), 0) FROM version")[0][0])

    def current(self, resource_type: str, resource_id: str) -> Version | None:
        """Return the newest version, deleted or not; None where the id was never used."""
        found = self.rows(
            f"SELECT {_COLUMNS} FROM version WHERE type = ? AND id = ? AND superseded = {_CURRENT}",  # noqa: S608
            (resource_type, resource_id),
        )
        return Version(*found[0]) if found else None

    def version(self, resource_type: str, resource_id: str, number: int) -> Version | None:
        """Return one version by its number."""
        found = self.rows(
            f"SELECT {_COLUMNS} FROM version WHERE type = ? AND id = ? AND number = ?",  # noqa: S608
            (resource_type, resource_id, number),
        )
        return Version(*found[0]) if found else None

    def versions(self, where: str, arguments: list[Any]) -> list[Version]:
        """Return the versions that a trusted SQL tail selects."""
        return [
            Version(*row)
            for row in self.rows(f"SELECT {_COLUMNS} FROM version v {where}", arguments)  # noqa: S608
        ]

    def exists(self, resource_type: str, resource_id: str) -> bool:
        """True where the resource is there and not deleted."""
        current = self.current(resource_type, resource_id)
        return current is not None and not current.deleted

    def counts(self) -> dict[str, int]:
        """Return how many live resources there are of each type that has any."""
        sql = (
            "SELECT type, count(*) FROM version "  # noqa: S608
            f"WHERE superseded = {_CURRENT} AND method <> 'DELETE' GROUP BY type"
        )
        return {str(name): int(count) for name, count in self.rows(sql)}

    def put(self, resource: dict[str, Any], resource_id: str, method: str, base: str) -> Version:
        """Store `resource` as the next version of `resource_id` and return it.

        Content equal to the current version's is not stored again: that version is returned.
        """
        resource_type = resource["resourceType"]
        digest = content_digest(resource)
        previous = self.current(resource_type, resource_id)
        if previous is not None and self._digest(previous) == digest:
            return previous
        version = self._next(resource_type, resource_id, previous, method)
        stamped = _stamped(resource, version)
        version = self._append(version, previous, dump(stamped), digest)
        self._index(stamped, version, base)
        return version

    def delete(self, current: Version) -> Version:
        """Append the version that says that the resource is deleted."""
        version = self._next(current.type, current.id, current, "DELETE")
        return self._append(version, current, None, None)

    def _next(
        self, resource_type: str, resource_id: str, previous: Version | None, method: str
    ) -> Version:
        number = previous.number + 1 if previous else 1
        instant = max(self.now(), self.latest() + 1)
        return Version(resource_type, resource_id, number, instant, method, None)

    def _digest(self, version: Version) -> bytes | None:
        found = self.rows("SELECT digest FROM version WHERE instant = ?", (version.instant,))
        return found[0][0] if found else None

    def _append(
        self, version: Version, previous: Version | None, content: str | None, digest: bytes | None
    ) -> Version:
        if previous is not None:
            self._connection.execute(
                "UPDATE version SET superseded = ? WHERE instant = ?",
                (version.instant, previous.instant),
            )
        stored = Version(
            version.type, version.id, version.number, version.instant, version.method, content
        )
        self._connection.execute(
            "INSERT INTO version (type, id, number, instant, method, content, digest)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (*_as_row(stored), digest),
        )
        return stored

    def _index(self, resource: dict[str, Any], version: Version, base: str) -> None:
        rows = index_rows(resource, base)
        head, tail = version.type, version.instant
        insert = self._connection.executemany
        insert("INSERT INTO token VALUES (?,?,?,?,?)", [(head, *row, tail) for row in rows.tokens])
        insert(
            "INSERT INTO reference VALUES (?,?,?,?,?,?)",
            [(head, *row, tail) for row in rows.references],
        )
        insert("INSERT INTO date VALUES (?,?,?,?,?)", [(head, *row, tail) for row in rows.dates])

    @contextlib.contextmanager
    def trial(self) -> Iterator[None]:
        """Undo on leaving all that was stored within."""
        self._connection.execute("SAVEPOINT trial")
        try:
            yield
        finally:
            self._connection.execute("ROLLBACK TO trial")
            self._connection.execute("RELEASE trial")


class Store:
    """A database file, or a temporary one that goes when the store is closed."""

    def __init__(self, database: str | Path | None, clock: Clock) -> None:
        self._clock = clock
        self._idle: deque[sqlite3.Connection] = deque()
        self._write_lock = threading.Lock()
        self._closed = False
        if database is None:
            folder = tempfile.mkdtemp(prefix="fhir-sandbox-")
            self._remove = weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
            database = Path(folder) / "sandbox.sqlite"
        self.path = Path(database)
        self._prepare()

    @contextlib.contextmanager
    def reading(self) -> Iterator[Session]:
        """Give a session that sees one state of the database throughout."""
        with self._connection() as connection:
            connection.execute("BEGIN")
            try:
                yield Session(connection, self._clock)
            finally:
                connection.execute("ROLLBACK")

    @contextlib.contextmanager
    def writing(self) -> Iterator[Session]:
        """Give the one writing session; all of it is committed, or on an exception nothing."""
        with self._write_lock, self._connection() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield Session(connection, self._clock)
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise

    def close(self) -> None:
        """Close the database; a temporary one is removed."""
        self._closed = True
        while self._idle:
            self._idle.pop().close()
        if hasattr(self, "_remove"):
            self._remove()

    @contextlib.contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        try:
            connection = self._idle.pop()
        except IndexError:
            connection = self._connect()
        try:
            yield connection
        finally:
            if self._closed:
                connection.close()
            else:
                self._idle.append(connection)

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self.path, timeout=30, isolation_level=None, check_same_thread=False
        )
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA temp_store = MEMORY")
        return connection

    def _prepare(self) -> None:
        try:
            _check_header(self.path)
            with self._connection() as connection:
                self._create(connection)
        except (sqlite3.DatabaseError, OSError) as error:
            self.close()
            text = f"{self.path} cannot be opened as a sandbox database ({error})."
            raise SettingsError(INVALID_DATABASE.issue(text)) from error

    def _create(self, connection: sqlite3.Connection) -> None:
        connection.execute("BEGIN IMMEDIATE")
        try:
            self._create_or_check(connection)
            connection.execute("COMMIT")
        finally:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
        connection.execute("PRAGMA journal_mode = WAL")  # not before the file is known as ours

    def _create_or_check(self, connection: sqlite3.Connection) -> None:
        tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        if not tables:
            script = files("fhir_backpain.sandbox").joinpath("schema.sql").read_text("utf-8")
            for statement in script.split(";\n"):
                connection.execute(statement)
            connection.execute(f"PRAGMA application_id = {_APPLICATION}")
            connection.execute(f"PRAGMA user_version = {_SCHEMA}")
        mark = [
            connection.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("application_id", "user_version")
        ]
        if mark != [_APPLICATION, _SCHEMA]:
            raise sqlite3.DatabaseError("it was made by something else")


def _check_header(path: Path) -> None:
    """Refuse a file that is no database: SQLite itself overwrites a very short one."""
    if path.exists():
        with path.open("rb") as file:
            if file.read(16) not in (b"", b"SQLite format 3\0"):
                raise sqlite3.DatabaseError("it is no SQLite database")


def _as_row(version: Version) -> tuple[Any, ...]:
    return (
        version.type, version.id, version.number, version.instant, version.method, version.content,
    )  # fmt: skip


def _stamped(resource: dict[str, Any], version: Version) -> dict[str, Any]:
    """Return the resource with its id and the server's own meta, which come first."""
    meta = {
        **resource.get("meta", {}),
        "versionId": str(version.number),
        "lastUpdated": version.last_updated,
    }
    rest = {
        key: value for key, value in resource.items() if key not in ("resourceType", "id", "meta")
    }
    return {"resourceType": version.type, "id": version.id, "meta": meta, **rest}
