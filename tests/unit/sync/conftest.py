"""A made-up mapping, records for it, and a real sandbox server to push to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sync_world import QUICK, PlainRenderer

from fhir_backpain.client.client import FhirClient
from fhir_backpain.outbox.sqlite import SqliteStore
from fhir_backpain.sandbox.faults import FaultRule
from fhir_backpain.sandbox.server import SandboxServer
from fhir_backpain.sync.push import Dispatcher
from fhir_backpain.sync.push_options import PushOptions


@pytest.fixture
def server() -> Iterator[SandboxServer]:
    with SandboxServer() as running:
        yield running


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    with SqliteStore(tmp_path / "outbox.db") as opened:
        yield opened


@pytest.fixture
def client(server: SandboxServer) -> Iterator[FhirClient]:
    with FhirClient(server.base_url, deadline=10) as opened:
        yield opened


@pytest.fixture
def dispatcher(store: SqliteStore, client: FhirClient) -> Dispatcher:
    return Dispatcher(store, client, PlainRenderer(), options=PushOptions(retry=QUICK))


@pytest.fixture
def fault(server: SandboxServer) -> Callable[..., FaultRule]:
    """Add a fault rule to the server."""

    def add(kind: str, settings: dict[str, Any] | None = None, **match: Any) -> FaultRule:
        rule = FaultRule(kind, settings or {}, **match)
        server.faults.add(rule)
        return rule

    return add
