"""The plan of a mapping, line by line."""

from __future__ import annotations

from collections.abc import Callable

from fhir_backpain.mapping.declaration import Declaration, Fragment
from fhir_backpain.mapping.library import Library
from fhir_backpain.mapping.mapper import Mapper
from fhir_backpain.mapping.trace.plan import PlanLine, explain, one_way
from tests.unit.mapping_trace.conftest import Declare

EACH = "mapping: m\nsource: assessment\nmakes: Observation\nfor each: pain.ratings as rating\n"
KEYED = "belongs to: record\nkey: [pain, =rating.scale]\n"
PERSON = ("patient.identifier.system", "patient.identifier.value")


def planned(declaration: Declaration, library: Library) -> dict[str, PlanLine]:
    """Return the lines by element."""
    lines = explain(declaration, library.fragments, library.concept_maps)
    return {line.element: line for line in lines}


def shipped_declaration(mapper: Mapper, record_type: str, name: str) -> Declaration:
    return next(item for item in mapper.declarations(record_type) if item.name == name)


def test_a_line_names_element_function_full_paths_and_place(
    declare: Declare, library: Library
) -> None:
    resource = "status: final\nvalueQuantity: {=quantity: rating.score, unit: unit.d}"
    lines = planned(declare(resource, EACH, KEYED), library)
    assert list(lines) == ["Observation.id", "Observation.status", "Observation.valueQuantity"]
    status = lines["Observation.status"]
    assert (status.function, status.written, status.sources) == ("literal", "final", ())
    value = lines["Observation.valueQuantity"]
    assert (value.function, value.sources) == ("quantity", ("pain.ratings[].score",))
    assert (value.written, value.repetitions) == ("unit.d", ("pain.ratings[]",))
    assert (value.mapping.line, value.mapping.column) == (10, 18)


def test_the_logical_id_is_made_from_owner_and_key(declare: Declare, library: Library) -> None:
    id_ = planned(declare("a: b", EACH, KEYED), library)["Observation.id"]
    assert id_.function == "identity"
    assert id_.sources == ("source", *PERSON, "record", "id", "pain.ratings[].scale")
    own = "belongs to: patient\nkey: [k]\n"
    lines = planned(declare("identifier: {=own: identifier}", own=own), library)
    assert lines["Observation.id"].sources == ("source", *PERSON)
    assert lines["Observation.identifier"].sources == ("source", *PERSON)


def test_a_line_of_a_fragment_has_full_paths_and_both_places(
    declare: Declare, fragments: Callable[[str], dict[str, Fragment]]
) -> None:
    known = fragments("f:\n  parameters: [x]\n  is: [{code: =x.scale, text: =source}]")
    declaration = declare("component: {=use: f, x: =rating}", EACH, KEYED)
    _, code, text = explain(declaration, known)
    assert (code.element, code.sources) == (
        "Observation.component[].code",
        ("pain.ratings[].scale",),
    )
    assert text.sources == ("source",)
    assert (code.mapping.file.rpartition("/")[2], code.mapping.line) == ("fragments.yaml", 4)
    assert [place.line for place in code.used_at] == [9]


def test_conditions_repetitions_and_alternatives_add_up(declare: Declare, library: Library) -> None:
    resource = """
        a:
        - =each: scores as score
          =when: score.level is high and test_data is not true
          =first of: [=score.measure, =score.level]
    """
    own = "when: pain is present\nbelongs to: record\nkey: [k]\n"
    head = "mapping: m\nsource: assessment\nmakes: Observation\n"
    _, first, second = explain(declare(resource, head, own), library.fragments)
    assert first.element == second.element == "Observation.a[]"
    assert first.repetitions == ("scores[]",)
    assert first.conditions == (
        "pain is present",
        "scores[].level is high and test_data is not true",
    )
    assert (first.alternative, second.alternative) == ("1 of 2", "2 of 2")
    assert (first.sources, second.sources) == (("scores[].measure",), ("scores[].level",))


def test_what_makes_a_list_is_marked_as_one(shipped: Mapper, library: Library) -> None:
    patient = planned(shipped_declaration(shipped, "assessment", "record-patient"), library)
    assert patient["Patient.name[].given[]"].sources == ("patient.name.given[]",)
    rating = planned(shipped_declaration(shipped, "assessment", "assessment-pain-rating"), library)
    assert rating["Observation.category[]"].concept_map == "measure-category"


def test_references_name_their_keys(shipped: Mapper, library: Library) -> None:
    lines = planned(shipped_declaration(shipped, "care-plan", "care-plan-plan"), library)
    assert lines["CarePlan.subject"].sources == PERSON
    assert lines["CarePlan.replaces[]"].sources == ("source", *PERSON, "record", "revision_of")
    assert lines["CarePlan.goal[]"].sources == ("source", *PERSON, "goals[].id")
    assert lines["CarePlan.author"].sources == (
        "author.identifier.system",
        "author.identifier.value",
        "author.name",
    )


def test_one_way_elements_have_their_reasons(shipped: Mapper, library: Library) -> None:
    found = one_way(shipped.declarations("care-plan"), library)
    by_element = {line.element: line.one_way for line in found}
    assert by_element["CarePlan.text"] == "the narrative repeats what other elements say"
    assert "share their codes" in (by_element["ServiceRequest.category[]"] or "")
    assert (by_element["Goal.target[].detailQuantity"] or "").startswith("the unit alone")
    assert "CarePlan.title" not in by_element
    assert "ServiceRequest.code" not in by_element


def test_without_the_concept_maps_only_functions_are_one_way(
    shipped: Mapper, library: Library
) -> None:
    declaration = shipped_declaration(shipped, "care-plan", "care-plan-activity")
    lines = explain(declaration, library.fragments)
    assert {line.function for line in lines if line.one_way} == {"own"}


def test_a_line_reads_as_one_sentence(declare: Declare, library: Library) -> None:
    declaration = declare("a: {=copy: status, else: final}\nb: {=text: 'x {id}'}")
    _, a, b = explain(declaration, library.fragments)
    place = str(declaration.location).rpartition(":")[0].rpartition(":")[0]
    assert str(a) == f"Observation.a <- copy of status, else 'final' [{place}:8:6]"
    assert str(b) == f"Observation.b <- text 'x {{id}}' of id [{place}:9:6]"


def test_a_line_as_json_has_stable_keys(declare: Declare, library: Library) -> None:
    _, line = explain(declare("a: {=concept: status, map: m}"), library.fragments)
    assert line.to_json() == {
        "element": "Observation.a",
        "function": "concept",
        "sources": ["status"],
        "written": None,
        "else": None,
        "conceptMap": "m",
        "forEach": [],
        "when": [],
        "alternative": None,
        "oneWay": None,
        "mapping": str(line.mapping),
        "usedAt": [],
    }
