"""One use of a SQLite outbox: the statements of the outbox in the words of SQLite."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from fhir_backpain.outbox.database import Columns, Counter, Given

_encode = msgspec.json.Encoder().encode


class SqliteSession:
    """See `Session`. SQLite has one writer at a time: nothing needs to be locked."""

    lock = lock_free = ""
    current_turn = "(SELECT value FROM counter WHERE name = 'turn')"
    # The cross joins keep the order of the tables: each entry is found by its number.
    open_entries = """
SELECT {columns} FROM {given} k CROSS JOIN patient p CROSS JOIN entry e
WHERE p.id = k.patient AND e.id IN (
  SELECT o.id FROM entry o WHERE o.patient = k.patient AND o.state IN ('queued', 'unclear')
  ORDER BY o.position LIMIT ?)
ORDER BY k.place, e.position
"""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> sqlite3.Cursor:
        """Run one statement."""
        return self._connection.execute(sql, parameters)

    def given(self, columns: Columns, rows: Iterable[Sequence[Any]]) -> Given:
        """Return rows as a table, by way of one JSON text."""
        picked = ", ".join(
            f"json_extract(value, '$[{number}]') AS {name}" for number, name in enumerate(columns)
        )
        text = _encode([*rows]).decode()
        return Given(f"(SELECT {picked} FROM json_each(?))", [text])  # noqa: S608

    def insert(self, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """Insert many rows."""
        places = ", ".join("?" * len(columns))
        self._connection.executemany(
            f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({places})",  # noqa: S608
            rows,
        )

    def take_numbers(self, counter: Counter, count: int) -> range:
        """Return numbers that no one had; those of entries are used up once they are inserted."""
        if counter == "entry":
            row = self.execute("SELECT seq FROM sqlite_sequence WHERE name = 'entry'").fetchone()
            last = int((row or (0,))[0])
            return range(last + 1, last + count + 1)
        (last,) = self.execute(
            "UPDATE counter SET value = value + ? WHERE name = ? RETURNING value", (count, counter)
        ).fetchone()
        return range(last - count + 1, last + 1)

    def announce(self, server: str) -> None:
        """Do nothing: the workers of other processes look again after a while."""
