"""What the clinic orders: each treatment's usual course and each medication's usual doses."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any


@dataclass(frozen=True, slots=True)
class Course:
    """How a treatment is given: `times` per week for `minutes`, `sessions` in all; 0 where once.

    `role` is who gives it; None is the patient at home, with `words` to go by.
    """

    description: str
    role: str | None
    times: int = 0
    minutes: int = 0
    sessions: int = 0
    words: str | None = None

    def schedule(self, more: int = 0) -> dict[str, Any] | None:
        """Return the weekly schedule, `more` times a week than usual; None where given once."""
        if not self.times:
            return None
        schedule: dict[str, Any] = {
            "frequency": self.times + more,
            "period": 1,
            "period_unit": "wk",
        }
        if self.minutes:
            schedule |= {"duration": self.minutes, "duration_unit": "min"}
        return schedule


_FP, _PT, _PSY = "family-physician", "physiotherapist", "psychologist"
_PAIN, _ORTHO, _NEURO = "pain-specialist", "orthopaedic-surgeon", "neurosurgeon"

COURSES: dict[str, Course] = {
    "self-care-education": Course(
        "How to care for the back at home", _FP, words="Stay active; rest in bed does not help."
    ),
    "lifting-education": Course(
        "How to lift", _PT, words="Bend the knees, keep the load close to the body."
    ),
    "ergonomics-education": Course(
        "Workplace and sitting", "occupational-therapist", words="Stand up every 30 minutes."
    ),
    "exercise-education": Course("How to exercise safely", _PT, words="Little and often."),
    "pain-education": Course(
        "How pain works", "nurse-practitioner", words="Pain does not always mean harm."
    ),
    "exercise-therapy": Course(
        "Exercises for the lower back", None, 3, 20, words="Walk or swim on the other days."
    ),
    "strength-exercise": Course("Strength training", None, 2, 30, words="Slowly add weight."),
    "stretching": Course("Stretching at home", None, 7, 10, words="Never into sharp pain."),
    "core-stabilisation": Course("Core stabilisation", _PT, 2, 30, 12),
    "posture-training": Course("Posture training", _PT, 1, 30, 6),
    "physical-therapy": Course("Physical therapy", _PT, 2, 40, 12),
    "chiropractic-manipulation": Course("Spinal manipulation", "chiropractor", 1, 20, 6),
    "acupuncture": Course("Acupuncture", "acupuncturist", 1, 30, 8),
    "massage": Course("Massage", "massage-therapist", 1, 30, 6),
    "cbt": Course("Cognitive behavioural therapy", _PSY, 1, 50, 8),
    "weight-management": Course(
        "Weight management", "nurse-practitioner", 1, 30, 12, "Weigh yourself once a month."
    ),
    "nerve-root-block": Course("Nerve root block", _PAIN, sessions=1),
    "epidural-injection": Course("Epidural injection", _PAIN, sessions=1),
    "facet-denervation": Course("Facet denervation", _PAIN, sessions=1),
    "referral-pain-specialist": Course("Referral to the pain clinic", _PAIN),
    "urgent-referral": Course("Urgent referral to a spine surgeon", _NEURO),
    "lumbar-discectomy": Course("Lumbar discectomy", _NEURO, sessions=1),
    "laminectomy": Course("Laminectomy", _NEURO, sessions=1),
    "lumbar-fusion": Course("Lumbar fusion", _ORTHO, sessions=1),
}


INVASIVE = frozenset(
    (
        "nerve-root-block", "epidural-injection", "facet-denervation", "lumbar-discectomy",
        "laminectomy", "lumbar-fusion",
    )
)  # fmt: skip
"""What is offered when conservative care did not suffice; a plan lists it last."""


@dataclass(frozen=True, slots=True)
class Dosage:
    """A medication's usual dose and its raised one: (mg each time, times a day).

    `titration` is how the usual dose is reached: (mg each time, times a day, days; 0 for on and
    on). `most` is how many mg a day must not be exceeded; 0 where nothing is said.
    """

    usual: tuple[int, int]
    raised: tuple[int, int]
    words: str
    as_needed: bool = False
    titration: tuple[tuple[int, int, int], ...] = ()
    most: int = 0

    def order(self, start: date, raised: bool) -> dict[str, Any]:
        """Return how much is taken and how often, a raised dose at once, the usual one in steps."""
        most = {"maximum": {"value": self.most, "unit": "mg", "days": 1}} if self.most else {}
        if self.titration and not raised:
            return {"titration": list(self._steps(start)), **most}
        return {**_taken(*(self.raised if raised else self.usual)), **most}

    def _steps(self, start: date) -> Iterator[dict[str, Any]]:
        for place, (milligrams, times, days) in enumerate(self.titration, start=1):
            step = {"step": place, "start": start.isoformat(), **_taken(milligrams, times)}
            start += timedelta(days=days)
            if days:
                step["end"] = (start - timedelta(days=1)).isoformat()
            yield step


def _taken(milligrams: int, times: int) -> dict[str, Any]:
    return {
        "dose": {"value": milligrams, "unit": "mg"},
        "schedule": {"frequency": times, "period": 1, "period_unit": "d"},
    }


DOSAGES: dict[str, Dosage] = {
    "ibuprofen-200mg": Dosage((200, 3), (400, 3), "Take with food."),
    "ibuprofen-600mg": Dosage((600, 2), (600, 3), "Take with food."),
    "naproxen-500mg": Dosage((250, 2), (500, 2), "Take with food; half a tablet is 250 mg."),
    "acetaminophen-500mg": Dosage(
        (500, 3), (1000, 3), "When the pain is strong.", as_needed=True, most=3000
    ),
    "duloxetine-30mg": Dosage((30, 1), (60, 1), "Take in the morning."),
    "gabapentin-300mg": Dosage(
        (300, 2), (600, 2), "May make you sleepy.", titration=((300, 1, 3), (300, 2, 0)), most=1800
    ),
    "tramadol-50mg": Dosage((50, 2), (100, 2), "As little as helps.", as_needed=True),
    "cyclobenzaprine-5mg": Dosage((5, 1), (10, 1), "Take at night; do not drive after it."),
}
