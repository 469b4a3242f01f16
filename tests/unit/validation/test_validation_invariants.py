"""Every invariant that is said to be tested: one element that meets it, one that breaks it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from fhir_backpain.definitions.definitions import load_definitions
from fhir_backpain.validation.resource.invariant import Rule, is_broken
from fhir_backpain.validation.resource.invariant_table import (
    BUILT_IN,
    NOT_EVALUATED,
    TESTS,
    account_of,
    accounts,
)
from fhir_backpain.validation.resource.rule_book import load_rule_book

UCUM = "http://unitsofmeasure.org"
ERROR = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/condition-ver-status",
                     "code": "entered-in-error"}]}  # fmt: skip
RESOLVED = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/condition-clinical",
                        "code": "resolved"}]}  # fmt: skip
REASON = [{"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason",
           "valueCode": "unknown"}]  # fmt: skip
ACTIVE = {"coding": [{"code": "active"}]}
PAIN = {"coding": [{"system": "urn:s", "code": "pain"}]}
SIDE = {"coding": [{"system": "urn:s", "code": "side"}]}
INNER = {"resourceType": "Patient", "id": "p"}
LOCAL = {"subject": {"reference": "#p"}, "contained": [INNER]}


def entries(*urls: str, **members: Any) -> dict[str, Any]:
    return {"entry": [{"fullUrl": url, **members} for url in urls]}


def answered(*links: str) -> dict[str, Any]:
    return {"item": [{"linkId": link, "answer": [{"valueDecimal": 1}]} for link in links]}


# key: what meets it, what breaks it
CASES: dict[str, tuple[Any, Any]] = {
    "age-1": ({"value": 3, "code": "a", "system": UCUM}, {"value": 0, "code": "a"}),
    "att-1": ({"data": "YQ==", "contentType": "text/plain"}, {"data": "YQ=="}),
    "bdl-1": ({"total": 1, "type": "searchset"}, {"total": 1, "type": "batch"}),
    "bdl-2": ({"type": "searchset", **entries("a", search={})},
              {"type": "batch", **entries("a", search={})}),
    "bdl-3": ({"type": "batch", **entries("a", request={})}, {"type": "batch", **entries("a")}),
    "bdl-4": ({"type": "batch", **entries("a")}, {"type": "batch", **entries("a", response={})}),
    "bdl-5": ({"request": {}}, {"fullUrl": "a"}),
    "bdl-7": (entries("a", "b"), entries("a", "a")),
    "bdl-8": ({"fullUrl": "http://a/b/1"}, {"fullUrl": "http://a/b/1/_history/2"}),
    "cnt-3": ({"value": 1, "code": "1", "system": UCUM}, {"value": Decimal("1.5"), "code": "1"}),
    "con-1": ({"summary": {}}, {"type": {}}),
    "con-2": ({"detail": []}, {"id": "a"}),
    "con-3": ({"category": [], "clinicalStatus": ACTIVE}, {"category": [ACTIVE]}),
    "con-4": ({"abatementDateTime": "2024", "clinicalStatus": RESOLVED},
              {"abatementDateTime": "2024", "clinicalStatus": ACTIVE}),
    "con-5": ({"verificationStatus": ERROR},
              {"verificationStatus": ERROR, "clinicalStatus": ACTIVE}),
    "cpl-3": ({"reference": {}}, {"reference": {}, "detail": {}}),
    "cpt-2": ({"value": "1", "system": "phone"}, {"value": "1"}),
    "dis-1": ({"value": 1, "code": "m", "system": UCUM}, {"value": 1}),
    "dom-2": (LOCAL, {"contained": [{**INNER, "contained": []}]}),
    "dom-3": (LOCAL, {"contained": [INNER]}),
    "dom-4": (LOCAL, {"contained": [{**INNER, "meta": {"versionId": "1"}}]}),
    "dom-5": (LOCAL, {"contained": [{**INNER, "meta": {"security": []}}]}),
    "drt-1": ({"code": "h", "system": UCUM, "value": 1}, {"code": "h", "value": 1}),
    "exp-1": ({"expression": "x"}, {"language": "x"}),
    "ext-1": ({"url": "a", "valueString": "x"}, {"url": "a", "valueString": "x", "extension": []}),
    "gol-1": ({"measure": PAIN, "detailString": "x"}, {"detailString": "x"}),
    "obs-3": ({"text": "x"}, {"type": {}}),
    "obs-6": ({"dataAbsentReason": PAIN}, {"dataAbsentReason": PAIN, "valueString": "x"}),
    "obs-7": ({"code": PAIN, "valueString": "x", "component": [{"code": SIDE}]},
              {"code": PAIN, "valueString": "x", "component": [{"code": PAIN}]}),
    "org-1": ({"name": "x"}, {"active": True}),
    "org-2": ({"address": [{"use": "work"}]}, {"address": [{"use": "home"}]}),
    "org-3": ({"telecom": [{"use": "work"}]}, {"telecom": [{"use": "home"}]}),
    "pat-1": ({"name": {}}, {"gender": "female"}),
    "per-1": ({"start": "2024", "end": "2024"}, {"start": "2025", "end": "2024"}),
    "prr-1": ({"orderDetail": [], "code": PAIN}, {"orderDetail": []}),
    "qrs-1": ({"answer": []}, {"answer": [], "item": []}),
    "qty-3": ({"code": "a", "system": UCUM}, {"code": "a"}),
    "rat-1": ({"numerator": {}, "denominator": {}}, {"numerator": {}}),
    "ref-1": ({"reference": "#"}, {"reference": "#p"}),
    "rng-2": ({"low": {"value": 1}, "high": {"value": 1}},
              {"low": {"value": 2}, "high": {"value": 1}}),
    "sdcqr-1": ({"subject": {}}, {"status": "completed"}),
    "sdcqr-2": (answered("1", "2"), answered("1", "1")),
    "sqty-1": ({"value": 1}, {"comparator": "<"}),
    "tim-1": ({"duration": 1, "durationUnit": "h"}, {"duration": 1}),
    "tim-2": ({"period": 1, "periodUnit": "h"}, {"period": 1}),
    "tim-4": ({"duration": 0}, {"duration": -1}),
    "tim-5": ({"period": Decimal("0.5")}, {"period": Decimal("-0.5")}),
    "tim-6": ({"period": 1, "periodMax": 2}, {"periodMax": 2}),
    "tim-7": ({"duration": 1, "durationMax": 2}, {"durationMax": 2}),
    "tim-8": ({"count": 1, "countMax": 2}, {"countMax": 2}),
    "tim-9": ({"offset": 5, "when": ["ACM"]}, {"offset": 5, "when": ["C"]}),
    "tim-10": ({"when": ["ACM"]}, {"when": ["ACM"], "timeOfDay": ["10:00:00"]}),
    "us-core-1": ("2024-03-04", "2024-03"),
    "us-core-2": ({"hasMember": []}, {"code": PAIN}),
    "us-core-3": ({"valueQuantity": {"value": 1}}, {"valueQuantity": {"system": "urn:s"}}),
    "us-core-6": ({"family": "x"}, {"family": "x", "extension": REASON}),
    "us-core-7": (
        {"status": "completed", "performedDateTime": "2024"}, {"status": "in-progress"}),
    "us-core-10": ({"status": "registered"}, {"status": "amended"}),
    "us-core-21": ({"intent": "plan"}, {"intent": "order"}),
}  # fmt: skip


def test_every_test_has_a_case() -> None:
    assert set(CASES) == set(TESTS)


@pytest.mark.parametrize("key", CASES)
def test_an_invariant_tells_good_from_bad(key: str) -> None:
    rule = Rule(key, "error", "", TESTS[key])
    good, bad = CASES[key]
    assert not is_broken(rule, good, {})
    assert is_broken(rule, bad, {})
    assert not is_broken(rule, {}, {}) or not rule.test.needs


def test_a_local_reference_is_looked_for_in_its_resource() -> None:
    assert TESTS["ref-1"].holds({"reference": "#p"}, LOCAL)


def test_every_key_of_the_definitions_and_profiles_is_accounted_for() -> None:
    definitions = load_definitions("R4")
    keys = {rule.key for name in definitions.type_names()
            for found in (definitions.resource(name) or definitions.datatype(name),)
            if found for rule in found.invariants}  # fmt: skip
    book = load_rule_book()
    for url in book.conformance.profiles():
        profile = book.conformance.profile(url)
        assert profile is not None
        for element in profile["snapshot"]["element"]:
            keys |= {one["key"] for one in element.get("constraint", ())}
    known = {account.key for account in accounts()}
    assert keys - known == set()
    assert not set(TESTS) & set(NOT_EVALUATED)
    assert not set(TESTS) & set(BUILT_IN)
    assert all(account.reason for account in accounts())
    assert account_of("nothing-1").is_evaluated is False
