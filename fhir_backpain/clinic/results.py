"""What investigations found and which procedures were done, told at the visit after them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from fhir_backpain.clinic.header import minutes_after
from fhir_backpain.clinic.patient_story import PatientStory, Visit
from fhir_backpain.clinic.protocols import ESCALATION
from fhir_backpain.clinic.staff import practitioner
from fhir_backpain.clinic.treatments import COURSES, INVASIVE

Elements = list[dict[str, Any]]

BLOCK = "diagnostic-nerve-root-block"
"""An investigation whose result is a procedure, not a report."""

_SHOWN = {
    "strain": (None, "No fracture; the discs are of normal height."),
    "herniation": ("disc-herniation", "Disc herniation that touches the nerve root."),
    "stenosis": ("spinal-stenosis", "Narrow spinal canal at several levels."),
    "degeneration": ("disc-degeneration", "Worn discs without contact to nerve roots."),
    "facet": ("facet-arthropathy", "Worn facet joints; no instability."),
}


def reports_of(story: PatientStory, visit: Visit, investigations: Elements) -> Elements:
    """Return the reports of the tests that were asked for at the first visit, at the next one."""
    if visit.number != 1:
        return []
    return [
        _report(story, place, asked)
        for place, asked in enumerate(investigations, start=1)
        if asked["test"] != BLOCK
    ]


def _report(story: PatientStory, place: int, asked: dict[str, Any]) -> dict[str, Any]:
    cause, conclusion = _SHOWN[story.protocol.key]
    days = story.chance("report", place).between(3, 20)
    done = story.first_visit + timedelta(days=days)
    report = {
        "id": f"{story.mrn}-R{place}",
        "test": asked["test"],
        "status": "final",
        "performed_at": done.isoformat(),
        "issued_at": minutes_after(done, 90).isoformat(),
        **_request(story, asked),
        "performer": practitioner("radiologist"),
        "conclusion": conclusion,
    }
    return report | ({"shows": [{"cause": cause}]} if cause else {})


def _request(story: PatientStory, asked: dict[str, Any]) -> dict[str, str]:
    return {"request": asked["id"], "requested_in": f"{story.mrn}-A1"}


def procedures_of(story: PatientStory, visit: Visit, investigations: Elements) -> Elements:
    """Return what was done since the visit before: a diagnostic block, an injection, surgery."""
    if not visit.number:
        return []
    done = [_block(story, asked) for asked in investigations if asked["test"] == BLOCK]
    before = story.visits[visit.number - 1]
    step = ESCALATION[story.response].get(before.number)
    chosen = {"injection": story.protocol.injection, "surgery": story.protocol.surgery}.get(
        step or ""
    )
    if chosen in INVASIVE:
        done.append(_treatment(story, before, chosen))
    return done if visit.number == 1 or chosen in INVASIVE else []


def _block(story: PatientStory, asked: dict[str, Any]) -> dict[str, Any]:
    found = "Leg pain gone for some hours" if story.chance("block").happens(0.7) else "No change"
    start = story.first_visit + timedelta(days=21)
    procedure = _procedure(story, "nerve-root-block", f"{story.mrn}-D0", start.isoformat())
    return procedure | _request(story, asked) | {"outcome": found}


def _treatment(story: PatientStory, ordered: Visit, treatment: str) -> dict[str, Any]:
    start = ordered.at + timedelta(days=14)
    number = f"{story.mrn}-D{ordered.number}"
    procedure = _procedure(story, treatment, number, start.date().isoformat())
    if story.chance("procedure", ordered.number).happens(0.1):
        return procedure | {"status": "not-done", "note": "Put off: the patient had a fever."}
    return procedure | {"outcome": "Without complications"}


def _procedure(story: PatientStory, key: str, number: str, performed_at: str) -> dict[str, Any]:
    role = COURSES[key].role
    assert role is not None
    side = {"side": story.side} if story.side else {}
    return {
        "id": number,
        "procedure": key,
        "status": "completed",
        "performed_at": performed_at,
        "performer": practitioner(role),
        "site": "lumbar-spine",
        **side,
    }
