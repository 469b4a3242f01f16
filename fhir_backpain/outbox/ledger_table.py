"""Reading and writing the ledger of an outbox."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from fhir_backpain.outbox.database import Session, among
from fhir_backpain.outbox.ledger import LedgerRow, read_key, write_key
from fhir_backpain.record import RecordKey

_SELECT = """
SELECT l.url, l.content_hash, l.version_id, o.record_key, l.as_of, l.written_at, l.shared, l.retired
FROM ledger l JOIN origin o ON o.id = l.origin
"""
_HELD = "server = ? AND coalesce(retired, '') <> 'deleted'"
_ROW = {
    "url": str, "content_hash": str, "version_id": str, "record_key": str, "as_of": str,
    "written_at": str, "shared": int, "retired": str,
}  # fmt: skip
_PUT = """
INSERT INTO ledger
  (server, url, content_hash, version_id, origin, as_of, written_at, shared, retired)
SELECT o.server, k.url, k.content_hash, k.version_id, o.id, k.as_of, k.written_at, k.shared,
  k.retired
FROM {0} k JOIN origin o ON o.server = ? AND o.record_key = k.record_key
WHERE 1 = 1 ORDER BY k.url
ON CONFLICT (server, url) DO {1}
"""
_REPLACED = """UPDATE SET
  content_hash = excluded.content_hash, version_id = excluded.version_id,
  origin = excluded.origin, as_of = excluded.as_of, written_at = excluded.written_at,
  shared = excluded.shared, retired = excluded.retired
"""


def read_rows(session: Session, server: str, urls: Iterable[str]) -> dict[str, LedgerRow]:
    """Return the rows of some URLs."""
    listed, given = among(session, str, urls)
    rows = session.execute(f"{_SELECT} WHERE l.server = ? AND l.url {listed}", [server, *given])
    return {row[0]: _row(row) for row in rows.fetchall()}


def own_rows(session: Session, server: str, keys: Iterable[RecordKey]) -> list[LedgerRow]:
    """Return the rows of what some records alone made and have not retired."""
    listed, given = among(session, str, map(write_key, keys))
    rows = session.execute(
        f"{_SELECT} WHERE o.server = ? AND o.record_key {listed}"
        " AND l.shared = 0 AND l.retired IS NULL ORDER BY l.url",
        [server, *given],
    )
    return [_row(row) for row in rows.fetchall()]


def size(session: Session, server: str) -> int:
    """Return how many resources the server holds."""
    found = session.execute(f"SELECT count(*) FROM ledger WHERE {_HELD}", (server,))  # noqa: S608
    return int(found.fetchone()[0])


def held_urls(session: Session, server: str, after: str, limit: int) -> list[str]:
    """Return a page of the URLs of what the server holds, sorted."""
    rows = session.execute(
        f"SELECT url FROM ledger WHERE {_HELD} AND url > ? ORDER BY url LIMIT ?",  # noqa: S608
        (server, after, limit),
    )
    return [url for (url,) in rows.fetchall()]


def held_rows(
    session: Session,
    server: str,
    resource_type: str,
    after: str,
    since: str,
    until: str,
    limit: int,
) -> list[LedgerRow]:
    """Return a page of the rows of one type that were not retired, sorted by URL."""
    rows = session.execute(
        f"{_SELECT} WHERE l.server = ? AND l.url > ? AND l.url < ? AND l.retired IS NULL"
        " AND l.written_at >= ? AND l.written_at < ? ORDER BY l.url LIMIT ?",
        # The character behind the slash ends the type.
        (server, max(after, f"{resource_type}/"), f"{resource_type}0", since, until, limit),
    )
    return [_row(row) for row in rows.fetchall()]


def met(
    session: Session, server: str, rows: Sequence[LedgerRow], known: Mapping[str, str]
) -> set[RecordKey]:
    """Return the records whose writes of a shared resource did not know of each other.

    The rows in question are kept from other writers until the transaction ends.
    """
    shared = sorted((row for row in rows if row.shared), key=lambda row: row.url)
    if not shared:
        return set()
    # A row that another is about to insert can be waited for, but not be locked: so it is tried.
    write_rows(session, server, [row for row in shared if not known.get(row.url)], in_place=False)
    table, given = session.given(
        {"url": str, "content_hash": str, "known": str},
        [(row.url, row.content_hash, known.get(row.url, "")) for row in shared],
    )
    found = session.execute(
        "SELECT l.url, o.record_key"  # noqa: S608
        # The cross joins keep the order of the tables: each row is found by its URL.
        f" FROM {table} k CROSS JOIN ledger l CROSS JOIN origin o"
        " WHERE l.server = ? AND l.url = k.url AND o.id = l.origin"
        " AND l.content_hash <> k.content_hash AND l.content_hash <> k.known"
        f" ORDER BY l.url{session.lock}",
        [*given, server],
    )
    others = {url: read_key(text) for url, text in found.fetchall()}
    pairs = [(row.key, others[row.url]) for row in shared if row.url in others]
    return {key for mine, other in pairs if mine != other for key in (mine, other)}


def write_rows(
    session: Session, server: str, rows: Sequence[LedgerRow], *, in_place: bool = True
) -> None:
    """Put rows in the place of those of the same URL; the last one counts where there are two.

    Without `in_place` those that are there stay.
    """
    if not rows:
        return
    by_url = {row.url: (row, write_key(row.key)) for row in rows}
    # Sorted, so that two writers take the same rows in the same order.
    keys, given = session.given(
        {"record_key": str}, [(key,) for key in sorted({key for _, key in by_url.values()})]
    )
    session.execute(
        "INSERT INTO origin (server, record_key)"  # noqa: S608
        f" SELECT ?, k.record_key FROM {keys} k WHERE 1 = 1 ORDER BY 2 ON CONFLICT DO NOTHING",
        [server, *given],
    )
    table, given = session.given(
        _ROW,
        [
            (row.url, row.content_hash, row.version_id, key, row.as_of, row.written_at,
             int(row.shared), row.retired)
            for row, key in by_url.values()
        ],
    )  # fmt: skip
    done = _REPLACED if in_place else "NOTHING"
    session.execute(_PUT.format(table, done), [*given, server])


def _row(row: Sequence[Any]) -> LedgerRow:
    url, digest, version_id, key, as_of, written_at, shared, retired = row
    return LedgerRow(
        url, digest, version_id, read_key(key), as_of, written_at, bool(shared), retired
    )
