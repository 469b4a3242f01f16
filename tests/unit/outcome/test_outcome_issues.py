"""Issues, outcomes and messages: readable lines, and FHIR OperationOutcomes."""

from __future__ import annotations

import json

import pytest
from fhir.resources.R4B.operationoutcome import OperationOutcome

from fhir_backpain.errors import (
    AmbiguousRemoteError,
    BackpainError,
    ConflictError,
    MappingCheckError,
    RemoteError,
    SourceError,
    TransientRemoteError,
)
from fhir_backpain.mapping import messages
from fhir_backpain.outcome import (
    CATALOGUE,
    MappingLocation,
    Message,
    Outcome,
    SourceLocation,
)
from fhir_backpain.record import as_of, is_test_data, key_of
from tests.records import assessment, care_plan, observation

SOURCE = SourceLocation(file="rows.csv", line=7, column=3, pointer="/score", field="val")
MAPPING = MappingLocation("m.map.yaml", 4, 9)
MESSAGE = messages.CELL_VALUE


@pytest.mark.parametrize(
    ("location", "text"),
    [
        (SourceLocation(), ""),
        (SourceLocation(file="a.json"), "a.json"),
        (SourceLocation(file="a.json", line=2), "a.json:2"),
        (SourceLocation(line=2, column=5), "2:5"),
        (SourceLocation(pointer=""), "at (whole record)"),
        (SourceLocation(pointer="/a/0"), "at /a/0"),
        (SOURCE, "rows.csv:7:3 field val at /score"),
    ],
)
def test_a_source_location_reads_like_a_place(location: SourceLocation, text: str) -> None:
    assert str(location) == text


def test_an_issue_is_one_line_with_both_ends_and_a_next_step() -> None:
    issue = MESSAGE.issue("Odd.", source=SOURCE, mapping=MAPPING, expression="Patient.name")
    assert str(issue) == (
        "rows.csv:7:3 field val at /score <- m.map.yaml:4:9 <- Patient.name: error FBP-3025: "
        f"Odd. Next: {MESSAGE.next_step}"
    )
    bare = MESSAGE.issue("Odd.", next_step="Look.", severity="warning")
    assert str(bare) == "warning FBP-3025: Odd. Next: Look."
    assert str(MESSAGE.issue("Odd.", source=SourceLocation())).startswith("error FBP-3025")


def test_only_errors_and_worse_stop_a_record() -> None:
    severities = {"fatal": True, "error": True, "warning": False, "information": False}
    for severity, is_error in severities.items():
        issue = MESSAGE.issue("x", severity=severity)  # type: ignore[arg-type]
        assert issue.is_error is is_error
        assert Outcome.of([issue]).has_errors is is_error


def test_an_issue_moves_to_a_place_and_keeps_what_it_knew() -> None:
    place = SourceLocation(file="a.csv", line=9, column=1, field="f", record="R")
    moved = MESSAGE.issue("x", source=SourceLocation(pointer="/p", column=4)).moved_to(place)
    assert moved.source == place.at(pointer="/p", column=4)
    assert MESSAGE.issue("x").moved_to(place).source == place


def test_an_issue_becomes_an_element_of_an_operation_outcome() -> None:
    element = MESSAGE.issue(
        "Odd.", source=SOURCE, mapping=MAPPING, expression="Patient.name[0]"
    ).to_fhir()
    base = "http://hl7.org/fhir/StructureDefinition/operationoutcome-"
    assert element == {
        "extension": [
            {"url": f"{base}message-id", "valueString": "FBP-3025"},
            {"url": f"{base}issue-line", "valueInteger": 7},
            {"url": f"{base}issue-col", "valueInteger": 3},
        ],
        "severity": "error",
        "code": "value",
        "details": {"text": f"Odd. Next: {MESSAGE.next_step}"},
        "diagnostics": "source rows.csv:7:3 field val at /score; mapping m.map.yaml:4:9",
        "expression": ["Patient.name[0]"],
    }
    bare = MESSAGE.issue("Odd.").to_fhir()
    assert set(bare) == {"extension", "severity", "code", "details"}


@pytest.mark.parametrize("count", [0, 1, 3])
def test_an_outcome_is_a_valid_operation_outcome(count: int) -> None:
    outcome = Outcome.of(MESSAGE.issue(f"Issue {n}.", source=SOURCE) for n in range(count))
    resource = outcome.to_fhir()
    OperationOutcome.model_validate_json(json.dumps(resource))
    assert len(resource["issue"]) == max(count, 1)
    assert (len(outcome), len(list(outcome))) == (count, count)
    assert str(outcome).count("\n") == max(count - 1, 0)
    if not count:
        assert resource["issue"][0]["severity"] == "information"


def test_a_message_number_is_declared_once_and_its_code_is_an_issue_type() -> None:
    with pytest.raises(ValueError, match="3025 is declared twice"):
        Message(3025, "value", "Again", "Stop.")
    assert CATALOGUE[3025] is MESSAGE
    with pytest.raises(ValueError, match="999998: wrong is not a FHIR IssueType"):
        Message(999998, "wrong", "No", "Stop.")  # type: ignore[arg-type]
    assert 999998 not in CATALOGUE


def test_an_error_carries_its_issues_as_data_and_as_text() -> None:
    one, two = MESSAGE.issue("One."), MESSAGE.issue("Two.")
    error = MappingCheckError([one, two])
    assert error.issues == error.outcome.issues == (one, two)
    assert str(error) == f"{one}\n{two}"
    assert SourceError(one).issues == (one,)


def test_remote_errors_say_what_the_server_said() -> None:
    error = TransientRemoteError(MESSAGE.issue("Busy."), status=503, retry_after=1.5)
    assert (error.status, error.retry_after) == (503, 1.5)
    assert RemoteError(MESSAGE.issue("x")).status is None
    for kind in (TransientRemoteError, AmbiguousRemoteError, ConflictError):
        assert issubclass(kind, RemoteError)
        assert issubclass(kind, BackpainError)


def test_a_record_has_a_business_key_and_a_time() -> None:
    key = key_of(assessment())
    assert (key.source, key.record, key.id) == ("https://clinic.example/app", "assessment", "R-1")
    assert key.patient == "https://clinic.example/mrn|MRN-1"
    assert str(key) == "assessment R-1"
    times = {as_of(record) for record in (assessment(), care_plan(), observation())}
    assert times == {"2024-03-04"}


def test_only_what_says_so_is_test_data() -> None:
    assert is_test_data(assessment(test_data=True))
    for other in ({}, {"test_data": False}, {"test_data": "true"}, {"test_data": 1}):
        assert not is_test_data(assessment(**other))
