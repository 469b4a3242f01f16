"""The care plans of a patient: the first one, its revisions, and the closing of what they replace.

An activity or medication keeps its id while it stays as it is; a changed one gets a new id, and
the plan that is closed says that the earlier one has ended.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from fhir_backpain.clinic.assessment import author_of
from fhir_backpain.clinic.examination import EMERGENCY_FLAGS, first_flags
from fhir_backpain.clinic.goals import Goal, measured, set_goals
from fhir_backpain.clinic.header import header, minutes_after
from fhir_backpain.clinic.patient_story import PatientStory, Visit
from fhir_backpain.clinic.protocols import ESCALATION, Step
from fhir_backpain.clinic.staff import practitioner
from fhir_backpain.clinic.treatments import COURSES, DOSAGES, INVASIVE
from fhir_backpain.clinic.wishes import contraindications, preferences

_SUMMARIES: dict[Step | None, str] = {
    None: "Start with education, activity and simple medication; see how six weeks go.",
    "wind-down": "Doing well: medication ends, exercises go on at home.",
    "exercise": "Getting better: more exercise.",
    "dose": "Not better yet: the dose is raised.",
    "technique": "Another technique and another medication are added.",
    "injection": "Conservative care did not suffice: an injection is offered.",
    "surgery": "Surgery after all else, as decided together.",
}
_REASONS: dict[Step | None, str] = {
    "wind-down": "Pain and function are where they should be.",
    "exercise": "Pain is going down; exercise is borne well.",
    "dose": "Pain has hardly changed; the medication is borne well.",
    "technique": "Pain and function have not got better enough.",
    "injection": "Six months of conservative care brought too little.",
    "surgery": "Neither conservative care nor the injection brought enough.",
}
_WHY_URGENT = "Signs of pressure on the cauda equina: to be seen today"
_URGENT = "urgent-referral"
_LASTING = ("exercise-therapy", "strength-exercise", "stretching")


@dataclass(slots=True)
class _Draft:
    """A plan being worked on: what is ordered now and how often it has been revised."""

    story: PatientStory
    goals: list[Goal]
    version: int = 1
    activities: list[dict[str, Any]] = field(default_factory=list)
    medications: list[dict[str, Any]] = field(default_factory=list)
    ordered: dict[str, int] = field(default_factory=lambda: {"T": 0, "M": 0})

    def next_id(self, letter: str) -> str:
        self.ordered[letter] += 1
        return f"{self.story.mrn}-{letter}{self.ordered[letter]}"

    def add_treatment(self, treatment: str, start: datetime, more: int = 0) -> None:
        course = COURSES[treatment]
        optional = {
            "schedule": course.schedule(more),
            "sessions": course.sessions or None,
            "performer_role": course.role,
            "instructions": course.words,
        }
        referred = treatment.startswith("referral-") or treatment == _URGENT
        if course.role is not None and (course.sessions == 1 or referred):
            optional |= {
                "performer": practitioner(course.role),
                "reason": _WHY_URGENT if treatment == _URGENT else "Other care did not suffice",
            }
        activity = {
            "id": self.next_id("T"),
            "treatment": treatment,
            "status": "active",
            "description": course.description,
            "start": start.date().isoformat(),
            "site": "low-back",
        }
        present = {name: value for name, value in optional.items() if value is not None}
        self.activities.append(activity | present)

    def add_medication(self, medication: str, start: datetime, raised: bool = False) -> None:
        dosage = DOSAGES[medication]
        self.medications.append(
            {
                "id": self.next_id("M"),
                "medication": medication,
                "status": "active",
                "start": start.date().isoformat(),
                **dosage.order(start.date(), raised),
                "as_needed": dosage.as_needed,
                "instructions": dosage.words,
            }
        )

    def may_have(self, treatment: str) -> bool:
        return all(one.get("treatment") != treatment for one in contraindications(self.story))

    def has(self, treatment: str) -> bool:
        return any(activity["treatment"] == treatment for activity in self.activities)

    def has_medication(self, medication: str) -> bool:
        return any(entry["medication"] == medication for entry in self.medications)


def write_plans(story: PatientStory) -> Iterator[dict[str, Any]]:
    """Yield every version of the patient's plans as it was recorded, in time order.

    A plan comes first as active; when it is revised it comes again, closed, right before the
    plan that replaces it; the last one comes again when it is completed after twelve months.
    """
    draft = _first_draft(story)
    current = _plan(draft, story.visits[0], None)
    yield current
    steps = ESCALATION[story.response]
    for visit in story.visits[1:]:
        step = steps.get(visit.number)
        if step is not None:
            _REVISIONS[step](draft, visit.at)
            draft.version += 1
            yield _closed(current, draft, visit)
            current = _plan(draft, visit, step)
            yield current
    if not story.drops_out:
        yield _completed(current, draft, story.visits[-1])


def _first_draft(story: PatientStory) -> _Draft:
    draft = _Draft(story, set_goals(story))
    start = story.first_visit
    for treatment in filter(draft.may_have, story.protocol.first):
        draft.add_treatment(treatment, start)
    if "obesity" in story.factors:
        draft.add_treatment("weight-management", start)
    if "stress" in story.factors and not draft.has("pain-education"):
        draft.add_treatment("pain-education", start)
    if first_flags(story) & set(EMERGENCY_FLAGS):
        draft.add_treatment(_URGENT, start)
    usual = story.chance("medication").between(1, len(story.protocol.medications))
    for medication in story.protocol.medications[:usual]:
        draft.add_medication(medication, start)
    return draft


def _wind_down(draft: _Draft, start: datetime) -> None:
    draft.medications.clear()
    draft.activities = [a for a in draft.activities if a["treatment"] in _LASTING]
    if not draft.has("stretching"):
        draft.add_treatment("stretching", start)


def _exercise_more(draft: _Draft, start: datetime) -> None:
    draft.activities = [a for a in draft.activities if a["treatment"] != "exercise-therapy"]
    draft.add_treatment("exercise-therapy", start, more=2)


def _raise_dose(draft: _Draft, start: datetime) -> None:
    first, *others = draft.medications
    draft.medications = others
    draft.add_medication(first["medication"], start, raised=True)


def _add_technique(draft: _Draft, start: datetime) -> None:
    possible = filter(draft.may_have, draft.story.protocol.techniques)
    new = [choice for choice in possible if not draft.has(choice)]
    choice = draft.story.chance("technique").pick(new)
    draft.add_treatment(choice, start)
    if not draft.has_medication(draft.story.protocol.added_medication):
        draft.add_medication(draft.story.protocol.added_medication, start)


def _inject(draft: _Draft, start: datetime) -> None:
    draft.add_treatment(draft.story.protocol.injection, start)


def _operate(draft: _Draft, start: datetime) -> None:
    draft.activities = [a for a in draft.activities if not COURSES[a["treatment"]].sessions]
    draft.add_treatment(draft.story.protocol.surgery, start)
    draft.add_treatment("physical-therapy", start)


_REVISIONS: dict[Step, Callable[[_Draft, datetime], None]] = {
    "wind-down": _wind_down,
    "exercise": _exercise_more,
    "dose": _raise_dose,
    "technique": _add_technique,
    "injection": _inject,
    "surgery": _operate,
}


def _plan(draft: _Draft, visit: Visit, step: Step | None) -> dict[str, Any]:
    story = draft.story
    written_at = minutes_after(visit.at, 50)
    record_id = f"{story.mrn}-C{draft.version}"
    author = author_of(story.protocol)
    plan = header(story, "care-plan", record_id, minutes_after(visit.at, 58), author)
    plan |= {"written_at": written_at.isoformat(), "status": "active", "intent": "plan"}
    plan |= {"title": f"Back care plan, version {draft.version}", "summary": _SUMMARIES[step]}
    if draft.version > 1:
        plan["revision_of"] = f"{story.mrn}-C{draft.version - 1}"
        plan["reason"] = _REASONS[step]
    side = {"side": story.side} if story.side else {}
    plan |= {
        "period": {"start": written_at.isoformat()},
        "addresses": [{"cause": cause, **side} for cause in story.protocol.causes],
        "goals": _goals(draft, visit if visit.number else None),
        # Conservative steps come first, whenever they were added.
        "activities": sorted(deepcopy(draft.activities), key=lambda a: a["treatment"] in INVASIVE),
    }
    optional = {
        "medications": deepcopy(draft.medications),
        "contraindications": contraindications(story),
        "preferences": preferences(story),
    }
    plan |= {name: elements for name, elements in optional.items() if elements}
    plan["care_team"] = _care_team(draft, author)
    return plan


def _goals(draft: _Draft, visit: Visit | None, closing: bool = False) -> list[dict[str, Any]]:
    start = draft.story.first_visit.date()
    return [
        goal.element(start, measured(draft.story, visit, goal.measure) if visit else None, closing)
        for goal in draft.goals
    ]


def _care_team(draft: _Draft, author: str) -> list[dict[str, Any]]:
    roles = [author, *(a["performer_role"] for a in draft.activities if "performer_role" in a)]
    team = [{"member": practitioner(role), "role": role} for role in dict.fromkeys(roles)]
    team[0]["lead"] = True  # The author of the plan.
    return team


def _closed(plan: dict[str, Any], following: _Draft, visit: Visit) -> dict[str, Any]:
    """Return the plan as it is exported again when the following one replaces it."""
    status = "completed" if following.story.response in ("fast", "gradual") else "revoked"
    closed = _ended(plan, status, visit)
    closed["goals"] = _goals(following, visit)
    going_on = {entry["id"] for entry in (*following.activities, *following.medications)}
    _end_orders(closed, visit, going_on, "stopped")
    return closed


def _completed(plan: dict[str, Any], draft: _Draft, visit: Visit) -> dict[str, Any]:
    """Return the last plan as it is exported again after twelve months."""
    completed = _ended(plan, "completed", visit)
    completed["goals"] = _goals(draft, visit, closing=True)
    _end_orders(completed, visit, set(), "completed")
    return completed


def _ended(plan: dict[str, Any], status: str, visit: Visit) -> dict[str, Any]:
    ended = deepcopy(plan) | {"status": status}
    ended["recorded_at"] = minutes_after(visit.at, 49).isoformat()
    ended["period"]["end"] = minutes_after(visit.at, 48).isoformat()
    return ended


def _end_orders(
    plan: dict[str, Any], visit: Visit, going_on: set[str], medication_status: str
) -> None:
    for activity in plan["activities"]:
        if activity["id"] not in going_on:
            activity |= {"status": "completed", "end": visit.at.date().isoformat()}
    for medication in plan.get("medications", ()):
        if medication["id"] not in going_on:
            medication["status"] = medication_status
