"""Records of a made-up patient, written by hand so that the numbers can be checked by hand."""

from __future__ import annotations

import json
from typing import Any

from fhir_backpain.fhir import json_text
from fhir_backpain.outcome import SourceLocation
from fhir_backpain.record import SourceRecord

PATIENT = "https://clinic.example/mrn|P-1"
DAYS = ("2026-01-05", "2026-03-02", "2026-06-01", "2026-11-30")


def head(record: str, name: str, patient: str = "P-1") -> dict[str, Any]:
    """Return what every record has."""
    return {
        "record": record,
        "id": name,
        "source": "https://clinic.example/app",
        "test_data": True,
        "patient": {"identifier": {"system": "https://clinic.example/mrn", "value": patient}},
    }


def observation(name: str, day: str, measure: str = "odi", **said: Any) -> dict[str, Any]:
    """Return an observation record."""
    return {**head("observation", name), "observed_at": day, "measure": measure, **said}


def assessment(name: str, day: str, **said: Any) -> dict[str, Any]:
    """Return an assessment record."""
    return {**head("assessment", name), "assessed_at": day, **said}


def plan(name: str, day: str, **said: Any) -> dict[str, Any]:
    """Return a care-plan record."""
    fixed = {"written_at": day, "status": "active", "intent": "plan"}
    return {**head("care-plan", name), **fixed, **said}


def goal(name: str = "G1", **said: Any) -> dict[str, Any]:
    """Return a goal of an Oswestry score of 20 by the end of June."""
    fixed = {"id": name, "description": "Garden again", "status": "active", "start": DAYS[0]}
    return {**fixed, "due": "2026-06-30", "measure": "odi", "target": 20, **said}


def exercise(times: int = 2, **said: Any) -> dict[str, Any]:
    """Return an exercise at home, some times a week."""
    schedule = {"frequency": times, "period": 1, "period_unit": "wk"}
    fixed = {"id": "X1", "treatment": "exercise-therapy", "status": "active"}
    return {**fixed, "schedule": schedule, **said}


def ibuprofen(dose: int = 400, **said: Any) -> dict[str, Any]:
    """Return an ibuprofen three times a day."""
    fixed = {"id": "M1", "medication": "ibuprofen-200mg", "status": "active"}
    schedule = {"frequency": 3, "period": 1, "period_unit": "d"}
    return {**fixed, "dose": {"value": dose, "unit": "mg"}, "schedule": schedule, **said}


def year() -> list[dict[str, Any]]:
    """Return a year of one patient: a plan that is revised three times, and what was measured."""
    later = {"recorded_at": "2026-12-01T08:00:00Z"}
    cause = {"cause": "low-back-strain", "certainty": "confirmed"}
    first = assessment(
        "A-1",
        DAYS[0],
        recorded_at="2026-01-05T12:00:00Z",
        causes=[cause],
        pain={"ratings": [{"site": "low-back", "scale": "pain-nrs", "score": 7}]},
        scores=[
            {"measure": "odi", "score": 44},
            {"measure": "rmdq", "missing_reason": "not-asked"},
        ],
    )
    last = assessment(
        "A-2",
        DAYS[3],
        **later,
        pain={"ratings": [{"site": "low-back", "scale": "pain-nrs", "score": 3}]},
        scores=[{"measure": "odi", "score": 18}],
    )
    massage = {"id": "X2", "treatment": "massage", "status": "active", "sessions": 6}
    return [
        first,
        plan(
            "P-1", DAYS[0], addresses=[{"cause": "low-back-strain"}], goals=[goal()],
            activities=[exercise(2)], medications=[ibuprofen(400)],
        ),
        observation("O-1", "2026-02-02", score=40),
        plan(
            "P-2", DAYS[1], revision_of="P-1", reason="The pain has not changed.",
            addresses=[{"cause": "low-back-strain"}], goals=[goal(target=24)],
            activities=[exercise(3)], medications=[ibuprofen(600)],
        ),
        observation("O-2", "2026-04-06", missing_reason="asked-declined"),
        plan(
            "P-3", DAYS[2], revision_of="P-2", reason="A technique is added.",
            addresses=[{"cause": "low-back-strain"}],
            goals=[goal(target=24, achievement="improving")],
            activities=[exercise(3), massage], medications=[ibuprofen(600)],
        ),
        observation("O-3", "2026-08-03", score=26),
        last,
        plan(
            "P-4", DAYS[3], revision_of="P-3", reason="The goal is reached.",
            addresses=[{"cause": "low-back-strain"}],
            goals=[goal(target=24, status="completed", achievement="achieved")],
            activities=[exercise(3)],
        ),
    ]  # fmt: skip


def read(*records: dict[str, Any]) -> list[SourceRecord]:
    """Return records as they are read: numbers int or Decimal, with their places."""
    return [
        SourceRecord(
            json_text.parse(json.dumps(data)), SourceLocation(file="year.ndjson", line=line)
        )
        for line, data in enumerate(records, start=1)
    ]
