"""Each row over each store: SQLite, and PostgreSQL where there is one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fhir_backpain.outbox.opening import open_store
from fhir_backpain.outbox.store import Store

Opener = Callable[[], Store]


@pytest.fixture(params=["sqlite", "postgres"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where the outbox of a test is; worker processes open it by this name."""
    if request.param == "sqlite":
        return str(tmp_path / "outbox.db")
    url: str = request.getfixturevalue("postgres").create_database()
    return url


@pytest.fixture
def opened(place: str) -> Iterator[Opener]:
    """Open the outbox again and again, as so many processes would."""
    stores: list[Store] = []

    def one() -> Store:
        stores.append(open_store(place))
        return stores[-1]

    yield one
    for store in stores:
        store.close()


@pytest.fixture
def store(opened: Opener) -> Store:
    return opened()
