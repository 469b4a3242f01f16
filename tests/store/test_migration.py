"""An outbox of an earlier release becomes one of this release, with all that it held."""

from __future__ import annotations

import json
import re
import sqlite3
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from store_records import HandClock, record

from fhir_backpain.errors import OutboxError
from fhir_backpain.outbox.migration import REVISIONS
from fhir_backpain.outbox.sqlite import SqliteStore
from fhir_backpain.record import key_of

HERE = Path(__file__).parent
SERVER = "https://fhir.example/r4"
LOST = key_of(record("r4", "p4").data)


def released(path: Path) -> Path:
    """Make the outbox that the release before the version table left behind."""
    with sqlite3.connect(path) as connection:
        connection.executescript((HERE / "released_0001.sql").read_text("utf-8"))
    connection.close()
    return path


def shown(store: SqliteStore) -> dict[str, Any]:
    entries = store.entries(limit=99)
    return {
        "entries": [asdict(one) | {"key": list(asdict(one.key).values())} for one in entries],
        "data": {one.id: texts(store.data(one.id)) for one in entries},
        "attempts": {one.id: [asdict(item) for item in store.attempts(one.id)] for one in entries},
        "ledger": {
            url: asdict(row)
            for url, row in store.ledger(
                SERVER, ["Observation/a", "Patient/b", "Provenance/c", "Observation/d"]
            ).items()
        },
        "lost": [
            texts(one) for one in store.lost_versions(SERVER, key_of(record("r4", "p4").data))
        ],
        "next_due": store.next_due(SERVER),
    }


def texts(data: dict[str, Any]) -> dict[str, str]:
    return {name: str(value) for name, value in data.items()}


def schema_of(path: Path) -> dict[str, str]:
    connection = sqlite3.connect(path)
    rows = connection.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL")
    found = {name: re.sub(r"\s+", " ", re.sub(r"--[^\n]*", "", sql)).strip() for name, sql in rows}
    connection.close()
    return found


def test_nothing_of_a_released_outbox_is_lost(tmp_path: Path) -> None:
    clock = HandClock()
    clock.pass_seconds(1)
    expected = json.loads((HERE / "released_0001.json").read_text("utf-8"))
    with SqliteStore(released(tmp_path / "o.db"), clock=clock) as store:
        found = json.loads(json.dumps(shown(store)))
        assert found == expected
        # The lease of the worker that never came back is taken over, and work goes on.
        clock.pass_seconds(4000)
        leased = store.lease(SERVER, "w", 99, 60)
        assert any(one.read_back for one in leased)
        (receipt,) = store.append([record("new", "p0")], SERVER, "m2")
        assert store.entries(SERVER, limit=99)[-1].id == receipt.id


def test_a_migrated_outbox_has_the_schema_of_a_new_one(tmp_path: Path) -> None:
    SqliteStore(released(tmp_path / "old.db")).close()
    SqliteStore(tmp_path / "new.db").close()
    assert schema_of(tmp_path / "old.db") == schema_of(tmp_path / "new.db")


def test_the_program_knows_the_migrations_that_are_shipped() -> None:
    from alembic.script import ScriptDirectory

    import fhir_backpain.outbox.migrations as folder

    script = ScriptDirectory(folder.__path__[0], version_locations=list(folder.__path__))
    shipped = [one.revision for one in script.walk_revisions()]
    assert tuple(reversed(shipped)) == REVISIONS


def test_an_outbox_that_is_up_to_date_is_opened_without_the_migration_tool(
    tmp_path: Path,
) -> None:
    import subprocess
    import sys

    SqliteStore(tmp_path / "o.db").close()
    script = (
        "import sys\n"
        "from fhir_backpain.outbox.sqlite import SqliteStore\n"
        "SqliteStore(sys.argv[1]).close()\n"
        "sys.exit(bool({'alembic', 'sqlalchemy', 'psycopg'} & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", script, tmp_path / "o.db"], check=False)
    assert done.returncode == 0


def test_programs_before_the_version_table_see_a_number_that_they_refuse(tmp_path: Path) -> None:
    SqliteStore(released(tmp_path / "o.db")).close()
    connection = sqlite3.connect(tmp_path / "o.db")
    assert connection.execute("PRAGMA user_version").fetchone()[0] > 1
    connection.close()


def test_a_locked_outbox_is_not_migrated_now(tmp_path: Path) -> None:
    path = released(tmp_path / "o.db")
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(OutboxError) as caught:
        SqliteStore(path, busy_seconds=0.05)
    assert caught.value.issues[0].code == "lock-error"
    other.execute("ROLLBACK")
    other.close()
    SqliteStore(path).close()
