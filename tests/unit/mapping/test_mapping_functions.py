"""Every slot function of mappings to FHIR: what it makes, and what it refuses."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from fhir_backpain.errors import ArtifactError, MappingFailed
from fhir_backpain.fhir import identity, json_text
from fhir_backpain.mapping.chunk import Code
from fhir_backpain.mapping.codegen import compile_record
from fhir_backpain.mapping.declaration import read_declaration
from fhir_backpain.mapping.emitter import Emitter
from fhir_backpain.mapping.functions.registry import resource_functions
from fhir_backpain.mapping.library import Library
from fhir_backpain.mapping.piece import Piece
from fhir_backpain.mapping.template import Slot
from tests.records import assessment, care_plan, observation
from tests.unit.mapping.conftest import Compile, Make

CLINIC = "https://clinic.example/app"
PATIENT = identity.patient_in_source(CLINIC, "https://clinic.example/mrn", "MRN-1")
NAMED = {**assessment()["patient"], "name": {"family": "Ü\"'{}\\", "given": ["A", "B\n"]}}
STEPS = (
    "steps: [{of: activities, word: treatment, status: status, map: treatment, "
    "line: treatment-line}], in order: [own.line-self-management, own.line-conservative, "
    "own.line-interventional, own.line-surgical]"
)
OTHER = "of record: =note, record type: care-plan, key: [activity, =measure]"
ACTIVITY = (
    "mapping: m\nsource: {source}\nmakes: ServiceRequest\nbelongs to: record\n"
    "key: [activity, =status]\n"
)
TRICKY = "a \"b\" {c} 'd' \\ é \u2028 <p> & 漢"


def test_copy_keeps_every_kind_of_value_as_it_is(make: Make) -> None:
    resource = "a: =note\nb: =score\nc: =test_data\nd: =patient.name.given\ne: =patient.name.family"
    data = observation(note=TRICKY, score=Decimal("1.10"), test_data=False, patient=NAMED)
    assert make(resource, data) == {
        "a": TRICKY,
        "b": Decimal("1.10"),
        "c": False,
        "d": ["A", "B\n"],
        "e": "Ü\"'{}\\",
    }
    assert make(resource, observation(score=7)) == {"b": 7}


def test_copy_keeps_the_digits_of_a_number(make: Make) -> None:
    for number in ("0.000", "12.50", "1E+2", "-7.00"):
        made = make("x: =score", observation(score=Decimal(number)))
        assert str(made["x"]) == number


def test_copy_with_else_is_always_there(make: Make) -> None:
    resource = 'x: {=copy: status, else: "it\'s {final}"}'
    assert make(resource, observation(status="amended")) == {"x": "amended"}
    assert make(resource, observation()) == {"x": "it's {final}"}
    assert make("x: {=copy: id, else: never}", observation()) == {"x": "R-1"}


def test_text_puts_values_between_words(make: Make) -> None:
    resource = 'x: {=text: "It\'s {id}: {encounter.id} \\"{score}\\" \\\\ %"}'
    data = observation(encounter={"id": TRICKY, "setting": "home"}, score=Decimal("2.50"))
    assert make(resource, data) == {"x": f'It\'s R-1: {TRICKY} "2.50" \\ %'}
    assert make(resource, observation(score=1)) == {}


def test_text_of_what_is_always_there_is_always_there(make: Make) -> None:
    assert make('x: {=text: "{source}#{id}"}', assessment()) == {"x": f"{CLINIC}#R-1"}


def test_narrative_is_one_escaped_paragraph(make: Make) -> None:
    div = '<div xmlns="http://www.w3.org/1999/xhtml"><p>{}</p></div>'
    resource = 'text: {=narrative: summary, else: "It\'s <none> & {nothing}"}'
    made = make(resource, care_plan(summary='1 < 2 & "x" {y}'))
    assert made["text"] == {"status": "generated", "div": div.format('1 &lt; 2 &amp; "x" {y}')}
    made = make(resource, care_plan())
    assert made["text"]["div"] == div.format("It's &lt;none&gt; &amp; {nothing}")
    assert make("text: {=narrative: summary}", care_plan()) == {}


def test_narrative_tells_the_steps_in_the_order_of_their_lines(make: Make) -> None:
    activities = [
        {"id": word, "treatment": word, "status": status}
        for word, status in (
            ("lumbar-fusion", "on-hold"), ("stretching", "active"), ("acupuncture", "revoked"),
            ("pain-education", "completed"),
        )
    ]  # fmt: skip
    resource = f"text: {{=narrative: summary, else: y & z, {STEPS}}}"
    told = make(resource, care_plan(activities=activities))["text"]["div"]
    assert re.findall("<p>(.*?)</p>", told) == [
        "y &amp; z",
        "1. Line of care: self-management. Stretching exercises (active); "
        "Education about pain (completed)",
        "2. Line of care: conservative. Acupuncture (revoked)",
        "3. Line of care: surgical. Lumbar spinal fusion (on-hold)",
    ]
    alone = make(resource, care_plan(summary="a < b"))["text"]["div"]
    assert re.findall("<p>(.*?)</p>", alone) == ["a &lt; b"]


def test_steps_need_what_is_always_there(compiled: Compile) -> None:
    wrong = STEPS.replace("word: treatment", "word: description")
    with pytest.raises(ArtifactError, match="may be missing"):
        compiled(f"x: {{=narrative: summary, else: y, {wrong}}}", "care-plan")
    with pytest.raises(ArtifactError, match="needs 'else'"):
        compiled(f"x: {{=narrative: summary, {STEPS}}}", "care-plan")
    with pytest.raises(ArtifactError, match="is no list"):
        compiled(f"x: {{=narrative: id, {STEPS.replace('activities', 'period')}}}", "care-plan")


def test_a_reference_leads_into_a_record_of_another_type(make: Make) -> None:
    resource = f"x: {{=reference: ServiceRequest, {OTHER}}}\n"
    data = observation(note="C-9")
    made = make(resource, data)["x"]
    assert made["identifier"]["value"].split("/")[1:] == ["care-plan", "C-9", "activity", "odi"]
    plan = care_plan(id="C-9")
    there = make("x: {=own: identifier}", plan, head=ACTIVITY)["x"]
    assert there["value"] == made["identifier"]["value"].replace("odi", "active")
    assert make(resource, observation()) == {}


def test_fixed_concepts_never_vary(make: Make) -> None:
    coding = {"system": "http://loinc.org", "code": "38201-0", "display": "Pain onset"}
    resource = "a: {=fixed: pain.onset}\nb: {=fixed coding: pain.onset}"
    assert make(resource, assessment()) == {"a": {"coding": [coding]}, "b": coding}


def test_words_become_concepts_through_a_map(make: Make, library: Library) -> None:
    resource = """
    x: [{=each: causes as c, a: {=concept: c.cause, map: cause}, s: {=concepts: c.cause, map: cause}}]
    y: {=coding: encounter.setting, map: encounter-class}
    z: {=code: encounter.setting, map: encounter-class}
    """  # noqa: E501
    causes = [
        {"cause": "disc-herniation", "side": "bilateral", "certainty": "confirmed"},
        {"cause": "facet-pain", "certainty": "confirmed"},
    ]
    made = make(resource, assessment(causes=causes, encounter={"id": "E-1", "setting": "home"}))
    concepts = library.concepts
    assert made["x"][0]["a"]["coding"] == [
        concepts["dx.disc_prolapse.lumbar"].to_coding(),
        concepts["dx.icd.disc_displacement.lumbar"].to_coding(),
    ]
    assert [len(one["coding"]) for one in made["x"][0]["s"]] == [1, 1]
    assert [len(one["coding"]) for one in made["x"][1]["s"]] == [1]
    assert (made["y"]["code"], made["z"]) == ("HH", "HH")
    assert make(resource, assessment()) == {}


def test_two_paths_make_one_word(make: Make) -> None:
    resource = "x: {=concept: [measure, level], map: measure-level}"
    made = make(resource, observation(measure="startback-risk", level="low"))
    assert made["x"]["coding"][0]["code"] == "LA9194-7"
    assert make(resource, observation(measure="startback-risk")) == {}


@pytest.mark.parametrize(
    "resource",
    [
        "x: {=concept: note, map: finding}",
        "x: {=coding: note, map: finding}",
        "x: {=concept: [measure, note], map: measure-level}",
        "x: {=quantity: score, by: note, map: measure-unit}",
    ],
)
def test_a_word_without_a_row_fails_by_name_of_the_map_not_of_the_word(
    make: Make, resource: str
) -> None:
    with pytest.raises(MappingFailed) as caught:
        make(resource, observation(note="secret-word", score=1))
    (issue,) = caught.value.issues
    assert issue.number == 3009
    assert issue.mapping is not None
    assert issue.mapping.line == 7
    assert "secret-word" not in str(issue)


def test_quantity_has_a_unit_that_is_fixed_or_of_the_measure(make: Make) -> None:
    fixed = "x: {=quantity: work_status.days_off, unit: unit.d}"
    day = {"unit": "day", "system": "http://unitsofmeasure.org", "code": "d"}
    assert make(fixed, assessment(work_status={"days_off": 0})) == {"x": {"value": 0, **day}}
    assert make(fixed, assessment()) == {}
    varied = "x: {=quantity: score, by: measure, map: measure-unit}"
    made = make(varied, observation(score=Decimal("80.50"), measure="body-weight"))
    assert made["x"] == {
        "value": Decimal("80.50"),
        "unit": "kilogram",
        "system": "http://unitsofmeasure.org",
        "code": "kg",
    }
    assert str(made["x"]["value"]) == "80.50"


def test_a_unit_in_braces_survives_the_compiler(make: Make) -> None:
    for resource in (
        "x: {=quantity: score, unit: unit.score}",
        "x: {=quantity: score, by: measure, map: measure-unit}",
    ):
        assert make(resource, observation(score=1))["x"]["code"] == "{score}"


def test_own_identifier_is_made_of_the_key(make: Make) -> None:
    head = (
        "mapping: m\nsource: {source}\nmakes: Observation\nbelongs to: record\n"
        'key: ["a/b", =id, =pain.onset]\n'
    )
    made = make("x: {=own: identifier}", assessment(id="R 1/é~"), head=head)
    value = made["x"]["value"]
    assert made["x"]["system"] == CLINIC
    assert value == f"{PATIENT.path}/assessment/R%201%2F%C3%A9%7E/a%2Fb/R%201%2F%C3%A9%7E"


def test_a_reference_has_the_address_and_the_identifier_of_its_target(make: Make) -> None:
    resource = """
    a: {=reference: Goal, belongs to: patient, key: [goal, =id]}
    b: {=reference: Goal, key: [goal, =id]}
    """
    made = make(resource, care_plan())
    assert made["a"] == {
        "reference": f"Goal/{PATIENT.logical_id('Goal', 'goal/R-1')}",
        "identifier": {"system": CLINIC, "value": PATIENT.identifier_value("goal/R-1")},
    }
    own = identity.record_of_patient(PATIENT, CLINIC, "care-plan", "R-1")
    assert made["b"]["reference"] == f"Goal/{own.logical_id('Goal', 'goal/R-1')}"


def test_a_reference_goes_where_the_first_path_of_its_key_is_empty(make: Make) -> None:
    resource = "x: {=reference: Encounter, belongs to: patient, key: [encounter, =encounter.id]}"
    assert make(resource, assessment()) == {}
    made = make(resource, assessment(encounter={"id": "V", "setting": "home"}))
    assert made["x"]["identifier"]["value"].endswith("/encounter/V")


def test_a_reference_stays_where_a_later_path_of_its_key_is_empty(make: Make) -> None:
    resource = """
    x:
      - {=each: addresses as c, =reference: Condition, belongs to: patient, key: [cause, =c.cause, =c.side]}
    """  # noqa: E501
    causes = [{"cause": "sciatica"}, {"cause": "sciatica", "side": "left"}]
    made = make(resource, care_plan(addresses=causes))
    values = [one["identifier"]["value"] for one in made["x"]]
    assert values == [
        PATIENT.identifier_value("cause/sciatica"),
        PATIENT.identifier_value("cause/sciatica/left"),
    ]


def test_a_reference_into_another_record_goes_where_there_is_none(make: Make) -> None:
    resource = "x: [{=reference: CarePlan, of record: revision_of, key: [plan]}]"
    assert make(resource, care_plan()) == {}
    made = make(resource, care_plan(revision_of="P-0"))
    other = identity.record_of_patient(PATIENT, CLINIC, "care-plan", "P-0")
    assert made["x"][0]["reference"] == f"CarePlan/{other.logical_id('CarePlan', 'plan')}"


def test_the_patients_reference_has_the_clinics_number(make: Make) -> None:
    value = {"system": "https://clinic.example/mrn", "value": TRICKY}
    made = make("x: {=reference: Patient}", assessment(patient={"identifier": value}))
    assert made["x"] == {
        "reference": f"Patient/{identity.patient_id(value['system'], TRICKY)}",
        "identifier": value,
    }


def test_an_actor_is_a_practitioner_by_number(make: Make) -> None:
    author: dict[str, Any] = {"identifier": {"system": "urn:staff", "value": TRICKY}}
    practitioner = {"type": "Practitioner", **author}
    assert make("x: {=actor: author}", assessment(author=author)) == {"x": practitioner}
    named = make("x: [{=actor: author}]", assessment(author={**author, "name": TRICKY}))
    assert named == {"x": [{**practitioner, "display": TRICKY}]}
    assert make("x: [{=actor: author}]", assessment()) == {}


def test_made_names_everything_that_was_made_before(compiled: Compile) -> None:
    head = (
        "mapping: m\nsource: {source}\nmakes: Goal\nfor each: goals as goal\n"
        "belongs to: record\nkey: [=goal.id]\n"
    )
    program = compiled("id: =goal.id\nx: {=made: references}", "care-plan", head=head)
    goals = [
        {"id": id_, "status": "active", "description": "Walk", "start": "2024-03-04"}
        for id_ in ("1", "2", "3")
    ]
    data = care_plan(goals=goals)
    made = program.map(data)
    named = [json_text.parse(resource.text).get("x", []) for resource in made]
    urls = [{"reference": resource.url} for resource in made]
    assert named == [urls[:0], urls[:1], urls[:2]]


@pytest.mark.parametrize(
    ("resource", "number", "words"),
    [
        ("x: {=copy: score, els: 1}", 3002, "no option 'els'; it has: else"),
        ("x: {=copy: [score]}", 3002, "takes text"),
        ("x: {=text: words alone}", 3002, "holds no {path}"),
        ('x: {=text: "{nope}"}', 3003, "no 'nope'"),
        ('x: {=text: "{encounter}"}', 3004, "not a single value"),
        ('x: {=text: "{id}", else: y}', 3002, "it has: none"),
        ("x: {=narrative: encounter}", 3004, "not a single value"),
        ("x: {=narrative: note, or: y}", 3002, "it has: else, steps, in order"),
        ("x: {=narrative: note, steps: [], in order: [own.line-surgical]}", 3002, "'steps' is"),
        ("x: {=narrative: note, else: y, steps: [{of: scores}]}", 3002, "needs 'in order'"),
        (f"x: {{=narrative: note, else: y, {STEPS}}}", 3003, "no 'activities'"),
        (f"x: {{=narrative: id, {STEPS.replace('surgical', 'x')}}}", 1101, "no concept"),
        (f"x: {{=narrative: id, {STEPS.replace('line: treatment-line', 'line: x')}}}", 1103, "map"),
        (f"x: {{=narrative: id, {STEPS.replace('map: treatment', 'map: cause')}}}", 3002, "no row"),
        (f"x: {{=narrative: id, {STEPS.replace(', own.line-conservative', '')}}}", 3002, "order"),
        ("x: {=fixed: pain.onsett}", 1101, "Did you mean pain.onset"),
        ("x: {=fixed: zzz}", 1101, "no concept 'zzz'."),
        ("x: {=fixed coding: pain.onset, map: y}", 3002, "it has: none"),
        ("x: {=concept: measure}", 3002, "needs 'map'"),
        ("x: {=concept: measure, map: nowhere}", 1103, "no concept map 'nowhere'"),
        ("x: {=concept: encounter, map: measure}", 3004, "not a single value"),
        ("x: {=concepts: measure, by: measure}", 3002, "it has: map"),
        ("x: {=coding: nope, map: measure}", 3003, "no 'nope'"),
        ("x: {=code: measure, unit: y}", 3002, "it has: map"),
        ("x: {=quantity: note, unit: unit.d}", 3002, "'note' is not a number"),
        ("x: {=quantity: score}", 3002, "needs 'by'"),
        ("x: {=quantity: score, by: measure}", 3002, "needs 'map'"),
        ("x: {=quantity: score, by: measure, map: nowhere}", 1103, "no concept map"),
        ("x: {=quantity: score, unit: unit.nope}", 1101, "no concept"),
        ("x: {=own: id}", 3002, "identifier only"),
        ("x: {=own: identifier, key: [a]}", 3002, "it has: none"),
        ("x: {=reference: Goal}", 3002, "needs a key"),
        ("x: {=reference: Goal, key: word}", 3002, "needs a key"),
        ("x: {=reference: Goal, key: [{a: b}]}", 3002, "words and =paths"),
        ("x: {=reference: Goal, key: [=score]}", 3004, "is not text"),
        ("x: {=reference: Goal, key: [=nope]}", 3003, "no 'nope'"),
        ("x: {=reference: Goal, belongs to: person, key: [a]}", 3002, "record or patient"),
        ("x: {=reference: Goal, of: id, key: [a]}", 3002, "no option 'of'"),
        (f"x: {{=reference: Goal, {OTHER.replace('care-plan', 'plan')}}}", 3002, "is one of: "),
        ("x: {=reference: Goal, record type: care-plan, key: [a]}", 3002, "beside 'of record'"),
        ("x: {=actor: encounter}", 3003, "no 'identifier'"),
        ("x: {=made: references, of: all}", 3002, "it has: none"),
    ],
)
def test_a_wrong_argument_is_named_at_its_line(
    compiled: Compile, resource: str, number: int, words: str
) -> None:
    with pytest.raises(ArtifactError) as caught:
        compiled("before: 1\n" + resource, "observation")
    (issue,) = caught.value.issues
    assert (issue.number, words in issue.text) == (number, True), issue
    assert issue.mapping is not None
    assert issue.mapping.line == 8


def test_a_key_cannot_hold_a_number(compiled: Compile) -> None:
    head = "mapping: m\nsource: {source}\nmakes: Goal\nbelongs to: record\nkey: [a, =score]\n"
    with pytest.raises(ArtifactError, match="'score' is not text") as caught:
        compiled("x: 1", "observation", head=head)
    assert caught.value.issues[0].mapping is not None
    assert caught.value.issues[0].mapping.line == 5


def test_an_identifier_that_comes_after_what_may_be_missing(make: Make) -> None:
    resource = "x: {=when: note is present, a: =note, own: {=own: identifier}}\ny: {n: =note, own: {=own: identifier}}"  # noqa: E501
    own = make("x: {=own: identifier}", observation())["x"]
    noted = make(resource, observation(note="seen"))
    assert noted == {"x": {"a": "seen", "own": own}, "y": {"n": "seen", "own": own}}
    assert make(resource, observation()) == {}


def test_a_failure_in_compiled_code_leads_to_its_line(library: Library, tmp_path: Path) -> None:
    def broken(emitter: Emitter, slot: Slot) -> Piece:
        return Piece((Code("s.note.nowhere", is_bound=True),), live=True)

    path = tmp_path / "m.map.yaml"
    path.write_text(
        "mapping: m\nsource: observation\nmakes: Observation\nbelongs to: record\nkey: [k]\n"
        "resource:\n  a: 1\n  b: [{=when: note is present, =broken: note}]\n",
        "utf-8",
    )
    functions = {**resource_functions(library), "broken": broken}
    compiled = compile_record("observation", [read_declaration(path)], functions, {})
    with pytest.raises(MappingFailed) as caught:
        compiled.map(observation(note="seen"))
    (issue,) = caught.value.issues
    assert issue.number == 3010
    assert issue.mapping is not None
    assert (Path(issue.mapping.file).name, issue.mapping.line) == ("m.map.yaml", 8)
