"""What holds of every valid record, whatever is in it."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from fhir.resources.R4B import get_fhir_model_class
from hypothesis import given

from fhir_backpain.fhir import json_text
from fhir_backpain.fhir.canonical import CODE_SYSTEM, UCUM
from fhir_backpain.fhir.resource import MadeResource
from fhir_backpain.mapping.mapper import Mapper, load_mapper
from fhir_backpain.mapping.source_shape import leaves, record_shape
from fhir_backpain.record import RECORD_TYPES
from fhir_backpain.validation.record import RecordChecker
from tests.property.records_strategy import any_record, examples, library

ID = re.compile(r"^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$")


def nodes(value: Any, key: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every value of a tree with the name of the member that it stands in."""
    yield key, value
    if isinstance(value, dict):
        for name, item in value.items():
            yield from nodes(item, name)
    elif isinstance(value, list):
        for item in value:
            yield from nodes(item, key)


def paths(value: Any, path: str = "") -> Iterator[str]:
    """Yield the path of every leaf of a record, lists marked with []."""
    if isinstance(value, dict):
        for name, item in value.items():
            yield from paths(item, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        for item in value:
            yield from paths(item, f"{path}[]")
    else:
        yield path


def trees(made: list[MadeResource]) -> list[dict[str, Any]]:
    return [json_text.parse(resource.text) for resource in made]


@examples(25)
@given(data=any_record())
def test_the_strategy_draws_records_that_pass_the_record_check(data: dict[str, Any]) -> None:
    checker = RecordChecker(library().vocabulary, library().ranges)
    assert [str(issue) for issue in checker.check(data) if issue.is_error] == []
    assert json_text.parse(json_text.dump(data)) == data


@examples(40)
@given(data=any_record())
def test_every_resource_is_strict_json_with_its_own_type_id_and_identifier(
    mapper: Mapper, data: dict[str, Any]
) -> None:
    made = mapper(data)
    for resource, tree in zip(made, trees(made), strict=True):
        assert (tree["resourceType"], tree["id"]) == (resource.type, resource.id)
        assert ID.match(resource.id)
        assert tree["meta"]["source"] == data["source"]
    assert len({resource.url for resource in made}) == len(made)
    assert len({resource.id for resource in made}) == len(made)


@examples(25)
@given(data=any_record())
def test_every_resource_is_valid_for_the_r4_models_and_comes_back_equal(
    mapper: Mapper, data: dict[str, Any]
) -> None:
    for resource in mapper(data):
        model = get_fhir_model_class(resource.type).model_validate_json(resource.text)
        back = json.loads(model.model_dump_json(by_alias=True, exclude_none=True),
                          parse_float=Decimal)  # fmt: skip
        assert settled(back) == settled(json_text.parse(resource.text))


def settled(value: Any, key: str = "") -> Any:
    """Return a tree in which numbers compare by value and instants by the moment."""
    if isinstance(value, dict):
        return {name: settled(item, name) for name, item in value.items()}
    if isinstance(value, list):
        return [settled(item, key) for item in value]
    if isinstance(value, str) and re.match(r"^\d{4}-\d\d-\d\dT", value):
        return moment(value)
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        return Decimal(value).normalize()
    return value


def moment(text: str) -> str:
    """Return a dateTime without the zeros and spellings of its fraction and zone."""
    text = re.sub(r"(\.\d*?)0+(?=[Z+-])", r"\1", text).replace(".Z", "Z").replace(".+", "+")
    return re.sub(r"(Z|[+-]00:00)$", "Z", re.sub(r"\.(?=[Z+-])", "", text))


@examples(25)
@given(data=any_record())
def test_mapping_twice_makes_the_same_text(mapper: Mapper, data: dict[str, Any]) -> None:
    assert mapper(data) == mapper(json_text.parse(json_text.dump(data)))


@examples(40)
@given(data=any_record())
def test_every_reference_leads_to_a_made_resource_or_to_another_record(
    mapper: Mapper, data: dict[str, Any]
) -> None:
    made = mapper(data)
    there = {resource.url: tree for resource, tree in zip(made, trees(made), strict=True)}
    others = set()
    for url, tree in there.items():
        for _, node in nodes(tree):
            if not (isinstance(node, dict) and "reference" in node):
                continue
            if isinstance(node["reference"], str) and node["reference"] not in there:
                others.add((url.partition("/")[0], node["reference"].partition("/")[0]))
            elif "identifier" in node:
                target = there[node["reference"]]["identifier"]
                assert node["identifier"] in (target if isinstance(target, list) else [target])
    # A plan is for causes that assessments found, and replaces an earlier plan; what an
    # investigation found may be told later than it was asked for.
    assert others <= {
        ("CarePlan", "Condition"), ("CarePlan", "CarePlan"),
        ("DiagnosticReport", "ServiceRequest"), ("Procedure", "ServiceRequest"),
    }  # fmt: skip


@examples(40)
@given(data=any_record())
def test_every_coding_and_unit_is_a_shipped_concept(mapper: Mapper, data: dict[str, Any]) -> None:
    concepts = {
        (concept.system, concept.code, concept.display) for concept in library().concepts.values()
    }
    for tree in trees(mapper(data)):
        for _, node in nodes(tree):
            if isinstance(node, dict) and "code" in node and "system" in node:
                shown = node.get("display", node.get("unit"))
                assert (node["system"], node["code"], shown) in concepts
                assert (node["system"] == UCUM) == ("value" in node)


@examples(40)
@given(data=any_record())
def test_every_leaf_of_the_record_is_read_by_a_mapping(
    mapper: Mapper, data: dict[str, Any]
) -> None:
    used = {path for rule in mapper.rules(data["record"]) for path in rule.used}
    assert set(paths(data)) <= used


@examples(40)
@given(data=any_record())
def test_every_text_and_number_of_the_record_is_carried(
    mapper: Mapper, data: dict[str, Any]
) -> None:
    made = mapper(data)
    carried = {str(value) for tree in trees(made) for _, value in nodes(tree)
               if isinstance(value, str | int | Decimal)}  # fmt: skip
    words = {word for found in library().vocabulary.values() for word in found}
    for name, value in nodes(data):
        if isinstance(value, Decimal | int) and not isinstance(value, bool):
            assert str(value) in carried, name
        elif name in (
            "note",
            "description",
            "instructions",
            "reason",
            "title",
            "summary",
            "text",
            "conclusion",
            "outcome",
        ):
            assert value in carried, name
        elif name in ("family", "birth_date", "requested_at", "completed_at", "onset", "due"):
            assert str(value) in carried or value in words, name


@examples(40)
@given(data=any_record())
def test_every_entry_of_a_list_becomes_a_resource_or_a_reference(
    mapper: Mapper, data: dict[str, Any]
) -> None:
    made = trees(mapper(data))
    types = Counter(tree["resourceType"] for tree in made)
    sizes = {name: len(entries) for name, entries in data.items() if isinstance(entries, list)}
    plan = next((tree for tree in made if tree["resourceType"] == "CarePlan"), {})
    assert types["Condition"] == sizes.get("causes", 0) + sizes.get("factors", 0)
    assert types["Goal"] == len(plan.get("goal", ())) == sizes.get("goals", 0)
    assert types["QuestionnaireResponse"] == sizes.get("questionnaires", 0)
    assert len(plan.get("addresses", ())) == sizes.get("addresses", 0)
    activities = sizes.get("activities", 0) + sizes.get("medications", 0)
    assert len(plan.get("activity", ())) == activities
    barred = [sum(kind in one for one in data.get("contraindications", ()))
              for kind in ("treatment", "medication")]  # fmt: skip
    ordered = sizes.get("activities", 0) + sizes.get("investigations", 0)
    assert types["ServiceRequest"] == ordered + barred[0]
    assert types["MedicationRequest"] == sizes.get("medications", 0) + barred[1]
    assert len(plan.get("supportingInfo", ())) == sum(barred) + sizes.get("preferences", 0)
    assert types["DiagnosticReport"] == sizes.get("reports", 0)
    assert types["Procedure"] == sizes.get("procedures", 0)
    derived = [tree for tree in made if "derivedFrom" in tree]
    assert len(derived) == sum("questionnaire" in score for score in data.get("scores", ()))


def test_compiling_twice_gives_the_same_code(mapper: Mapper) -> None:
    again = load_mapper()
    for record_type in RECORD_TYPES:
        assert mapper.code(record_type) == again.code(record_type)
    assert again.version == mapper.version


@pytest.mark.parametrize("record_type", RECORD_TYPES)
def test_every_leaf_of_a_schema_is_read_or_ignored(mapper: Mapper, record_type: str) -> None:
    used = {path for rule in mapper.rules(record_type) for path in rule.used}
    assert set(leaves(record_shape(record_type))) <= used


def test_the_projects_own_codes_are_those_of_its_code_system(mapper: Mapper) -> None:
    own = {key for key, concept in library().concepts.items() if concept.system == CODE_SYSTEM}
    assert own
    assert all(key.startswith("own.") for key in own)
