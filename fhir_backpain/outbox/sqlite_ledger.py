"""The ledger of a SQLite outbox."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable

from fhir_backpain.outbox.ledger import LedgerRow, read_key, write_key


def read_rows(
    connection: sqlite3.Connection, server: str, urls: Iterable[str]
) -> dict[str, LedgerRow]:
    """Return the rows of some URLs."""
    rows = connection.execute(
        "SELECT url, content_hash, version_id, record_key, as_of, written_at FROM ledger"
        " WHERE server = ? AND url IN (SELECT value FROM json_each(?))",
        (server, json.dumps(list(urls))),
    )
    return {
        url: LedgerRow(url, digest, version_id, read_key(key), as_of, written_at)
        for url, digest, version_id, key, as_of, written_at in rows
    }


def write_rows(connection: sqlite3.Connection, server: str, rows: Iterable[LedgerRow]) -> None:
    """Put rows in the place of those of the same URL."""
    connection.executemany(
        "INSERT INTO ledger (server, url, content_hash, version_id, record_key, as_of, written_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (server, url) DO UPDATE SET"
        " content_hash = excluded.content_hash, version_id = excluded.version_id,"
        " record_key = excluded.record_key, as_of = excluded.as_of,"
        " written_at = excluded.written_at",
        [
            (server, row.url, row.content_hash, row.version_id, write_key(row.key), row.as_of,
             row.written_at)
            for row in rows
        ],
    )  # fmt: skip
