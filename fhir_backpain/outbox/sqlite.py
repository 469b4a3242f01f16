"""The outbox in a SQLite file: write-ahead log, every commit on disk before it is acknowledged."""

from __future__ import annotations

from pathlib import Path

from fhir_backpain.outbox.act import Via, actor_of_process
from fhir_backpain.outbox.clock import Clock, SystemClock
from fhir_backpain.outbox.file_presence import FilePresence
from fhir_backpain.outbox.sql_store import SqlStore
from fhir_backpain.outbox.sqlite_database import SqliteDatabase, translated


class SqliteStore(SqlStore):
    """A store in one file, made where it does not exist; see `Store` for what it promises.

    Several processes of one machine may use the file at the same time. Raises OutboxError where
    the file is damaged, is no outbox or was written by a newer version: it is left as it is.
    """

    def __init__(
        self,
        path: Path | str,
        *,
        clock: Clock | None = None,
        busy_seconds: float = 5.0,
        via: Via = "library",
    ) -> None:
        self.path = Path(path)
        database = SqliteDatabase(self.path, busy_seconds)
        actor = actor_of_process(via)
        super().__init__(database, clock or SystemClock(), self._join_file, actor)

    def _join_file(self) -> FilePresence:
        with translated(self.path):
            return FilePresence(Path(f"{self.path}-workers"))
