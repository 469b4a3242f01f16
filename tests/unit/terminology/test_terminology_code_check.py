"""Codes are found wherever they stand, and each kind of mistake is told."""

from __future__ import annotations

from typing import Any

import pytest

from fhir_backpain.fhir.canonical import LOINC, SNOMED_CT, UCUM
from fhir_backpain.terminology.code_check import CodeCheck
from fhir_backpain.terminology.coded_value import coded_values
from fhir_backpain.terminology.concept import Concept, load_concepts

KG = {"system": UCUM, "code": "kg"}
WEIGHT = {"system": LOINC, "code": "29463-7", "display": "Body weight"}


def found(resource: dict[str, Any]) -> list[tuple[str, str, str | None, str]]:
    return [(one.system, one.code, one.display, one.expression) for one in coded_values(resource)]


def test_codings_and_quantities_are_found_at_any_depth() -> None:
    quantity = {"value": 70, "unit": "kilogram", **KG}
    part = {"code": {"coding": [WEIGHT], "text": "weight"}, "valueQuantity": quantity}
    assert found({"resourceType": "Observation", "component": [part]}) == [
        (LOINC, "29463-7", "Body weight", "Observation.component[0].code.coding[0]"),
        (UCUM, "kg", "kilogram", "Observation.component[0].valueQuantity"),
    ]


def test_an_identifier_and_an_element_of_the_type_code_have_no_code_with_a_system() -> None:
    identifier = [{"system": "urn:x", "value": "1"}]
    assert found({"resourceType": "Goal", "status": "active", "identifier": identifier}) == []


def test_the_concepts_of_a_value_set_are_found() -> None:
    include = [{"system": LOINC, "concept": [{"code": "29463-7"}]}, {"valueSet": ["urn:other"]}]
    place = "ValueSet.compose.include[0].concept[0]"
    assert found({"resourceType": "ValueSet", "compose": {"include": include}}) == [
        (LOINC, "29463-7", None, place)
    ]


def test_both_ends_of_a_concept_map_are_found() -> None:
    rows = [{"code": "weight", "target": [{"code": "29463-7", "display": "Body weight"}]}]
    group = {"source": "urn:words", "target": LOINC, "element": rows}
    assert found({"resourceType": "ConceptMap", "group": [group]}) == [
        ("urn:words", "weight", None, "ConceptMap.group[0].element[0]"),
        (LOINC, "29463-7", "Body weight", "ConceptMap.group[0].element[0].target[0]"),
    ]


def test_the_concepts_of_a_code_system_are_found_with_those_below_them() -> None:
    concepts = [{"code": "a", "display": "A", "concept": [{"code": "b"}]}]
    assert found({"resourceType": "CodeSystem", "url": "urn:own", "concept": concepts}) == [
        ("urn:own", "a", "A", "CodeSystem.concept[0]"),
        ("urn:own", "b", None, "CodeSystem.concept[0].concept[0]"),
    ]


@pytest.fixture
def check() -> CodeCheck:
    return CodeCheck(load_concepts().values(), is_unit=lambda code: code != "kgg")


def numbers(check: CodeCheck, coding: dict[str, Any]) -> list[int]:
    resource = {"resourceType": "Observation", "code": {"coding": [coding]}}
    return [issue.number for issue in check(resource)]


def test_a_concept_of_the_table_is_fine_with_its_display_or_none(check: CodeCheck) -> None:
    assert numbers(check, WEIGHT) == []
    assert numbers(check, {"system": LOINC, "code": "29463-7"}) == []
    assert numbers(check, {**KG, "value": 1, "unit": "kilogram"}) == []


@pytest.mark.parametrize(
    ("coding", "told"),
    [
        ({"system": LOINC, "code": "29463-8"}, [1106, 1108]),
        ({"system": SNOMED_CT, "code": "279039070"}, [1106, 1108]),
        ({"system": UCUM, "code": "kgg"}, [1107, 1108]),
        ({"system": "urn:elsewhere", "code": "x"}, [1108]),
        ({**WEIGHT, "display": "Body Weight"}, [1109]),
        ({**KG, "unit": "kg"}, [1109]),
    ],
)
def test_each_mistake_is_told(check: CodeCheck, coding: dict[str, Any], told: list[int]) -> None:
    assert numbers(check, coding) == told


def test_an_issue_names_the_code_the_place_and_the_right_name(check: CodeCheck) -> None:
    resource = {"resourceType": "Goal", "code": {**WEIGHT, "display": "Weight"}}
    (issue,) = check(resource)
    assert issue.expression == "Goal.code"
    assert issue.text == f"{LOINC}|29463-7 is shown by another name than 'Body weight'."


def test_a_concept_with_two_names_may_have_either() -> None:
    check = CodeCheck([Concept("a", "urn:s", "c", "One"), Concept("b", "urn:s", "c", "Two")])
    assert numbers(check, {"system": "urn:s", "code": "c", "display": "Two"}) == []
    (issue,) = check({"code": {"system": "urn:s", "code": "c", "display": "Three"}})
    assert "'One' or 'Two'" in issue.text
