"""What changed between plans, field by field, and the history that it makes."""

from __future__ import annotations

from typing import Any

import pytest
from followup_world import DAYS, exercise, goal, ibuprofen, plan, read, year

from fhir_backpain.followup.plan_change import plan_changes
from fhir_backpain.followup.plan_history import PlanHistory, plan_histories

MODALITIES = {"exercise-therapy": "Exercise", "massage": "Massage Therapy"}


def words(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """Return what changed from one plan to the next, as it is shown."""
    first, second = (one.data for one in read(before, after))
    return [change.words for change in plan_changes(first, second, MODALITIES)]


def plans(before: dict[str, Any], after: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    return plan("P-1", DAYS[0], **before), plan("P-2", DAYS[1], revision_of="P-1", **after)


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        (ibuprofen(400), ibuprofen(600), "ibuprofen-200mg: dose 400 mg -> 600 mg"),
        (ibuprofen(), ibuprofen(as_needed=True), "ibuprofen-200mg: as needed none -> yes"),
        (
            ibuprofen(),
            ibuprofen(medication="ibuprofen-600mg"),
            "ibuprofen-600mg: medication ibuprofen-200mg -> ibuprofen-600mg",
        ),
        (ibuprofen(), ibuprofen(status="stopped"), "medication stopped: ibuprofen-200mg"),
        (
            ibuprofen(instructions="a" * 61),
            ibuprofen(instructions="b"),
            "ibuprofen-200mg: instructions reworded",
        ),
        (
            ibuprofen(),
            ibuprofen(600, id="M9"),
            "ibuprofen-200mg: dose 400 mg -> 600 mg",
        ),
    ],
)
def test_a_medication_that_changes(before: Any, after: Any, told: str) -> None:
    assert words(*plans({"medications": [before]}, {"medications": [after]})) == [told]


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        (exercise(2), exercise(3), ["exercise-therapy: frequency 2/week -> 3/week"]),
        (
            exercise(schedule={"frequency": 1, "period": 2, "period_unit": "wk"}),
            exercise(schedule={"frequency": 1, "period": 1.5, "period_unit": "mo"}),
            ["exercise-therapy: frequency 1 per 2 weeks -> 1 per 1.5 months"],
        ),
        (exercise(sessions=6), exercise(sessions=12), ["exercise-therapy: sessions 6 -> 12"]),
        (
            exercise(status="active"),
            exercise(status="completed", end="2026-03-01"),
            ["exercise completed: exercise-therapy"],
        ),
        (exercise(), exercise(status="on-hold"), ["exercise-therapy: status active -> on-hold"]),
        (exercise(), exercise(), []),
    ],
)
def test_an_activity_that_changes(before: Any, after: Any, told: list[str]) -> None:
    assert words(*plans({"activities": [before]}, {"activities": [after]})) == told


def test_the_length_of_each_time_is_told_apart_from_how_often() -> None:
    long = {"frequency": 2, "period": 1, "period_unit": "wk", "duration": 45,
            "duration_unit": "min"}  # fmt: skip
    found = words(*plans({"activities": [exercise(2)]}, {"activities": [exercise(schedule=long)]}))
    assert found == ["exercise-therapy: duration none -> 45 min"]


def test_what_is_added_and_what_is_gone() -> None:
    massage = {"id": "X2", "treatment": "massage", "status": "active"}
    found = words(*plans({"activities": [exercise()]}, {"activities": [massage]}))
    assert found == ["exercise stopped: exercise-therapy", "massage therapy added: massage"]
    assert words(*plans({}, {"activities": [exercise()], "medications": [ibuprofen()]})) == [
        "exercise added: exercise-therapy, 2/week",
        "medication added: ibuprofen-200mg, 400 mg, 3/day",
    ]


def test_two_of_one_treatment_are_not_taken_for_each_other() -> None:
    home, gym = exercise(2, id="X7"), exercise(1, id="X8")
    found = words(*plans({"activities": [exercise(3)]}, {"activities": [home, gym]}))
    assert found == [
        "exercise stopped: exercise-therapy",
        "exercise added: exercise-therapy, 2/week",
        "exercise added: exercise-therapy, 1/week",
    ]


