"""What a patient tells of the pain at the first visit."""

from __future__ import annotations

from typing import Any

from fhir_backpain.clinic.patient_story import PatientStory

_CIRCUMSTANCES = {
    "strain": ("Lifted a box at work", "Turned quickly in the garden"),
    "herniation": ("Bent down to tie a shoe", "Came on over a week of driving"),
    "stenosis": ("Crept in over the years",),
    "degeneration": ("Crept in over the years", "Worse since a long flight"),
    "facet": ("After a day of painting a ceiling", "Came on slowly"),
}
_QUALITIES = ("Dull", "Stabbing", "Burning", "Pulling")
_WORSE = ("Sitting long", "Standing long", "Bending forward", "Lifting")
_BETTER = ("Lying down", "Walking about", "Warmth", "Bending forward over a trolley")
_EARLIER = ("None before", "Two in the last five years, each gone in a month", "Every winter")
_TRIED = ("Nothing yet", "Warmth and rest at home", "Tablets from the pharmacy")
_PATTERNS = ("Worst in the morning", "Worst in the evening", "All day", "Comes and goes")


def tell_history(story: PatientStory) -> list[dict[str, Any]]:
    """Return the aspects that the patient tells of, each once."""
    chance = story.chance("history")
    told = {
        "circumstances": chance.pick(_CIRCUMSTANCES[story.protocol.key]),
        "quality": chance.pick(_QUALITIES),
        "pattern": chance.pick(_PATTERNS),
        "aggravated-by": chance.pick(_WORSE),
        "relieved-by": chance.pick(_BETTER),
        "previous-episodes": chance.pick(_EARLIER),
        "previous-treatment": chance.pick(_TRIED),
    }
    if story.protocol.leg > 0.5:
        told["radiation"] = f"Into the {story.side} leg" if story.side else "Into both legs"
    return [{"aspect": aspect, "text": text} for aspect, text in told.items()]
