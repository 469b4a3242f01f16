"""The words in which the schema differs from database to database."""

from __future__ import annotations

_SQLITE = {
    "own_number": "INTEGER PRIMARY KEY",
    "given_number": "INTEGER PRIMARY KEY AUTOINCREMENT",
    "number": "INTEGER",
    "flag": "INTEGER",
    "double": "REAL",
    "text": "TEXT",
    "by_key": " WITHOUT ROWID",
}
_POSTGRESQL = {
    "own_number": "bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY",
    "given_number": "bigint PRIMARY KEY",
    "number": "bigint",
    "flag": "smallint",
    "double": "double precision",
    # Sorted by its characters, as in SQLite, whatever the language of the server.
    "text": 'text COLLATE "C"',
    "by_key": "",
}


def words(database: str) -> dict[str, str]:
    """Return the words of ``sqlite`` or ``postgresql``."""
    return _SQLITE if database == "sqlite" else _POSTGRESQL
