"""How severity and distress go on after the first visit, 0 (none) to 1 (worst)."""

from __future__ import annotations

from datetime import datetime
from itertools import pairwise

from fhir_backpain.clinic.patient_story import PatientStory
from fhir_backpain.clinic.protocols import RECOVERY, Response


def severity_at(story: PatientStory, moment: datetime) -> float:
    """Return how bad the back is at a moment: the response's course with a day's own swing."""
    swing = story.chance("severity", moment.date()).spread(0.08)
    left = share_left(story.response, story.weeks_after(moment))
    return _bounded(story.severity * left + swing)


def distress_at(story: PatientStory, moment: datetime) -> float:
    """Return how distressed the patient is: distress follows the pain halfway down."""
    swing = story.chance("distress", moment.date()).spread(0.1)
    left = share_left(story.response, story.weeks_after(moment))
    return _bounded(story.distress * (1 + left) / 2 + swing)


def weight_at(story: PatientStory, moment: datetime) -> float:
    """Return the body weight in kg: those who get better and weigh too much lose some of it."""
    change = -0.06 if {"obesity", "overweight"} & set(story.factors) else 0.0
    left = share_left(story.response, story.weeks_after(moment))
    swing = story.chance("weight", moment.date()).spread(0.6)
    return round(story.weight_kg * (1 + change * (1 - left)) + swing, 1)


def share_left(response: Response, weeks: float) -> float:
    """Return the share of the first severity that is left after some weeks."""
    course = RECOVERY[response]
    for (week, share), (next_week, next_share) in pairwise(course):
        if weeks <= next_week:
            return share + (next_share - share) * max(0.0, weeks - week) / (next_week - week)
    return course[-1][1]


def _bounded(value: float) -> float:
    return min(1.0, max(0.0, value))
