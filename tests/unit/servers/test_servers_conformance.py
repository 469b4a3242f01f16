"""The conformance run without Java: what is judged, in which batches, and how it is told."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from click.testing import CliRunner

from fhir_backpain.hl7.validator import ValidatorIssue
from fhir_backpain.mapping.mapper import load_mapper
from servers.__main__ import main
from servers.conformance.batch import Finding, batches
from servers.conformance.judgement import Row
from servers.conformance.shape import one_of_each, shape
from servers.conformance.subject import R4, Subject, demo_records, subjects
from servers.conformance.table import faults, table
from tests.records import assessment


def text(kind: str, number: int, **more: Any) -> str:
    return json.dumps({"resourceType": kind, "id": str(number), **more})


def subject(*texts: str, together: bool = True) -> Subject:
    return Subject("some", R4, len(texts), len(texts), texts, together)


def issue(
    expression: str | None, severity: str = "error", message: str = "wrong"
) -> ValidatorIssue:
    return ValidatorIssue(severity, "invalid", expression, None, None, None, message)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"id": "a1b2"}, {"id": "a3b4"}),
        ({"effectiveDateTime": "2024-01-02"}, {"effectiveDateTime": "2025-11-12"}),
        ({"valueQuantity": {"value": 4.25}}, {"valueQuantity": {"value": 1.75}}),
        (
            {"reference": "Patient/52efbc3b-9b47-8637-ad17-41893459419a"},
            {"reference": "Patient/3b376f1b-c252-8f2d-b893-839b30d2912f"},
        ),
    ],
)
def test_ids_dates_and_numbers_of_one_form_are_of_one_shape(one: Any, other: Any) -> None:
    assert shape(json.dumps(one)) == shape(json.dumps(other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"code": "72514"}, {"code": "72515"}),
        ({"system": "urn:oid:1"}, {"system": "urn:oid:2"}),
        ({"profile": ["http://x/p1"]}, {"profile": ["http://x/p2"]}),
        ({"effectiveDateTime": "2024-01-02"}, {"effectiveDateTime": "2024-01"}),
        ({"valueQuantity": {"value": 4.25}}, {"valueQuantity": {"value": 4}}),
        ({"valueBoolean": True}, {"valueBoolean": False}),
        ({"status": "final"}, {"status": "amended"}),
        ({"note": [{"text": "a"}]}, {"note": [{"text": "a"}, {"text": "a"}]}),
        ({"value": 1}, {"valueString": 1}),
    ],
)
def test_codes_forms_and_elements_make_a_shape(one: Any, other: Any) -> None:
    assert shape(json.dumps(one)) != shape(json.dumps(other))


def test_the_first_of_every_shape_is_taken_in_order() -> None:
    texts = [text("Goal", 1), text("Goal", 2), text("CarePlan", 3), text("Goal", 44)]
    assert one_of_each(texts) == [texts[0], texts[2], texts[3]]


def test_a_bundle_holds_resources_of_one_type_each_at_a_server_of_its_own() -> None:
    texts = [text("Goal", 1), text("CarePlan", 2), text("Goal", 3), text("Goal", 4)]
    made = list(batches(subject(*texts), size=2))
    assert [batch.addresses for batch in made] == [
        ("Goal/1", "Goal/3"),
        ("Goal/4",),
        ("CarePlan/2",),
    ]
    bundle = json.loads(made[0].text)
    assert bundle["type"] == "collection"
    assert [json.dumps(entry["resource"]) for entry in bundle["entry"]] == [texts[0], texts[2]]
    servers = {entry["fullUrl"].removesuffix(f"/Goal/{entry['resource']['id']}")
               for entry in bundle["entry"]}  # fmt: skip
    assert len(servers) == 2
    assert made[1].text == texts[3]


def test_the_files_of_the_package_go_one_by_one() -> None:
    made = list(batches(subject(text("Goal", 1), text("Goal", 2), together=False)))
    assert [batch.text for batch in made] == [text("Goal", 1), text("Goal", 2)]


def test_an_issue_is_of_the_resource_at_its_place() -> None:
    (batch,) = batches(subject(text("Goal", 1), text("Goal", 2)))
    places = ["Bundle.entry[1].resource/*Goal/2*/.subject", "Bundle.entry[0]", "Bundle", None]
    found = batch.findings(issue(place) for place in places)
    assert [one.address for one in found] == ["Goal/2", "Goal/1", "Bundle", "Bundle"]
    (alone,) = batches(subject(text("Goal", 7)))
    assert [one.address for one in alone.findings([issue("Goal.subject")])] == ["Goal/7"]


def test_what_is_said_of_the_bundle_alone_is_left_out() -> None:
    (batch,) = batches(subject(text("Goal", 1), text("Goal", 2)))
    entry = "Bundle.entry[1].resource/*Goal/2*/.subject"
    twin = replace(issue(entry, "warning"), message_id="BUNDLE_BUNDLE_POSSIBLE_MATCH_WRONG_FU")
    assert batch.findings([twin]) == []
    assert len(batch.findings([replace(twin, severity="error")])) == 1


def row(*issues: ValidatorIssue) -> Row:
    found = [Finding(f"Goal/{number}", one) for number, one in enumerate(issues)]
    return Row(subject(text("Goal", 0), text("Goal", 1)), found, judged=2, seconds=0.5)


def test_the_table_counts_errors_and_warnings() -> None:
    lines = list(table([row(issue(None), issue(None, "warning"), issue(None, "fatal"))], 3.0))
    assert lines[0].split() == [
        "what", "resources", "distinct", "judged", "errors", "warnings", "seconds", "ms", "each",
    ]  # fmt: skip
    assert lines[1].split() == ["some", "2", "2", "2", "2", "1", "0", "250.0"]
    assert lines[2] == "2 resources judged in 3 s: 2 errors."


def test_every_kind_of_error_is_told_once_with_its_first_places() -> None:
    wrong = [issue(f"Goal.subject[{number}]") for number in range(5)]
    lines = list(faults([row(*wrong, issue("Goal", "warning"), issue("Goal", message="other"))]))
    assert lines == [
        "some: Goal: other",
        "    Goal/6 at Goal",
        "some: Goal: wrong",
        "    Goal/0 at Goal.subject[0]",
        "    Goal/1 at Goal.subject[1]",
        "    Goal/2 at Goal.subject[2]",
        "    and 2 more",
    ]


def test_a_run_judges_the_package_the_demo_and_random_records_of_both_releases() -> None:
    found = {one.name: one for one in subjects(short=True)}
    assert list(found) == [
        "package", "examples", "demo, R4", "random records, R4", "demo, R5", "random records, R5",
    ]  # fmt: skip
    for one in found.values():
        assert one.made >= one.distinct >= len(one.texts) > 20, one.name
    types = {json.loads(made)["resourceType"] for made in found["demo, R4"].texts}
    assert types == set(load_mapper().types)
    assert found["demo, R4"].distinct > 20 * len(found["demo, R4"].texts)
    assert found["random records, R4"].distinct == len(found["random records, R4"].texts)


def test_the_demo_has_every_version_of_its_records() -> None:
    versions: dict[str, set[str]] = {}
    patients = set()
    for record in demo_records():
        versions.setdefault(record["id"], set()).add(record["recorded_at"])
        patients.add(record["patient"]["identifier"]["value"])
    assert max(map(len, versions.values())) > 1
    assert len(patients) == 220


def test_without_us_core_the_command_says_what_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FHIR_BACKPAIN_US_CORE", raising=False)
    ran = CliRunner().invoke(main, ["conformance"])
    assert ran.exit_code == 2
    assert "FHIR_BACKPAIN_US_CORE" in ran.stderr


def test_a_record_of_another_score_is_of_the_same_shape() -> None:
    mapper = load_mapper()
    made = [mapper(assessment(scores=[{"measure": "odi", "score": n}])) for n in (44, 46)]
    assert one_of_each(one.text for one in made[0] + made[1]) == [one.text for one in made[0]]
