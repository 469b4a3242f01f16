"""The quick look of the built-in validator: sure of what is good, and never fooled."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from fhir_backpain.fhir import json_text
from fhir_backpain.validation.resource.memory import copy_of
from fhir_backpain.validation.resource.quick_primitive import Seen
from fhir_backpain.validation.resource.quick_reference import Literals
from fhir_backpain.validation.resource.validator import BuiltInValidator
from tests.golden.case import cases

VALIDATOR = BuiltInValidator()
GOLDEN = [json_text.parse(json_text.dump(one)) for case in cases() if case.release == "R4"
          for one in case.expected()]  # fmt: skip
PATIENT = {"reference": "Patient/1"}
OBSERVATION = {"reference": "Observation/a-1.b"}


@pytest.mark.parametrize(
    ("values", "is_good"),
    [
        ([PATIENT], True), ([PATIENT, OBSERVATION, PATIENT], True), ([], False),
        ([PATIENT, {"reference": "Patient"}], False), ([{"reference": "Group/1"}], False),
        ([{"reference": "Patient/1 Patient/2"}], False), ([{"reference": "Patient/1 "}], False),
        ([{"reference": "Patient/1 Patient/2"}, {"display": "x"}], False),
        ([PATIENT, {**PATIENT, "display": "x"}], False), ((PATIENT,), False),
        ([{"reference": "Patient/" + "x" * 65}], False), ([{"reference": "Patients/1"}], False),
    ],
)  # fmt: skip
def test_a_list_of_literals_is_looked_at_as_a_whole(values: Any, is_good: bool) -> None:
    literals = Literals(["Observation", "ObservationDefinition", "Patient"])
    try:
        assert literals.are_all(values) is is_good
    except KeyError:
        assert not is_good


def test_what_was_seen_is_bounded() -> None:
    seen = Seen(lambda value: value != "bad", most=100)
    assert not seen.learn("bad")
    for number in range(5000):
        assert seen.learn(str(number))
    assert 0 < len(seen) <= 100
    assert seen.learn("x" * 1000)
    assert "x" * 1000 not in seen


def test_only_texts_are_copied() -> None:
    text = {"coding": [{"code": "a"}]}
    copied = copy_of(text)
    assert copied == text
    assert copied is not text
    for other in ({"a": True}, {"a": 1}, {"a": None}, {"a": "x" * 5000}, {"a": [object()]}):
        assert copy_of(other) is None


def test_a_recommendation_is_told_at_a_quick_look() -> None:
    told = [VALIDATOR.quick(one) for one in GOLDEN if one["resourceType"] == "Condition"
            and "clinicalStatus" not in one]  # fmt: skip
    assert told
    assert all(found and [one.number for one in found] == [4060] for found in told)


@pytest.mark.parametrize("index", range(len(GOLDEN)))
def test_plans_agree_with_the_walk_on_every_spoilt_value(index: int) -> None:
    good = GOLDEN[index]
    for _ in range(5):  # the plans of its shapes are made, of good values
        VALIDATOR.validate(copy.deepcopy(good))
    for spoilt in spoiled(good):
        assert VALIDATOR.validate(spoilt) == VALIDATOR._all(spoilt, ())


def spoiled(good: dict[str, Any]) -> list[dict[str, Any]]:
    """Return copies of a resource with one value each replaced by one of another kind."""
    made = []
    for way in ways(good):
        for value in (None, "", 1, True, "x y", [], {}, [{}], {"id": "a"}, "#a", [["a"]]):
            one = copy.deepcopy(good)
            node: Any = one
            for step in way[:-1]:
                node = node[step]
            node[way[-1]] = value
            made.append(one)
    return made


def ways(node: Any) -> list[list[Any]]:
    """Return the steps to every value within a tree."""
    items = node.items() if isinstance(node, dict) else enumerate(node)
    found: list[list[Any]] = []
    for name, value in items:
        found.append([name])
        if isinstance(value, dict | list):
            found += [[name, *way] for way in ways(value)]
    return found
