"""The stores that the contract is run on, with clocks in the test's hand."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from store_records import HandClock, Opener

from fhir_backpain.outbox.postgres import PostgresStore
from fhir_backpain.outbox.sqlite import SqliteStore
from fhir_backpain.outbox.store import Store


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture(params=["sqlite", "postgres"])
def open_store(
    request: pytest.FixtureRequest, tmp_path: Path, clock: HandClock
) -> Iterator[Opener]:
    """Open the same outbox again and again, as so many processes would."""
    opened: list[Store] = []
    schema = f"outbox_{uuid.uuid4().hex}"
    url = request.getfixturevalue("postgres_url") if request.param == "postgres" else ""

    def open_one() -> Store:
        store: Store
        if url:
            store = PostgresStore(url, clock=clock, schema=schema)
        else:
            store = SqliteStore(tmp_path / "outbox.db", clock=clock)
        opened.append(store)
        return store

    yield open_one
    for store in opened:
        store.close()


@pytest.fixture
def store(open_store: Opener) -> Store:
    return open_store()
