"""One use of a PostgreSQL outbox: the statements of the outbox in the words of PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from fhir_backpain.outbox.database import Columns, Counter, Given

if TYPE_CHECKING:
    import psycopg

CHANNEL = "fhir_backpain_outbox"
_TYPES = {int: "bigint", float: "double precision", str: "text"}


class PostgresSession:
    """See `Session`. Rows of patients are locked, so that many workers write at a time."""

    lock = " FOR UPDATE"
    lock_free = " FOR UPDATE SKIP LOCKED"
    current_turn = "(SELECT last_value FROM turn_number)"
    open_entries = """
SELECT {columns} FROM {given} k JOIN patient p ON p.id = k.patient
CROSS JOIN LATERAL (
  SELECT * FROM entry o WHERE o.patient = k.patient AND o.state IN ('queued', 'unclear')
  ORDER BY o.position LIMIT ?) e
ORDER BY k.place, e.position
"""

    def __init__(self, connection: psycopg.Connection[tuple[Any, ...]]) -> None:
        self._connection = connection

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> psycopg.Cursor[tuple[Any, ...]]:
        """Run one statement."""
        return self._connection.execute(_in_psycopg(sql), parameters)

    def given(self, columns: Columns, rows: Iterable[Sequence[Any]]) -> Given:
        """Return rows as a table, by way of one array for each column."""
        arrays: list[list[Any]] = [list(column) for column in zip(*rows, strict=True)]
        places = ", ".join(f"?::{_TYPES[kind]}[]" for kind in columns.values())
        table = f"(SELECT * FROM unnest({places}) AS listed ({', '.join(columns)}))"  # noqa: S608
        return Given(table, arrays or [[] for _ in columns])

    def insert(self, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """Insert many rows by COPY."""
        text = f"COPY {table} ({', '.join(columns)}) FROM STDIN"
        with (
            self._connection.cursor() as cursor,
            cursor.copy(text) as copy,
        ):
            for row in rows:
                copy.write_row(row)

    def take_numbers(self, counter: Counter, count: int) -> list[int]:
        """Return the next numbers of a sequence; other workers may take some between them."""
        rows = self.execute(
            "SELECT nextval(?::regclass) FROM generate_series(1, ?)", (f"{counter}_number", count)
        )
        return [number for (number,) in rows.fetchall()]

    def announce(self, server: str) -> None:
        """Notify those who listen, when the transaction is committed."""
        self.execute("SELECT pg_notify(?, ?)", (CHANNEL, signal_of(server)))


def signal_of(server: str) -> str:
    """Return what notifications about a server say: no more than tells servers apart."""
    return sha256(server.encode()).hexdigest()[:32]


@lru_cache(maxsize=256)
def _in_psycopg(sql: str) -> str:
    """Return a statement with psycopg's marks of parameters."""
    return sql.replace("%", "%%").replace("?", "%s")
