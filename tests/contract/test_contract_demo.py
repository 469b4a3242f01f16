"""The demo against a real HAPI server; what HAPI then holds must satisfy HL7's validator."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from fhir_backpain.client.client import FhirClient
from fhir_backpain.demo.walk import DemoWalk
from fhir_backpain.fhir import json_text
from fhir_backpain.hl7.validator import Validator
from fhir_backpain.mapping.mapper import load_mapper
from fhir_backpain.outbox.sqlite import SqliteStore

PATIENTS = 8


@pytest.mark.server
@pytest.mark.validator
def test_what_hapi_holds_of_the_demo_is_valid(
    hapi: str, profile_validator: Validator, tmp_path: Path
) -> None:
    lines: list[str] = []
    result = DemoWalk(hapi, tmp_path, load_mapper(), lines.append, patients=PATIENTS).run()
    assert result.posted == 3
    resources = list(held_resources(hapi, tmp_path / "outbox.sqlite"))
    assert len(resources) == sum(result.on_server.values())
    errors: Counter[str] = Counter()
    texts = [json_text.dump(resource).encode() for resource in resources]
    for resource, issues in zip(resources, profile_validator.validate_many(texts), strict=True):
        for issue in issues:
            if issue.is_error:
                errors[f"{resource['resourceType']}: {issue.message}"] += 1
    assert not errors


def held_resources(server: str, outbox: Path) -> list[dict[str, Any]]:
    """Read from the server every resource that the outbox says it holds."""
    store = SqliteStore(outbox)
    try:
        urls = list(store.ledger_urls(server))
    finally:
        store.close()
    with FhirClient(server) as client:
        return [client.read(*url.split("/")).resource or {} for url in urls]
