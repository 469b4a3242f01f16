"""What speaks against a treatment, and what the patient wants of it."""

from __future__ import annotations

from typing import Any

from fhir_backpain.clinic.examination import first_flags
from fhir_backpain.clinic.patient_story import PatientStory
from fhir_backpain.clinic.treatments import INVASIVE

_OLD = 65


def contraindications(story: PatientStory) -> list[dict[str, Any]]:
    """Return the treatments and medications that the patient must not be given."""
    found = []
    if "osteoporosis" in first_flags(story):
        found.append({"treatment": "chiropractic-manipulation", "reason": "Osteoporosis"})
    if story.first_visit.year - story.birth_date.year >= _OLD:
        found.append({"medication": "oxycodone-5mg", "reason": "Likely to fall"})
    return [
        {"id": f"{story.mrn}-K{place}", "status": "active", **one}
        for place, one in enumerate(found, start=1)
    ]


def preferences(story: PatientStory) -> list[dict[str, Any]]:
    """Return what the patient wants and does not want; nothing that the plan goes against."""
    chance = story.chance("preferences")
    wishes: list[dict[str, Any]] = []
    if chance.happens(0.3):
        wishes.append({"stance": "prefers", "text": "Appointments after work"})
    if chance.happens(0.3):
        text = "Exercises that can be done at home"
        wishes.append({"stance": "prefers", "treatment": "exercise-therapy", "text": text})
    surgery = story.protocol.surgery
    if story.response != "surgical" and surgery in INVASIVE and chance.happens(0.4):
        wishes.append({"stance": "declines", "treatment": surgery, "text": "No operation"})
    return [{"id": f"{story.mrn}-P{place}", **one} for place, one in enumerate(wishes, start=1)]
