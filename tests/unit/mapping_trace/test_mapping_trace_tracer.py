"""Where each leaf came from, and that templates mean here what they mean compiled."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from fhir_backpain.errors import MappingCheckError, MappingFailed
from fhir_backpain.fhir import identity
from fhir_backpain.mapping.mapper import Mapper
from fhir_backpain.mapping.trace.trace import Origin, Trace
from tests.records import assessment, care_plan, observation
from tests.unit.mapping_trace.conftest import MakeOne, TraceOne

PATIENT = identity.patient_in_source(
    "https://clinic.example/app", "https://clinic.example/mrn", "MRN-1"
)
RATED = {"ratings": [{"scale": "pain-nrs", "score": 7, "side": "left"}]}
PERSON = ("/patient/identifier/system", "/patient/identifier/value")


def only(trace: Trace, path: str) -> Origin:
    """Return the origin of a leaf of the only resource."""
    (resource,) = trace.resources
    origin = trace.origin(resource.url, path)
    assert origin is not None
    return origin


def test_a_leaf_knows_its_pointer_function_and_place_in_the_mapping(trace: TraceOne) -> None:
    traced = trace("status: final\nnote:\n- text: =note", observation(note="n"))
    text = only(traced, "Observation.note[0].text")
    assert (text.pointers, text.function, text.role) == (("/note",), "copy", "value")
    assert (text.mapping.line, text.mapping.column, text.used_at) == (10, 11, ())
    status = only(traced, "Observation.status")
    assert (status.pointers, status.function, status.role) == ((), "literal", "literal")
    assert status.mapping.line == 8


def test_a_leaf_of_a_fragment_knows_where_it_stands_and_where_it_is_used(trace: TraceOne) -> None:
    shared = """
        outer:
          parameters: [x]
          is: {text: {=use: inner, y: =x}}
        inner:
          parameters: [y]
          is: =y
    """
    traced = trace("a: {=use: outer, x: =note}", observation(note="n"), shared)
    origin = only(traced, "Observation.a.text")
    assert origin.pointers == ("/note",)
    assert (origin.mapping.file, origin.mapping.line) == (origin.used_at[1].file, 7)
    assert [(place.line, place.column) for place in origin.used_at] == [(8, 6), (4, 16)]
    assert origin.used_at[0].file.endswith("m.map.yaml")


def test_a_fragment_sees_its_parameters_before_the_records_fields(trace: TraceOne) -> None:
    shared = "f:\n  parameters: [note]\n  is: {a: =note, b: =site}"
    data = observation(note="n", site="back")
    traced = trace("x: {=use: f, note: =site}", data, shared)
    assert traced.resources[0].json["x"] == {"a": "back", "b": "back"}
    assert only(traced, "Observation.x.a").pointers == ("/site",)


def test_the_leaves_of_a_code_all_come_from_its_words(trace: TraceOne) -> None:
    data = assessment(scores=[{"measure": "odi", "score": 1}, {"measure": "peg", "score": 2}])
    traced = trace("a:\n- =each: scores as s\n  code: {=concept: s.measure, map: measure}", data)
    for leaf in ("system", "code", "display"):
        origin = only(traced, f"Observation.a[1].code.coding[0].{leaf}")
        assert (origin.pointers, origin.function) == (("/scores/1/measure",), "concept")


def test_a_quantity_has_its_value_from_one_place_and_its_unit_from_another(
    trace: TraceOne,
) -> None:
    by = "a: {=quantity: score, by: measure, map: measure-unit}"
    traced = trace(by, observation(score=Decimal("1.10")))
    assert only(traced, "Observation.a.value").pointers == ("/score",)
    assert only(traced, "Observation.a.code").pointers == ("/measure",)
    assert str(traced.resources[0].json["a"]["value"]) == "1.10"
    traced = trace("a: {=quantity: score, unit: unit.d}", observation(score=1))
    assert only(traced, "Observation.a.code").role == "literal"


def test_a_list_of_values_is_traced_item_by_item(trace: TraceOne) -> None:
    patient = {**observation()["patient"], "name": {"family": "F", "given": ["A", "B"]}}
    traced = trace("a: =patient.name.given", observation(patient=patient))
    assert traced.resources[0].json["a"] == ["A", "B"]
    assert only(traced, "Observation.a[1]").pointers == ("/patient/name/given/1",)


def test_text_and_narrative_name_every_value_in_them(trace: TraceOne) -> None:
    resource = 'a: {=text: "{id} of {measure}"}\nb: {=narrative: note, else: none}'
    traced = trace(resource, observation(note="<&>"))
    assert traced.resources[0].json["a"] == "R-1 of odi"
    assert "<p>&lt;&amp;&gt;</p>" in traced.resources[0].json["b"]["div"]
    assert only(traced, "Observation.a").pointers == ("/id", "/measure")
    assert only(traced, "Observation.b.div").pointers == ("/note",)
    assert only(trace(resource, observation()), "Observation.b.div").pointers == ()


def test_the_logical_id_comes_from_source_patient_record_and_key(trace: TraceOne) -> None:
    head = "mapping: m\nsource: assessment\nmakes: Observation\nfor each: scores as s\n"
    own = "belongs to: record\nkey: [score, =s.measure]\n"
    data = assessment(scores=[{"measure": "odi", "score": 1}])
    traced = trace("a: =s.score", data, head=head, own=own)
    id_ = only(traced, "Observation.id")
    assert id_.pointers == ("/source", *PERSON, "/record", "/id", "/scores/0/measure")
    assert (id_.function, id_.role) == ("identity", "identity")
    record = identity.record_of_patient(PATIENT, "https://clinic.example/app", "assessment", "R-1")
    assert traced.resources[0].id == record.logical_id("Observation", "score/odi")


def test_a_missing_part_of_a_key_leaves_no_slash_at_its_end(trace: TraceOne) -> None:
    own = "belongs to: patient\nkey: [a b, =site]\n"
    traced = trace("a: =id\nidentifier: {=own: identifier}", observation(), own=own)
    value = traced.resources[0].json["identifier"]["value"]
    assert value == PATIENT.identifier_value("a%20b")
    assert only(traced, "Observation.identifier.value").pointers == PERSON
    assert traced.resources[0].shared


def test_a_reference_knows_the_key_that_it_is_made_from(trace: TraceOne) -> None:
    resource = """
        a: {=reference: Encounter, belongs to: patient, key: [encounter, =encounter.id]}
        b: {=reference: CarePlan, of record: =revision_of, key: [plan]}
        c: {=reference: Patient}
    """
    data = care_plan(encounter={"id": "E 1", "setting": "home"}, revision_of="P-0")
    traced = trace(resource, data)
    assert only(traced, "Observation.a.reference").pointers == (
        "/source",
        *PERSON,
        "/encounter/id",
    )
    assert only(traced, "Observation.a.identifier.value").pointers == (*PERSON, "/encounter/id")
    assert "/revision_of" in only(traced, "Observation.b.reference").pointers
    assert "/id" not in only(traced, "Observation.b.reference").pointers
    assert only(traced, "Observation.c.identifier.value").pointers == PERSON[1:]
    assert {only(traced, f"Observation.{x}.reference").role for x in "abc"} == {"identity"}
    assert list(trace(resource, care_plan()).resources[0].json) == ["resourceType", "id", "c"]


def test_an_object_is_left_out_where_all_that_varies_in_it_is_missing(make: MakeOne) -> None:
    assert make("a: {b: fixed, c: =note}", observation()) == {}
    assert make("a: {b: fixed, c: =note}", observation(note="n")) == {"a": {"b": "fixed", "c": "n"}}
    assert make("a: {b: fixed, c: =note, d: =id}", observation()) == {
        "a": {"b": "fixed", "d": "R-1"}
    }
    assert make("a: {b: fixed}", observation()) == {"a": {"b": "fixed"}}
    assert make("a: {b: {=fixed: own.body-side}, c: =note}", observation()) == {}


def test_a_list_is_left_out_where_nothing_is_in_it(make: MakeOne) -> None:
    assert make("a: [=note, =site]", observation()) == {}
    assert make("a: [x, =note]", observation()) == {"a": ["x"]}
    assert make("a: {b: x, c: [y, =note]}", observation()) == {"a": {"b": "x", "c": ["y"]}}
    assert make("a: []", observation()) == {"a": []}
    assert make("a:\n- =each: scores as s\n  item: =s.measure", assessment()) == {}


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ("note is present", True),
        ("note is missing", False),
        ("note is not present", False),
        ("site is missing", True),
        ("site is not missing", False),
        ("test_data is true", True),
        ("test_data is false", False),
        ("test_data is not true", False),
        ("measure is odi", True),
        ("measure is not odi", False),
        ("site is back", False),
        ("site is not back", True),
        ("note is present and measure is odi", True),
        ("note is present and measure is peg", False),
    ],
)
def test_conditions(make: MakeOne, condition: str, holds: bool) -> None:
    data = observation(note="n", test_data=True)
    made = make(f"a: {{=when: {condition}, b: x}}", data)
    assert made == ({"a": {"b": "x"}} if holds else {})


def test_a_condition_is_noted_with_what_it_looked_at(trace: TraceOne) -> None:
    resource = "a: {=when: test_data is true and note is present, b: x}"
    (decision,) = trace(resource, observation(test_data=False)).decisions
    assert (decision.pointer, decision.held) == ("/test_data", False)
    assert (decision.condition, decision.mapping.line) == (
        "test_data is true and note is present",
        8,
    )


def test_only_the_first_alternative_that_is_there_is_made(trace: TraceOne) -> None:
    resource = "a: {=first of: [=note, {=when: test_data is true, =copy: site}, =id]}"
    assert only(trace(resource, observation(note="n")), "Observation.a").pointers == ("/note",)
    data = observation(site="back", test_data=True)
    assert only(trace(resource, data), "Observation.a").pointers == ("/site",)
    assert only(trace(resource, observation()), "Observation.a").pointers == ("/id",)


def test_a_default_comes_from_the_mapping_alone(trace: TraceOne) -> None:
    origin = only(trace("a: {=copy: status, else: final}", observation()), "Observation.a")
    assert (origin.pointers, origin.function, origin.role) == ((), "copy", "literal")


def test_a_resource_is_made_for_each_element_where_the_condition_holds(trace: TraceOne) -> None:
    head = "mapping: m\nsource: assessment\nmakes: Observation\nfor each: red_flags as f\n"
    own = "when: f.present is true\nbelongs to: record\nkey: [=f.flag]\n"
    flags = [{"flag": "fever", "present": False}, {"flag": "trauma", "present": True}]
    traced = trace("a: =f.flag", assessment(red_flags=flags), head=head, own=own)
    assert [resource.json["a"] for resource in traced.resources] == ["trauma"]
    assert [(d.pointer, d.held) for d in traced.decisions] == [
        ("/red_flags/0/present", False),
        ("/red_flags/1/present", True),
    ]


def test_a_word_without_a_row_fails_as_in_the_compiled_mapping(
    shipped: Mapper, trace: TraceOne
) -> None:
    data = observation(measure="no-such-measure", score=1)
    with pytest.raises(MappingFailed) as traced:
        shipped.trace(data)
    with pytest.raises(MappingFailed) as compiled:
        shipped(data)
    # Which of the concept maps that lack the word is met first differs.
    numbers = [error.value.issues[0].number for error in (traced, compiled)]
    assert numbers == [3009, 3009]
    assert "no row for a word" in str(compiled.value)
    with pytest.raises(MappingFailed):
        trace("a: {=quantity: score, by: level, map: measure-unit}", observation(score=1))


def test_a_function_that_is_not_known_is_refused(trace: TraceOne) -> None:
    with pytest.raises(MappingCheckError, match="'=sum' cannot be traced"):
        trace("a: {=sum: score}", observation(score=1))


def test_destinations_of_a_part_of_the_record_are_those_of_all_below_it(shipped: Mapper) -> None:
    traced = shipped.trace(assessment(pain=RATED))
    score = traced.destinations("/pain/ratings/0/score")
    assert [origin.path for origin in score] == ["Observation.valueQuantity.value"]
    below = traced.destinations("/pain/ratings/0")
    assert set(score) < set(below)
    assert {pointer for origin in below for pointer in origin.pointers if "pain" in pointer} == {
        f"/pain/ratings/0/{name}" for name in ("scale", "score", "side")
    }
    assert traced.destinations("/pain/ratings/1") == []
    assert traced.destinations("/pain/rat") == []


def test_what_is_not_there_has_no_origin(shipped: Mapper) -> None:
    traced = shipped.trace(assessment(pain=RATED))
    url = traced.resources[0].url
    assert traced.origin(url, "Patient.photo[0].data") is None
    assert traced.origin("Patient/none", "Patient.id") is None


def test_a_provenances_targets_come_from_the_identities_of_what_was_made(
    shipped: Mapper,
) -> None:
    data = assessment(pain=RATED, recorded_at="2024-03-04T10:00:00Z")
    traced = shipped.trace(data)
    provenance = traced.resources[-1]
    assert [item["reference"] for item in provenance.json["target"]] == [
        resource.url for resource in traced.resources[:-1]
    ]
    second = traced.origin(provenance.url, "Provenance.target[1].reference")
    assert second is not None
    assert "/pain/ratings/0/scale" in second.pointers
    assert second.role == "identity"


def test_an_origin_as_json_names_places_and_no_value(trace: TraceOne) -> None:
    traced = trace("a: =note", observation(note="secret"))
    shown: dict[str, Any] = only(traced, "Observation.a").to_json()
    assert shown["pointers"] == ["/note"]
    assert shown["mapping"].endswith("m.map.yaml:8:6")
    assert (shown["path"], shown["function"], shown["role"]) == ("Observation.a", "copy", "value")
    assert "secret" not in str(shown)
