"""Each row over each store: SQLite, and PostgreSQL where there is one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from fhir_backpain.client.client import FhirClient
from fhir_backpain.outbox.opening import open_store
from fhir_backpain.outbox.store import Store
from fhir_backpain.sandbox.faults import FaultRule
from fhir_backpain.sandbox.server import SandboxServer
from fhir_backpain.sync.push import Dispatcher
from fhir_backpain.sync.push_options import PushOptions
from tests.unit.sync.sync_world import QUICK, PlainRenderer

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


@pytest.fixture
def server() -> Iterator[SandboxServer]:
    with SandboxServer() as running:
        yield running


@pytest.fixture
def client(server: SandboxServer) -> Iterator[FhirClient]:
    with FhirClient(server.base_url, deadline=10) as opened_client:
        yield opened_client


@pytest.fixture
def dispatcher(store: Store, client: FhirClient) -> Dispatcher:
    return Dispatcher(store, client, PlainRenderer(), options=PushOptions(retry=QUICK))


@pytest.fixture
def fault(server: SandboxServer) -> Callable[..., FaultRule]:
    """Add a fault rule to the server."""

    def add(kind: str, settings: dict[str, Any] | None = None, **match: Any) -> FaultRule:
        rule = FaultRule(kind, settings or {}, **match)
        server.faults.add(rule)
        return rule

    return add
