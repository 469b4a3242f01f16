"""A Bundle puts each resource at its own id, in the given order."""

from __future__ import annotations

import json

import pytest
from fhir.resources.R4B.bundle import Bundle

from fhir_backpain.fhir.bundle import BundleType, put_bundle
from fhir_backpain.fhir.resource import MadeResource

PATIENT = MadeResource("Patient", "p-1", '{"resourceType":"Patient","id":"p-1"}', shared=True)
GOAL = MadeResource(
    "Observation",
    "o-1",
    '{"resourceType":"Observation","id":"o-1","status":"final","code":{"text":"x"},'
    '"valueQuantity":{"value":1.50}}',
)


@pytest.mark.parametrize("kind", ["transaction", "batch"])
def test_each_resource_is_put_at_its_address(kind: BundleType) -> None:
    text = put_bundle([PATIENT, GOAL], kind)
    bundle = json.loads(text)
    Bundle.model_validate_json(text)
    assert bundle["type"] == kind
    assert [entry["request"] for entry in bundle["entry"]] == [
        {"method": "PUT", "url": "Patient/p-1"},
        {"method": "PUT", "url": "Observation/o-1"},
    ]
    assert all("fullUrl" not in entry for entry in bundle["entry"])


def test_the_default_is_a_transaction() -> None:
    assert json.loads(put_bundle([PATIENT]))["type"] == "transaction"


def test_a_resource_keeps_its_text_to_the_last_digit() -> None:
    assert GOAL.text in put_bundle([GOAL])


def test_with_a_base_each_entry_has_its_full_url() -> None:
    bundle = json.loads(put_bundle([PATIENT, GOAL], "batch", 'https://h.example/"fhir"'))
    urls = [entry["fullUrl"] for entry in bundle["entry"]]
    assert urls == [
        'https://h.example/"fhir"/Patient/p-1',
        'https://h.example/"fhir"/Observation/o-1',
    ]


def test_a_bundle_of_nothing_is_still_a_bundle() -> None:
    assert json.loads(put_bundle([]))["entry"] == []
