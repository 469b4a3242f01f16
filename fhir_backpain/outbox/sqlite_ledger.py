"""The ledger of a SQLite outbox."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any

from fhir_backpain.outbox.ledger import LedgerRow, read_key, write_key
from fhir_backpain.record import RecordKey

_SELECT = """
SELECT l.url, l.content_hash, l.version_id, o.record_key, l.as_of, l.written_at, l.shared, l.retired
FROM ledger l JOIN origin o ON o.id = l.origin
"""
_BY_URL = f"{_SELECT} WHERE l.server = ? AND l.url IN (SELECT value FROM json_each(?))"  # noqa: S608
_OWN = f"""
{_SELECT} WHERE o.server = ? AND o.record_key IN (SELECT value FROM json_each(?))
AND l.shared = 0 AND l.retired IS NULL ORDER BY l.url
"""  # noqa: S608
_HELD = "server = ? AND retired IS NOT 'deleted'"
_PUT = """
INSERT INTO ledger
  (server, url, content_hash, version_id, origin, as_of, written_at, shared, retired)
SELECT ?, ?, ?, ?, id, ?, ?, ?, ? FROM origin WHERE server = ? AND record_key = ?
ON CONFLICT (server, url) DO UPDATE SET
  content_hash = excluded.content_hash, version_id = excluded.version_id,
  origin = excluded.origin, as_of = excluded.as_of, written_at = excluded.written_at,
  shared = excluded.shared, retired = excluded.retired
"""


def read_rows(
    connection: sqlite3.Connection, server: str, urls: Iterable[str]
) -> dict[str, LedgerRow]:
    """Return the rows of some URLs."""
    rows = connection.execute(
        _BY_URL,
        (server, json.dumps(list(urls))),
    )
    return {row[0]: _row(row) for row in rows}


def own_rows(
    connection: sqlite3.Connection, server: str, keys: Iterable[RecordKey]
) -> list[LedgerRow]:
    """Return the rows of what some records alone made and have not retired."""
    rows = connection.execute(
        _OWN,
        (server, json.dumps([write_key(key) for key in keys])),
    )
    return [_row(row) for row in rows]


def size(connection: sqlite3.Connection, server: str) -> int:
    """Return how many resources the server holds."""
    found = connection.execute(
        f"SELECT count(*) FROM ledger WHERE {_HELD}",  # noqa: S608
        (server,),
    )
    return int(found.fetchone()[0])


def held_urls(connection: sqlite3.Connection, server: str, after: str, limit: int) -> list[str]:
    """Return a page of the URLs of what the server holds, sorted."""
    rows = connection.execute(
        f"SELECT url FROM ledger WHERE {_HELD} AND url > ? ORDER BY url LIMIT ?",  # noqa: S608
        (server, after, limit),
    )
    return [url for (url,) in rows]


def write_rows(connection: sqlite3.Connection, server: str, rows: Sequence[LedgerRow]) -> None:
    """Put rows in the place of those of the same URL."""
    connection.executemany(
        "INSERT OR IGNORE INTO origin (server, record_key) VALUES (?, ?)",
        dict.fromkeys((server, write_key(row.key)) for row in rows),
    )
    connection.executemany(
        _PUT,
        [
            (server, row.url, row.content_hash, row.version_id, row.as_of, row.written_at,
             row.shared, row.retired, server, write_key(row.key))
            for row in rows
        ],
    )  # fmt: skip


def _row(row: tuple[Any, ...]) -> LedgerRow:
    url, digest, version_id, key, as_of, written_at, shared, retired = row
    return LedgerRow(
        url, digest, version_id, read_key(key), as_of, written_at, bool(shared), retired
    )
