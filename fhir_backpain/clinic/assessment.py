"""The assessments of a patient: one at the first visit and one at each follow-up."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from fhir_backpain.clinic.chance import Chance
from fhir_backpain.clinic.examination import (
    EMERGENCY_FLAGS,
    ask_red_flags,
    examine,
    first_flags,
)
from fhir_backpain.clinic.header import header, minutes_after
from fhir_backpain.clinic.history import tell_history
from fhir_backpain.clinic.instrument import INSTRUMENTS, MEASURES, Driver, Items, number
from fhir_backpain.clinic.patient_story import PatientStory, Visit
from fhir_backpain.clinic.protocols import Protocol
from fhir_backpain.clinic.results import BLOCK, procedures_of, reports_of
from fhir_backpain.clinic.trajectory import distress_at, severity_at, weight_at

Elements = list[dict[str, Any]]

MISSING_REASONS = {"asked-declined": 4, "asked-unknown": 3, "not-asked": 2, "not-performed": 1}
_MISSING = 0.025
_OF_FRACTURE = {"trauma", "osteoporosis"}

_AUTHORS = {
    "strain": "family-physician",
    "herniation": "rehabilitation-physician",
    "stenosis": "orthopaedic-surgeon",
    "degeneration": "rehabilitation-physician",
    "facet": "family-physician",
}


def author_of(protocol: Protocol) -> str:
    """Return the role of the clinician who sees patients with that kind of pain."""
    return _AUTHORS[protocol.key]


def write_assessment(story: PatientStory, visit: Visit) -> dict[str, Any]:
    """Return the record of one visit."""
    chance = story.chance("assessment", visit.number)
    recorded_at = minutes_after(visit.at, chance.between(20, 40))
    record_id = f"{story.mrn}-A{visit.number + 1}"
    record = header(story, "assessment", record_id, recorded_at, author_of(story.protocol))
    record["encounter"] = {
        "id": f"{story.mrn}-V{visit.number + 1}",
        "setting": visit.setting,
        "status": "finished",
        "start": visit.at.isoformat(),
        "end": minutes_after(visit.at, 45).isoformat(),
    }
    if not visit.number:
        record["history"] = tell_history(story)
    scores, questionnaires = _scores(story, visit, chance)
    record |= {
        "assessed_at": visit.at.isoformat(),
        "pain": {"onset": story.onset.isoformat(), "ratings": _ratings(story, visit, chance)},
        "scores": scores,
    }
    if questionnaires:
        record["questionnaires"] = questionnaires
    if visit.setting == "clinic":
        record["examination"] = examine(story, visit)
    record |= {
        "red_flags": ask_red_flags(story, visit),
        "causes": _causes(story, visit),
    }
    investigations = _investigations(story, visit)
    optional = {
        "factors": _factors(story, visit),
        "investigations": investigations,
        "reports": reports_of(story, visit, investigations),
        "procedures": procedures_of(story, visit, investigations),
    }
    record |= {name: elements for name, elements in optional.items() if elements}
    record["work_status"] = _work_status(story, visit)
    return record


def _ratings(story: PatientStory, visit: Visit, chance: Chance) -> Elements:
    severity = severity_at(story, visit.at)
    leg = min(1.0, severity * story.protocol.leg)
    ratings: Elements = [
        {"site": "low-back", "scale": "pain-nrs", "score": round(10 * severity)},
        {"site": "leg", "scale": "pain-nrs", "score": round(10 * leg)},
        {"site": "low-back", "scale": "pain-nrs-week", "score": _week(severity, chance)},
    ]
    if story.side is not None:
        ratings[1]["side"] = story.side
    if story.number % 5 == 0:
        ratings.append({"site": "low-back", "scale": "pain-vas", "score": round(100 * severity)})
    if story.number % 17 == 0:
        faces = {"site": "low-back", "scale": "pain-faces", "score": 2 * round(5 * severity)}
        ratings.append(faces)
    if "ndi" in story.battery:
        ratings.append({"site": "neck", "scale": "pain-nrs", "score": round(6 * severity)})
    return [_maybe_missing(rating, chance) for rating in ratings]


def _week(severity: float, chance: Chance) -> int:
    return min(10, max(0, round(10 * severity + chance.spread(1.2))))


def _scores(story: PatientStory, visit: Visit, chance: Chance) -> tuple[Elements, Elements]:
    """Return the scores of a visit and the questionnaires whose items are given."""
    scores: Elements = []
    questionnaires: Elements = []
    for instrument in _instruments(story):
        items = _answers(story, visit, instrument)
        given = story.gives_items and not chance.happens(0.15)
        computed = _computed(instrument, items, given)
        if chance.happens(_MISSING):
            reason = chance.weighted(MISSING_REASONS)
            computed = [{"measure": s["measure"], "missing_reason": reason} for s in computed]
        elif given:
            questionnaires.append(_questionnaire(instrument, items, visit))
        scores.extend(computed)
    for measure in ("eq5d-vas", *(name for name in story.battery if name in MEASURES)):
        burden = _burden(story, visit, MEASURES[measure].driver)
        score = {"measure": measure, "score": MEASURES[measure].score(burden)}
        scores.append(_maybe_missing(score, chance))
    return scores + _body(story, visit), questionnaires


def _instruments(story: PatientStory) -> list[str]:
    asked = [story.function, "eq5d", "startback", story.depression]
    return [*asked, *(name for name in story.battery if name in INSTRUMENTS)]


def _burden(story: PatientStory, visit: Visit, driver: Driver) -> float:
    at = severity_at if driver == "severity" else distress_at
    return at(story, visit.at)


def _answers(story: PatientStory, visit: Visit, instrument: str) -> Items:
    form = INSTRUMENTS[instrument]
    chance = story.chance("answers", instrument, visit.number)
    return form.answer(_burden(story, visit, form.driver), chance)


def _computed(instrument: str, items: Items, given: bool) -> Elements:
    link = {"questionnaire": instrument} if given else {}
    scores = INSTRUMENTS[instrument].scores(items)
    return [{"measure": measure, **score, **link} for measure, score in scores.items()]


def _questionnaire(instrument: str, items: Items, visit: Visit) -> dict[str, Any]:
    return {
        "instrument": instrument,
        "completed_at": minutes_after(visit.at, -15).isoformat(),
        "items": [{"id": item, "value": value} for item, value in items.items()],
    }


def function_score(story: PatientStory, visit: Visit) -> int:
    """Return the patient's ODI or RMDQ score at a visit, whether or not it was recorded."""
    items = _answers(story, visit, story.function)
    return int(INSTRUMENTS[story.function].scores(items)[story.function]["score"])


