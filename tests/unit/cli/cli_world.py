"""Records to give to the command line, and what it came to."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

NOBODY = "http://127.0.0.1:9/fhir"  # the discard service, which nobody offers any more


FEED = """\
feed: tiny
makes: observation
table: {delimiter: ","}
record:
  id: =visit
  source: https://clinic.example/app
  patient:
    identifier: {system: https://clinic.example/mrn, value: =mrn}
  observed_at: =day
  measure: pain-nrs-week
  score: {=number: pain}
ignore:
  - {path: clerk, because: not clinical}
"""


def observation(name: str, patient: str = "P-1", **changes: Any) -> dict[str, Any]:
    """Return an observation record of a patient."""
    return {
        "record": "observation",
        "id": name,
        "source": "https://clinic.example/app",
        "test_data": True,
        "patient": {"identifier": {"system": "https://clinic.example/mrn", "value": patient}},
        "observed_at": "2026-03-02T09:30:00+01:00",
        "measure": "pain-nrs-week",
        "score": 7,
        **changes,
    }


def write(path: Path, *records: dict[str, Any]) -> Path:
    """Write records as NDJSON."""
    path.write_text("".join(f"{json.dumps(record)}\n" for record in records), encoding="utf-8")
    return path


def number_of(issue: dict[str, Any]) -> str:
    """Return the FBP number of an issue in JSON."""
    return str(issue["extension"][0]["valueString"])