def test_what_ended_because_the_plan_was_replaced_goes_on() -> None:
    closed = {"status": "revoked", "activities": [exercise(status="revoked", end=DAYS[1])]}
    assert words(*plans(closed, {"activities": [exercise()]})) == []
    assert words(*plans(closed, {})) == ["exercise stopped: exercise-therapy"]
    ended = {"activities": [exercise(status="completed")]}
    assert words(*plans(ended, {"activities": [exercise()]})) == [
        "exercise-therapy: status completed -> active"
    ]
    assert words(*plans(ended, {})) == []


def test_a_goal_a_cause_a_team_a_contraindication() -> None:
    member = {"identifier": {"system": "https://clinic.example/staff", "value": "S-7"}}
    first = {"goals": [goal()], "addresses": [{"cause": "sciatica"}]}
    second = {
        "goals": [goal(target=24)],
        "addresses": [{"cause": "low-back-strain"}],
        "care_team": [{"member": member, "role": "physiotherapist"}],
        "contraindications": [
            {"id": "C1", "medication": "tramadol-50mg", "status": "active", "reason": "x"}
        ],
    }
    assert words(*plans(first, second)) == [
        "cause stopped: sciatica",
        "cause added: low-back-strain",
        "Garden again: target 20 -> 24",
        "contraindication added: tramadol-50mg",
        "care team member added: physiotherapist",
    ]


def test_a_change_is_data_too() -> None:
    before, after = plans({"medications": [ibuprofen(400)]}, {"medications": [ibuprofen(600)]})
    (change,) = plan_changes(before, after)
    assert change.to_json() == {
        "kind": "changed",
        "part": "medication",
        "id": "M1",
        "subject": "ibuprofen-200mg",
        "words": "ibuprofen-200mg: dose 400 mg -> 600 mg",
        "field": "dose",
        "before": {"value": 400, "unit": "mg"},
        "after": {"value": 600, "unit": "mg"},
    }


def only(*records: dict[str, Any]) -> PlanHistory:
    (found,) = plan_histories(read(*records), MODALITIES)
    return found


def test_a_year_of_revisions_with_their_reasons() -> None:
    found = only(*year())
    assert [(one.id, one.revises, one.reason) for one in found.versions] == [
        ("P-1", None, None),
        ("P-2", "P-1", "The pain has not changed."),
        ("P-3", "P-2", "A technique is added."),
        ("P-4", "P-3", "The goal is reached."),
    ]
    assert found.versions[0].changes is None
    assert [[change.words for change in one.changes or ()] for one in found.versions[1:]] == [
        [
            "Garden again: target 20 -> 24",
            "exercise-therapy: frequency 2/week -> 3/week",
            "ibuprofen-200mg: dose 400 mg -> 600 mg",
        ],
        ["Garden again: achievement none -> improving", "massage therapy added: massage"],
        [
            "goal completed: Garden again",
            "Garden again: achievement improving -> achieved",
            "massage therapy stopped: massage",
            "medication stopped: ibuprofen-200mg",
        ],
    ]
    assert only(*reversed(year())) == found


def test_a_plan_whose_predecessor_is_not_here_says_so() -> None:
    (one,) = only(plan("P-2", DAYS[1], revision_of="P-1")).versions
    assert (one.is_alone, one.changes) == (True, None)
    assert one.to_json()["revisedPlanMissing"] is True


def test_plans_that_revise_each_other_end() -> None:
    found = only(
        plan("P-1", DAYS[0], revision_of="P-2"), plan("P-2", DAYS[1], revision_of="P-1"),
        plan("P-3", DAYS[2], revision_of="P-3"),
    )  # fmt: skip
    assert [one.is_alone for one in found.versions] == [True, True, True]


def test_two_plans_may_revise_the_same_one() -> None:
    first = plan("P-1", DAYS[0], activities=[exercise(2)])
    again = [
        plan(name, day, revision_of="P-1", activities=[exercise(times)])
        for name, day, times in (("P-2", DAYS[1], 3), ("P-3", DAYS[2], 4))
    ]
    found = only(first, *again)
    assert [one.changes[0].words for one in found.versions if one.changes] == [
        "exercise-therapy: frequency 2/week -> 3/week",
        "exercise-therapy: frequency 2/week -> 4/week",
    ]


def test_what_was_entered_in_error_is_no_history() -> None:
    wrong = plan("P-1", DAYS[0], status="entered-in-error")
    assert plan_histories(read(wrong)) == ()
