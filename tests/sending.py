"""A real sandbox server, faults of it, and what sends to it from the store of a test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from fhir_backpain.client.client import FhirClient
from fhir_backpain.outbox.store import Store
from fhir_backpain.sandbox.faults import FaultRule
from fhir_backpain.sandbox.server import SandboxServer
from fhir_backpain.sync.push import Dispatcher
from fhir_backpain.sync.push_options import PushOptions
from tests.unit.sync.sync_world import QUICK, PlainRenderer


@pytest.fixture
def server() -> Iterator[SandboxServer]:
    with SandboxServer() as running:
        yield running


@pytest.fixture
def client(server: SandboxServer) -> Iterator[FhirClient]:
    with FhirClient(server.base_url, deadline=10) as opened:
        yield opened


@pytest.fixture
def dispatcher(store: Store, client: FhirClient) -> Dispatcher:
    """Send from the test's own `store` what a made-up mapping makes."""
    return Dispatcher(store, client, PlainRenderer(), options=PushOptions(retry=QUICK))


@pytest.fixture
def fault(server: SandboxServer) -> Callable[..., FaultRule]:
    """Add a fault rule to the server."""

    def add(kind: str, settings: dict[str, Any] | None = None, **match: Any) -> FaultRule:
        rule = FaultRule(kind, settings or {}, **match)
        server.faults.add(rule)
        return rule

    return add
