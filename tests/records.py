"""Made-up records to start from: the least that is valid, with whatever a test adds."""

from __future__ import annotations

import json
from typing import Any

from fhir_backpain.fhir import json_text

_HEADER: dict[str, Any] = {
    "id": "R-1",
    "source": "https://clinic.example/app",
    "patient": {"identifier": {"system": "https://clinic.example/mrn", "value": "MRN-1"}},
}


def assessment(**extra: Any) -> dict[str, Any]:
    """Return an assessment."""
    return {"record": "assessment", **_HEADER, "assessed_at": "2024-03-04", **extra}


def care_plan(**extra: Any) -> dict[str, Any]:
    """Return a care plan."""
    fixed = {"written_at": "2024-03-04", "status": "active", "intent": "plan"}
    return {"record": "care-plan", **_HEADER, **fixed, **extra}


def observation(**extra: Any) -> dict[str, Any]:
    """Return an observation; it needs a score, a level or a reason for none."""
    fixed = {"observed_at": "2024-03-04", "measure": "odi"}
    return {"record": "observation", **_HEADER, **fixed, **extra}


def exact(data: dict[str, Any]) -> dict[str, Any]:
    """Return a record as a reader gives it: a number is int or Decimal, never float."""
    read: dict[str, Any] = json_text.parse(json.dumps(data))
    return read
