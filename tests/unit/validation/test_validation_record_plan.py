"""A care plan's parts are held against each other."""

from __future__ import annotations

from typing import Any

import pytest

from fhir_backpain.mapping.library import load_library
from fhir_backpain.validation.record import RecordChecker

LIBRARY = load_library()
CHECKER = RecordChecker(LIBRARY.vocabulary, LIBRARY.ranges)
BLOCK = {"id": "X9", "treatment": "nerve-root-block", "status": "active"}
EXERCISE = {"id": "X1", "treatment": "exercise-therapy", "status": "active"}
NAPROXEN = {"id": "M1", "medication": "naproxen-500mg", "status": "active"}


def found(**parts: Any) -> list[tuple[int, str, str]]:
    """Return number, severity and pointer of each issue of a plan with these parts."""
    plan = {
        "record": "care-plan",
        "id": "P-1",
        "source": "https://clinic.example",
        "recorded_at": "2024-03-04T12:00:00Z",
        "patient": {"identifier": {"system": "https://clinic.example/mrn", "value": "1"}},
        "written_at": "2024-03-04",
        "status": "active",
        "intent": "plan",
        **parts,
    }
    return [
        (issue.number, issue.severity, str(issue.source and issue.source.pointer))
        for issue in CHECKER.check(plan)
    ]


def member(number: str, **more: Any) -> dict[str, Any]:
    identifier = {"system": "https://clinic.example/staff", "value": number}
    return {"member": {"identifier": identifier}, "role": "physiotherapist", **more}


def test_a_team_has_one_lead() -> None:
    assert found(care_team=[member("1", lead=True), member("2", lead=False), member("3")]) == []
    second = [member("1", lead=True), member("2", lead=True)]
    assert found(care_team=second) == [(4033, "error", "/care_team/1/lead")]


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ({"activities": [BLOCK]}, [(4035, "warning", "/activities/0/treatment")]),
        ({"activities": [BLOCK], "reason": "Foot drop"}, []),
        ({"activities": [BLOCK | {"reason": "Foot drop"}]}, []),
        ({"activities": [BLOCK], "revision_of": "P-0"}, []),
        ({"activities": [BLOCK], "medications": [NAPROXEN]}, []),
        ({"activities": [BLOCK | {"status": "revoked"}]}, []),
        ({"activities": [EXERCISE, BLOCK]}, []),
        ({"activities": [BLOCK, EXERCISE]}, [(4036, "warning", "/activities/1")]),
        ({"activities": [BLOCK, EXERCISE | {"status": "completed"}]}, []),
    ],
)
def test_conservative_steps_come_first(
    parts: dict[str, Any], expected: list[tuple[int, str, str]]
) -> None:
    assert found(**parts) == expected


def test_what_starts_after_surgery_may_stand_below_it() -> None:
    surgery = BLOCK | {"treatment": "laminectomy", "start": "2024-03-10"}
    after, before = EXERCISE | {"start": "2024-03-20"}, EXERCISE | {"start": "2024-03-05"}
    assert found(activities=[surgery, after]) == []
    assert found(activities=[surgery, before]) == [(4036, "warning", "/activities/1")]


def test_what_is_contraindicated_or_declined_is_not_ordered() -> None:
    barred = {"id": "K1", "medication": "naproxen-500mg", "status": "active", "reason": "Ulcer"}
    unwanted = {"id": "P1", "stance": "declines", "treatment": "exercise-therapy", "text": "No"}
    orders = {"activities": [EXERCISE], "medications": [NAPROXEN]}
    expected = [
        (4034, "warning", "/activities/0/treatment"),
        (4034, "warning", "/medications/0/medication"),
    ]
    assert found(**orders, contraindications=[barred], preferences=[unwanted]) == expected
    over = barred | {"status": "completed"}
    wanted = unwanted | {"stance": "prefers"}
    assert found(**orders, contraindications=[over], preferences=[wanted]) == []
    ended = {"medications": [NAPROXEN | {"status": "stopped"}]}
    assert found(**ended, contraindications=[barred]) == []


def test_a_step_of_a_titration_ends_after_it_starts() -> None:
    step = {"step": 1, "dose": {"value": 1, "unit": "mg"}, "start": "2024-03-04"}
    titration = [step | {"end": "2024-03-04"}, step | {"end": "2024-03-03"}]
    pointer = "/medications/0/titration/1/end"
    assert found(medications=[NAPROXEN | {"titration": titration}]) == [(4021, "error", pointer)]


def test_keys_of_all_parts_are_known_ones() -> None:
    bare = {"id": "K1", "status": "active", "reason": "Ulcer"}
    wish = {"id": "P1", "stance": "prefers", "text": "Soon"}
    pointers = [
        pointer
        for number, _, pointer in found(
            contraindications=[bare | {"treatment": "leeches"}],
            preferences=[wish | {"treatment": "leeches"}],
        )
        if number == 4023
    ]
    assert pointers == ["/contraindications/0/treatment", "/preferences/0/treatment"]