def _body(story: PatientStory, visit: Visit) -> Elements:
    if visit.number or visit.setting != "clinic":
        return []
    weight = weight_at(story, visit.at)
    height = Decimal(story.height_cm) / 100
    bmi = Decimal(repr(weight)) / (height * height)
    return [
        {"measure": "body-height", "score": story.height_cm},
        {"measure": "body-weight", "score": number(weight, 1)},
        {"measure": "bmi", "score": number(float(bmi), 1)},
    ]


def _maybe_missing(element: dict[str, Any], chance: Chance) -> dict[str, Any]:
    if not chance.happens(_MISSING):
        return element
    kept = {name: value for name, value in element.items() if name != "score"}
    return {**kept, "missing_reason": chance.weighted(MISSING_REASONS)}


def _causes(story: PatientStory, visit: Visit) -> Elements:
    tested = story.chance("test").happens(story.protocol.investigation[1])
    sure = "confirmed" if visit.number and tested else "provisional"
    causes: Elements = [
        _cause(story, cause, {"certainty": sure, "status": _status(story, visit)})
        for cause in story.protocol.causes
    ]
    if tested and visit.number < 2:
        causes.append(_suspected(story.protocol.differential, "differential", visit))
    if visit.number < 2 and first_flags(story) & set(EMERGENCY_FLAGS):
        causes.append(_suspected("cauda-equina", "unconfirmed", visit))
    if visit.number < 2 and first_flags(story) & _OF_FRACTURE:
        causes.append(_suspected("lumbar-fracture", "unconfirmed", visit))
    return causes


def _cause(story: PatientStory, cause: str, more: dict[str, Any]) -> dict[str, Any]:
    side = {"side": story.side} if story.side else {}
    site = {"site": "leg"} if cause == "sciatica" else {}
    return {"cause": cause, **site, **side, **more, "onset": story.onset.isoformat()}


def _suspected(cause: str, certainty: str, visit: Visit) -> dict[str, Any]:
    """Return a cause that is considered at the first visit and refuted at the next."""
    if visit.number:
        return {"cause": cause, "certainty": "refuted", "status": "inactive"}
    return {"cause": cause, "certainty": certainty, "status": "active"}


def _status(story: PatientStory, visit: Visit) -> str:
    if story.response == "relapse" and visit.number == 3:
        return "relapse"
    if visit.number == 4 and severity_at(story, visit.at) < 0.15:
        return "resolved" if story.protocol.key == "strain" else "remission"
    return "active"


def _factors(story: PatientStory, visit: Visit) -> Elements:
    better = visit.number >= 3 and story.response in ("fast", "gradual")
    left_behind = {"poor-posture", "lack-of-exercise"} if better else set()
    return [
        {"factor": factor, "status": "inactive" if factor in left_behind else "active"}
        for factor in story.factors
    ]


def _investigations(story: PatientStory, visit: Visit) -> Elements:
    """Return the tests asked for at the first visit, with their state at this one."""
    if visit.number > 1:
        return []
    usual, likely = story.protocol.investigation
    tests = [usual] if story.chance("test").happens(likely) else []
    if "mri-lumbar" in tests and story.side and story.chance("block", "asked").happens(0.25):
        tests.append(BLOCK)
    flags = first_flags(story)
    if flags & set(EMERGENCY_FLAGS):
        tests.append("mri-lumbar-contrast")
    if flags & _OF_FRACTURE and "xray-lumbar" not in tests:
        tests.append("xray-lumbar")
    return [
        {
            "id": f"{story.mrn}-I{place}",
            "test": test,
            "status": "completed" if visit.number else "active",
            "requested_at": minutes_after(story.first_visit, 15).isoformat(),
            "reason": "To find or rule out the cause of the pain",
        }
        for place, test in enumerate(tests, start=1)
    ]


def _work_status(story: PatientStory, visit: Visit) -> dict[str, Any]:
    severity = severity_at(story, visit.at)
    if severity > 0.7:
        days = story.chance("work", visit.number).between(5, 40)
        return {"status": "on-sick-leave", "days_off": days}
    if severity > 0.4:
        return {"status": "fit-with-restrictions", "days_off": round(severity * 12)}
    sitting = "sedentary-lifestyle" in story.factors and story.number % 3 == 0
    return {"status": "sedentary-job" if sitting else "fit", "days_off": 0}
