"""What comes from home between the visits: pain by phone, body weight, minutes of activity."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, time, timedelta
from typing import Any

from fhir_backpain.clinic.chance import Chance
from fhir_backpain.clinic.header import header, minutes_after
from fhir_backpain.clinic.instrument import MEASURES, number
from fhir_backpain.clinic.patient_story import OFFSET, PatientStory
from fhir_backpain.clinic.trajectory import severity_at, weight_at

# Weeks after the first visit at which each measure is asked for.
WEEKS = {
    "pain-nrs-week": (1, 2, 3, 4, 8),
    "activity-minutes": (3, 20),
    "body-weight": (5, 17, 36),
}
MISSING_REASONS = {"asked-declined": 3, "asked-unknown": 1, "not-performed": 4}
_NOTES = (
    'Says: "much the same", slept badly.',
    "Called twice; answered in the evening, was in a hurry.",
    "Größte Mühe beim Bücken, otherwise well.",
)


def write_home_measurements(story: PatientStory) -> Iterator[dict[str, Any]]:
    """Yield the observation records of a patient, measure by measure, while they attend."""
    for measure, weeks in WEEKS.items():
        if not _asked(story, measure):
            continue
        for week in weeks:
            moment = _moment(story, measure, week)
            if moment < story.visits[-1].at:
                yield _observation(story, measure, week, moment)


def _asked(story: PatientStory, measure: str) -> bool:
    if measure == "body-weight":
        return bool({"obesity", "overweight"} & set(story.factors))
    return story.chance("asked", measure).happens(0.85)


def _moment(story: PatientStory, measure: str, week: int) -> datetime:
    chance = story.chance("moment", measure, week)
    day = story.first_visit.date() + timedelta(weeks=week, days=chance.between(-2, 2))
    return datetime.combine(day, time(chance.between(7, 19), chance.between(0, 59)), OFFSET)


def _observation(story: PatientStory, measure: str, week: int, moment: datetime) -> dict[str, Any]:
    chance = story.chance("home", measure, week)
    by_phone = measure == "pain-nrs-week"
    letter = {"pain-nrs-week": "P", "activity-minutes": "M", "body-weight": "W"}[measure]
    record_id = f"{story.mrn}-H{letter}{week:02d}"
    recorded_at = minutes_after(moment, chance.between(1, 9))
    author = "nurse-practitioner" if by_phone else None
    record = header(story, "observation", record_id, recorded_at, author)
    record |= {"observed_at": moment.isoformat(), "measure": measure}
    if by_phone:
        record["site"] = "low-back"
    if chance.happens(0.04):
        record["missing_reason"] = chance.weighted(MISSING_REASONS)
    else:
        record["score"] = _score(story, measure, moment, chance)
    if by_phone and chance.happens(0.08):
        record["note"] = chance.pick(_NOTES)
    return record


def _score(story: PatientStory, measure: str, moment: datetime, chance: Chance) -> Any:
    if measure == "body-weight":
        return number(weight_at(story, moment), 1)
    severity = severity_at(story, moment)
    if measure == "activity-minutes":
        return int(MEASURES[measure].score(severity)) // 5 * 5
    return min(10, max(0, round(10 * severity + chance.spread(1.0))))
