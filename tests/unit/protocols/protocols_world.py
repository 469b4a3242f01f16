"""Assessments to apply protocols to, written by hand."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from fhir_backpain.fhir import json_text
from fhir_backpain.mapping.library import Library, load_library
from fhir_backpain.outcome import SourceLocation
from fhir_backpain.protocols.draft import Draft, apply
from fhir_backpain.protocols.protocol import Protocol, load_protocols
from fhir_backpain.record import SourceRecord

# What makes each protocol's own patient.
OF_PROTOCOL: dict[str, dict[str, Any]] = {
    "muscle-strain": {"causes": [{"cause": "low-back-strain", "certainty": "confirmed"}]},
    "posture-and-sedentary": {
        "causes": [{"cause": "nonspecific-low-back-pain", "certainty": "confirmed"}],
        "factors": [{"factor": "sedentary-lifestyle", "status": "active"}],
    },
    "disc-herniation": {
        "causes": [
            {"cause": "disc-herniation-radiculopathy", "side": "left", "certainty": "confirmed"}
        ]
    },
    "spinal-stenosis": {"causes": [{"cause": "spinal-stenosis", "certainty": "confirmed"}]},
    "degenerative-disc": {"causes": [{"cause": "disc-degeneration", "certainty": "confirmed"}]},
}


def assessment(**said: Any) -> dict[str, Any]:
    """Return an assessment of pain that began 14 weeks before it."""
    return {
        "record": "assessment",
        "id": "A-1",
        "source": "https://clinic.example/app",
        "test_data": True,
        "patient": {"identifier": {"system": "https://clinic.example/mrn", "value": "P-1"}},
        "recorded_at": "2026-03-02T12:00:00Z",
        "assessed_at": "2026-03-02T09:30:00+01:00",
        "pain": {
            "onset": "2025-11-24",
            "ratings": [
                {"site": "low-back", "scale": "pain-nrs", "score": 6},
                {"site": "leg", "side": "left", "scale": "pain-nrs", "score": 4},
            ],
        },
        "scores": [
            {"measure": "odi", "score": 44},
            {"measure": "startback-risk", "level": "high"},
        ],
        "red_flags": [{"flag": "fever", "present": False}],
        **said,
    }


def source(data: dict[str, Any]) -> SourceRecord:
    """Return a record as it is read."""
    place = SourceLocation(file="visit.ndjson", line=1)
    return SourceRecord(json_text.parse(json.dumps(data)), place)


def earlier_plan(*treatments: str, status: str = "completed") -> dict[str, Any]:
    """Return the part of an earlier plan that says what was tried."""
    activities = [
        {"id": f"X{number}", "treatment": treatment, "status": status}
        for number, treatment in enumerate(treatments)
    ]
    return {"record": "care-plan", "status": "active", "activities": activities}


@cache
def shipped() -> dict[str, Protocol]:
    """Return the shipped protocols, read once."""
    return load_protocols(load_library())


def drafted(library: Library, name: str, *plans: dict[str, Any], **said: Any) -> Draft:
    """Return the draft of a protocol for its own patient; `said` replaces fields."""
    data = {**assessment(**OF_PROTOCOL[name]), **said}
    return apply(shipped()[name], source(data), library, plans)
