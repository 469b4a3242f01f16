"""One place says which store it is, and the commands take it as it is."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from store_records import record

from fhir_backpain.outbox.opening import has_store, open_store, shown_place
from fhir_backpain.outbox.postgres import PostgresStore
from fhir_backpain.outbox.sqlite import SqliteStore

ROOT = Path(__file__).parents[2]
SERVER = "http://127.0.0.1:9/fhir"


def test_a_path_is_a_file_and_a_url_a_database(postgres: Any, tmp_path: Path) -> None:
    path = tmp_path / "o.db"
    assert not has_store(path)
    with open_store(path) as store:
        assert isinstance(store, SqliteStore)
    assert has_store(str(path))
    assert shown_place(path) == str(path)
    url = postgres.create_database()
    with open_store(url) as store:
        assert isinstance(store, PostgresStore)
    assert has_store(url)


@pytest.mark.parametrize("by_environment", [True, False])
def test_the_commands_work_on_a_database(postgres: Any, by_environment: bool) -> None:
    url = postgres.create_database()
    with open_store(url) as store:
        store.append([record("r1")], SERVER, "m1")
    options = [] if by_environment else ["--outbox", url]
    environment = {"FHIR_BACKPAIN_STATUS_OUTBOX": url} if by_environment else {}
    done = subprocess.run(
        [sys.executable, "-m", "fhir_backpain.cli", "status", "--json", *options],
        cwd=ROOT, env={**os.environ, **environment}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert json.loads(done.stdout)["servers"][SERVER]["records"] == {"queued": 1}


def test_notes_are_kept(postgres: Any, tmp_path: Path) -> None:
    for place in (str(tmp_path / "o.db"), postgres.create_database()):
        with open_store(place) as store:
            assert store.note("a") is None
            store.keep_note("a", "one")
            store.keep_note("a", "two")
        with open_store(place) as store:
            assert store.note("a") == "two"
