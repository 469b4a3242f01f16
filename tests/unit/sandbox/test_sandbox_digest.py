from __future__ import annotations

import pytest

from fhir_backpain.fhir.json_text import JsonLimits, parse
from fhir_backpain.sandbox.digest import content_digest

EVERY_NUMBER = JsonLimits(every_number=True)


def test_types_and_digits_are_told_apart():
    values = ["1", "true", '"1"', "1.0", "1.00", "1.50", "1.5", "[1]", "-0.0", "0.0"]
    digests = {content_digest(parse(f'{{"a":{value}}}', EVERY_NUMBER)) for value in values}
    assert len(digests) == len(values)


@pytest.mark.parametrize("number", ["2", "2.50"])
def test_order_does_not_count_at_any_level(number):
    one = parse(f'{{"resourceType":"Patient","a":{{"x":[{number},{{"y":1,"z":2}}],"b":1}}}}')
    other = parse(f'{{"a":{{"b":1,"x":[{number},{{"z":2,"y":1}}]}},"resourceType":"Patient"}}')
    assert content_digest(one) == content_digest(other)


def test_what_the_server_sets_does_not_count():
    sent = {"resourceType": "Patient", "meta": {"profile": ["p"]}}
    meta = {"profile": ["p"], "versionId": "7", "lastUpdated": "2024-05-01T12:00:00Z"}
    assert content_digest({**sent, "id": "a", "meta": meta}) == content_digest(sent)
    assert content_digest({"a": 1, "meta": {}}) == content_digest({"a": 1})
    assert content_digest({**sent, "meta": {"profile": ["q"]}}) != content_digest(sent)
