"""Generated requests to every operation of the gateway: no 5xx, and every answer as documented."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.schemas import APIOperation, BaseSchema
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from fhir_backpain.client.client import FhirClient
from fhir_backpain.gateway.app import create_app
from fhir_backpain.gateway.runner import Gateway
from fhir_backpain.gateway.settings import GatewaySettings
from fhir_backpain.mapping.mapper import load_mapper
from fhir_backpain.outbox.sqlite import SqliteStore
from fhir_backpain.sandbox.server import SandboxServer

EXAMPLES = 40
CHECKS = (
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
)


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BaseSchema]:
    """The document of a gateway that sends to a sandbox."""
    place = tmp_path_factory.mktemp("gateway") / "outbox.sqlite"
    mapper = load_mapper()
    with (
        SandboxServer() as server,
        SqliteStore(place) as store,
        FhirClient(server.base_url) as client,
    ):
        gateway = Gateway(store, mapper, client)
        gateway.start()
        try:
            app = create_app(
                GatewaySettings(server.base_url, place), store=store, mapper=mapper, gateway=gateway
            )
            yield schemathesis.openapi.from_wsgi("/openapi.json", app)
        finally:
            gateway.stop()


def test_every_answer_is_as_documented(api: BaseSchema) -> None:
    operations = [found.ok() for found in api.get_all_operations()]
    assert len(operations) > 10
    for operation in operations:
        check(operation)


def check(operation: APIOperation[Any, Any, Any, Any]) -> None:
    """Send many requests, right and wrong ones, to one operation."""

    @given(
        case=st.one_of(
            operation.as_strategy(generation_mode=GenerationMode.POSITIVE),
            operation.as_strategy(generation_mode=GenerationMode.NEGATIVE),
        )
    )
    @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
    def send(case: Case) -> None:
        case.call_and_validate(checks=CHECKS)

    send()
